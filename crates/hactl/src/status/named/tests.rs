//! Each thing that can be named, alone and among others that are worse.

use super::super::render::tests::{of_instance, on_backup, scene};
use super::*;

#[test]
fn what_is_named_is_as_bad_as_it_is_and_not_as_the_others() {
    for (name, code, backends, problems) in [
        ("good", 0, &["good:calm"][..], 0),
        ("bad", 1, &["bad:calm", "bad:socks_back_7891"], 1),
        ("socks_back_7891", 1, &["bad:socks_back_7891"], 1),
        ("bad:calm", 0, &["bad:calm"], 0),
        ("calm", 0, &["good:calm", "bad:calm"], 0),
        ("calm/wg1", 0, &["good:calm", "bad:calm"], 0),
        ("socks_back_7891/wg1", 1, &["bad:socks_back_7891"], 1),
        ("bad:socks_back_7891/cloudflare_warp", 1, &["bad:socks_back_7891"], 1),
    ] {
        let found = named(&two(), name).unwrap().status;
        let names = found.backends.iter().map(|backend| format!("{}:{}", backend.instance, backend.name));
        assert_eq!(
            (found.exit_code, names.collect::<Vec<_>>()),
            (code, backends.iter().map(|name| (*name).to_owned()).collect()),
            "{name}"
        );
        assert_eq!(found.problems.len(), problems, "{name}: {:?}", found.problems);
    }
}

#[test]
fn a_haproxy_that_cannot_be_steered_counts_for_all_that_is_behind_it() {
    let mut whole = of_instance("7891", scene());
    let name = "socks_back_7891/wg1";
    let code = |whole: &Status| named(whole, name).unwrap().status.exit_code;
    assert_eq!(code(&whole), 0);
    whole.instances[0].problems = vec!["the ledger cannot be written".to_owned()];
    assert_eq!(code(&whole), 1);
    whole.instances[0].applying = false;
    assert_eq!(code(&whole), 2);
    whole.instances[0].mode = "observe".to_owned();
    assert_eq!(code(&whole), 1);
    whole.instances[0].haproxy.answering = false;
    whole.instances[0].haproxy.age_seconds = Some(3.0);
    assert_eq!(code(&whole), 2);
    let mut stale = of_instance("7891", scene());
    stale.config_stale = true;
    assert_eq!(code(&stale), 1);
}

#[test]
fn a_server_is_known_by_its_own_verdict_and_of_its_backend_no_other_one_is_in_the_document() {
    let whole = of_instance("7891", on_backup());
    for (name, code) in [("wg1", 1), ("wg2", 1), ("cloudflare_warp", 0)] {
        let found = named(&whole, &format!("socks_back_7891/{name}")).unwrap();
        assert_eq!(found.status.exit_code, code, "{name}");
        let servers = found.into_document().backends.remove(0).servers;
        assert_eq!(servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>(), [name]);
    }
    let mut down = whole;
    down.backends[0].verdict = Level::Down;
    assert_eq!(named(&down, "socks_back_7891/wg1").unwrap().status.exit_code, 2);
    down.backends[0].servers[0].health = Some(Verdict::Unknown);
    assert_eq!(named(&down, "socks_back_7891/wg1").unwrap().status.exit_code, 3);
}

#[test]
fn of_what_would_be_sent_only_that_to_what_is_named_is_listed() {
    let mut whole = two();
    let command = |server: &str| format!("set server {server} state maint");
    whole.instances[1].would = vec![command("socks_back_7891/wg1"), command("calm/wg1"), command("calm/wg2")];
    let would = |name: &str| named(&whole, name).unwrap().status.instances.pop().unwrap().would;
    assert_eq!(would("bad").len(), 3);
    assert_eq!(would("socks_back_7891"), [command("socks_back_7891/wg1")]);
    assert_eq!(would("bad:calm/wg2"), [command("calm/wg2")]);
}

#[test]
fn an_unknown_name_is_answered_with_those_that_are_known() {
    let known = |name: &str| named(&two(), name).unwrap_err().known.join(" ");
    assert_eq!(known("wg1"), "bad calm good socks_back_7891");
    assert_eq!(known("good/wg1"), "bad calm good socks_back_7891");
    assert_eq!(known("calm/wg7"), "calm/cloudflare_warp calm/wg1 calm/wg2");
    let mut unseen = two();
    assert!(!named(&unseen, "x").unwrap_err().unseen);
    unseen.instances[1].haproxy.answering = false;
    unseen.backends.truncate(1);
    assert!(named(&unseen, "x").unwrap_err().unseen);
}

/// `good` has backend `calm`; `bad` has one of that name too, and one on its backup with a problem of its own.
fn two() -> Status {
    let mut good = of_instance("good", scene());
    good.backends[0].name = "calm".to_owned();
    let mut bad = of_instance("bad", on_backup());
    let mut calm = good.backends[0].clone();
    calm.instance = "bad".to_owned();
    bad.backends.insert(0, calm);
    bad.instances[0].problems = vec!["socks_back_7891 is contended".to_owned()];
    Status::whole(vec![good, bad]).unwrap()
}
