//! The page as it is now, for everybody who looks at it: whoever asks within a moment gets the same one, so that a
//! hundred viewers cost the decision loop no more than one. It is sent whole, and again whenever something of weight is
//! another; the browser makes what it shows like it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use ring::digest::{SHA256, digest};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::admin::Front;
use crate::admin::sse::{self, Follower, Gone, Lasting};

use super::page::{self, Page};
use super::past;

const TEMPLATE: &str = include_str!("page.html");

/// How often it is looked whether something has changed: a change is shown within a quarter of a second.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Of the decision loop's time, all viewers together may take a twentieth.
const LOOP_SHARE: u32 = 20;

/// Where nothing of weight changes, times and latencies still do.
const SEND_EVERY: Duration = Duration::from_secs(1);

/// A viewer on a slow line is not sent more than this in a second, but for changes of weight.
const BYTES_PER_SECOND: usize = 100_000;

/// Where the page stands, in pieces between which its parts go.
struct Template {
    head: &'static str,
    icon: &'static str,
    main: &'static str,
    end: &'static str,
}

static PIECES: LazyLock<Template> = LazyLock::new(|| {
    let cut = |text: &'static str, at| text.split_once(at).unwrap_or((text, ""));
    let (head, rest) = cut(TEMPLATE, "{{title}}");
    let (icon, rest) = cut(rest, "{{icon}}");
    let (main, end) = cut(rest, "{{main}}");
    Template { head, icon, main, end }
});

/// How the page's script and its style are known: SHA-256, base64.
pub(super) fn hashes() -> (String, String) {
    let hash = |start: &str, end: &str| {
        let inside = TEMPLATE.split_once(start).and_then(|(_, rest)| rest.split_once(end));
        base64(digest(&SHA256, inside.map_or("", |(inside, _)| inside).as_bytes()).as_ref())
    };
    (hash("<script>", "</script>"), hash("<style>", "</style>"))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| (bits << 8) | u32::from(three.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let index = ((bits >> (18 - 6 * digit)) & 63) as usize;
            text.push(if digit <= three.len() { char::from(DIGITS[index]) } else { '=' });
        }
    }
    text
}

/// Where pages are made.
#[derive(Clone)]
pub(super) struct Studio {
    front: Front,
    /// Where the past is asked for.
    reading: Router,
    latest: Arc<Mutex<Option<Shot>>>,
}

/// A page as it was at one moment.
#[derive(Clone)]
struct Shot {
    page: Arc<Page>,
    until: Instant,
}

impl Studio {
    pub(super) fn new(front: Front, reading: Router) -> Self {
        Self { front, reading, latest: Arc::default() }
    }

    /// The latest one; who comes while it is made waits for it.
    async fn page(&self) -> Arc<Page> {
        let mut latest = self.latest.lock().await;
        let began = Instant::now();
        if let Some(shot) = latest.as_ref().filter(|shot| shot.until > began) {
            return Arc::clone(&shot.page);
        }
        let page = match self.front.status().await {
            Ok(status) => {
                let past = past::ask(&self.reading).await;
                page::of_status(&status, &past, self.front.socket.as_deref())
            }
            Err(why) => page::of_silence(&why.to_string()),
        };
        let rest = LOOK_EVERY.max(began.elapsed() * LOOP_SHARE);
        let page = Arc::new(page);
        *latest = Some(Shot { page: Arc::clone(&page), until: began + rest });
        page
    }
}

pub(super) fn routes(studio: Studio) -> Router {
    Router::new().route("/", get(whole)).route("/live", get(live)).with_state(studio)
}

async fn whole(State(studio): State<Studio>) -> Response {
    let page = studio.page().await;
    let Template { head, icon, main, end } = &*PIECES;
    let text = [head, page.title.as_str(), icon, &page.icon, main, &page.main, end].concat();
    let code = if page.knows { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Html(text)).into_response()
}

/// Server-sent events: each is the page anew.
async fn live(State(studio): State<Studio>, Extension(lasting): Extension<Lasting>) -> Response {
    sse::answer(lasting, |follower| tell(studio, follower))
}

async fn tell(studio: Studio, mut follower: Follower) -> Result<(), Gone> {
    let mut shown = None;
    loop {
        let page = next(&studio, shown).await;
        follower.tell(page.message.clone()).await?;
        let rest = SEND_EVERY.mul_f64((page.main.len() as f64 / BYTES_PER_SECOND as f64).max(1.0));
        shown = Some((page.weight, Instant::now() + rest));
    }
}

/// The next one worth sending to who was shown the weight of another, and may be sent the same again from then on.
async fn next(studio: &Studio, shown: Option<((u64, u64), Instant)>) -> Arc<Page> {
    loop {
        let page = studio.page().await;
        match shown {
            Some((weight, from)) if weight == page.weight && Instant::now() < from => {
                sleep(LOOK_EVERY).await;
            }
            Some(_) | None => return page,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_in_rfc_4648() {
        let encoded = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(encoded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn the_template_is_whole_and_brings_nothing_from_elsewhere() {
        let Template { head, icon, main, end } = &*PIECES;
        assert!(head.ends_with("<title>") && icon.ends_with("href=\""), "{icon}");
        assert!(main.ends_with("</svg>\n") && end.trim_end().ends_with("</html>"));
        assert_eq!(TEMPLATE.matches("<script").count() + TEMPLATE.matches("<style").count(), 2);
        for outside in ["http:", "https:", "//cdn", "@import", "url(", "innerHTML", "outerHTML", " style="] {
            assert!(!TEMPLATE.contains(outside), "{outside}");
        }
    }
}
