//! What `hactl exits` prints, and its exit code.

use super::*;

#[test]
fn clients_leave_where_hactl_believes() {
    let list = list(Some("203.0.113.7"), "203.0.113.7", true);
    assert_eq!(ExitList::exit_code_of(&list.backends), 0);
    insta::assert_snapshot!(render(&list, &TimeZone::UTC, &terminal(None)), @r"
    back: clients leave from 203.0.113.7 (FRA, warp off), as hactl believes, by wg1
      SERVER  EXIT         SITE  WARP  ASKED                    WHY
    > wg1     203.0.113.7  FRA   off   2026-01-01 12:30:00 UTC  -
      wg2     -            -     -     2026-01-01 12:30:00 UTC  no reply in 10 s
    ");
}

#[test]
fn clients_leave_from_elsewhere() {
    let list = list(Some("203.0.113.7"), "198.51.100.9", true);
    assert_eq!(ExitList::exit_code_of(&list.backends), 1);
    insta::assert_snapshot!(render(&list, &TimeZone::UTC, &terminal(Some(44))), @r"
    back: clients leave from 203.0.113.7 (FRA,
    warp off), which is NOT the exit of wg1,
    where hactl believes
      SERVER  EXIT          SITE  WARP
    > wg1     198.51.100.9  FRA   off
      wg2     -             -     -
          no reply in 10 s
    ");
}

#[test]
fn without_an_answer_nothing_is_claimed() {
    let unseen = list(None, "203.0.113.7", true);
    assert_eq!((ExitList::exit_code_of(&unseen.backends), unseen.backends[0].as_believed), (3, None));
    assert!(
        render(&unseen, &TimeZone::UTC, &terminal(None)).contains("could not be seen: no reply in 10 s\n")
    );
    let unasked = list(Some("203.0.113.7"), "203.0.113.7", false);
    assert_eq!(ExitList::exit_code_of(&unasked.backends), 3);
    let text = render(&unasked, &TimeZone::UTC, &terminal(None));
    assert!(
        text.contains(
            "wg1 is in service; what clients get is not asked, because the backend has no `frontend`"
        ),
        "{text}"
    );
}

#[test]
fn another_site_of_the_same_exit_is_no_other_exit() {
    let mut list = list(Some("203.0.113.7"), "203.0.113.7", true);
    list.backends[0].clients.exit.as_mut().unwrap().colo = Some("AMS".to_owned());
    assert_eq!(list.backends[0].clone().compared().as_believed, Some(true));
}

/// Through wg1, which is in service, and through HAProxy, which clients reach where it `asks_haproxy`.
fn list(through_haproxy: Option<&str>, through_wg1: &str, asks_haproxy: bool) -> ExitList {
    let exit = |address: &str| ExitStatus {
        address: address.to_owned(),
        colo: Some("FRA".to_owned()),
        warp: Some("off".to_owned()),
    };
    let seen = |address: Option<&str>| SeenExit {
        exit: address.map(exit),
        why: address.is_none().then(|| "no reply in 10 s".to_owned()),
        asked_at: Some("2026-01-01T12:30:00.123Z".to_owned()),
    };
    let server = |name: &str, in_service, seen| ServerExit { name: name.to_owned(), in_service, seen };
    let backend = BackendExits {
        instance: "7891".to_owned(),
        name: "back".to_owned(),
        frontend: asks_haproxy.then(|| "127.0.0.1:7891".to_owned()),
        clients: if asks_haproxy { seen(through_haproxy) } else { SeenExit::default() },
        as_believed: None,
        servers: vec![server("wg1", true, seen(Some(through_wg1))), server("wg2", false, seen(None))],
    };
    let backends = vec![backend.compared()];
    ExitList {
        exit_code: ExitList::exit_code_of(&backends),
        api_version: "hactl/v1".to_owned(),
        kind: "ExitList".to_owned(),
        generated_at: "2026-01-01T12:31:00.000Z".to_owned(),
        url: Some("https://www.cloudflare.com/cdn-cgi/trace".to_owned()),
        backends,
    }
}

fn terminal(width: Option<usize>) -> Terminal {
    Terminal { color: false, color_errors: false, unicode: true, width, socket: None }
}
