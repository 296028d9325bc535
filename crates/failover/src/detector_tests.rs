//! The table of phases and news, every one against every other.

use super::*;

#[test]
fn the_table_of_phases_and_news_is_as_documented() {
    use Phase::{Condemned, Fresh, Lost, Trusted};
    let table = [
        (Fresh, News::Life, Trusted),
        (Fresh, News::Redeemed, Fresh),
        (Fresh, News::Condemned, Condemned),
        (Fresh, News::Lost, Lost),
        (Trusted, News::Life, Trusted),
        (Trusted, News::Redeemed, Trusted),
        (Trusted, News::Condemned, Condemned),
        (Trusted, News::Lost, Lost),
        (Condemned, News::Life, Condemned),
        (Condemned, News::Redeemed, Trusted),
        (Condemned, News::Condemned, Condemned),
        (Condemned, News::Lost, Condemned),
        (Lost, News::Life, Trusted),
        (Lost, News::Redeemed, Lost),
        (Lost, News::Condemned, Condemned),
        (Lost, News::Lost, Lost),
    ];
    for (phase, news, after) in table {
        assert_eq!(phase.after(news), after, "{phase:?} and {news:?}");
    }
}
