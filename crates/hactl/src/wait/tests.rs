//! What is missing, for each thing that can be waited for.

use super::*;
use crate::status::render::tests::{of_instance, on_backup, scene};

#[test]
fn what_is_waited_for_is_met_or_it_is_said_what_is_missing() {
    let missing = |status: &Status, name: Option<&str>, what: Wanted| {
        let args = WaitArgs {
            name: name.map(str::to_owned),
            what,
            timeout: Duration::from_secs(1),
            quiet: false,
            socket: PathBuf::new(),
        };
        look(status, &args).unwrap()
    };
    let (good, bad) = (of_instance("7891", scene()), of_instance("7891", on_backup()));
    assert_eq!(missing(&good, None, Wanted::Online), None);
    assert_eq!(missing(&good, None, Wanted::Applied), None);
    let expected = "socks_back_7891/wg1 is degraded: connect to 1.1.1.1:443: no reply in 2 s";
    assert_eq!(missing(&bad, None, Wanted::Online).as_deref(), Some(expected));
    assert_eq!(missing(&bad, Some("socks_back_7891/cloudflare_warp"), Wanted::Online), None);
    assert_eq!(missing(&bad, Some("socks_back_7891/wg2"), Wanted::Offline), None);
    assert_eq!(missing(&bad, Some("socks_back_7891"), Wanted::Degraded), None);
    let expected = Some("socks_back_7891/wg1 is online".to_owned());
    assert_eq!(missing(&good, Some("socks_back_7891"), Wanted::Offline), expected);

    let mut held = of_instance("7891", on_backup());
    held.backends[0].servers[0].drift = true;
    held.backends[0].servers[0].held = Some("no other server could take over".to_owned());
    let expected = "socks_back_7891/wg1 is not as it is wanted: no other server could take over";
    assert_eq!(missing(&held, None, Wanted::Applied).as_deref(), Some(expected));
    held.instances[0].haproxy.answering = false;
    assert_eq!(missing(&held, None, Wanted::Online).as_deref(), Some("the HAProxy of 7891 does not answer"));
}
