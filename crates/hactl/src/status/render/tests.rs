//! The status table in every state and width that a person meets.

mod scenes;

use failover::status::{HaproxyStatus, LatencyStatus, OverrideStatus, PauseStatus, PinStatus, ReturnStatus};
use insta::assert_snapshot;

pub(crate) use self::scenes::{blackout, of_instance, on_backup, scene};
use self::scenes::{fail, server};

use super::*;

#[test]
fn everything_online() {
    assert_snapshot!(table(&scene(), None, &piped()), @"
    ✓ socks_back_7891 ok: 3 of 3 online, on wg1 for 3h20m
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH    HAPROXY  OVERRIDE  LATENCY  LAST 20               SINCE  REASON
    > wg1              127.0.0.1:18181  ● online  up       -            48ms  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄   2d4h  -
      wg2              127.0.0.1:18182  ● online  up       -            51ms  ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅   2d4h  -
      cloudflare_warp  127.0.0.1:8111   ● online  up       -           112ms  ████████████████████   2d4h  -
    ");
}

#[test]
fn degraded_on_backup() {
    assert_snapshot!(table(&on_backup(), None, &piped()), @"
    ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH      HAPROXY  OVERRIDE  LATENCY  LAST 20               SINCE  REASON
      wg1              127.0.0.1:18181  ▲ degraded  maint    -               -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ✕ offline   maint    -               -  ▃▄█✕✕✕✕               4m12s  127.0.0.1:18182: connection refused
    > cloudflare_warp  127.0.0.1:8111   ● online    up       -           112ms  ████████████████████   2d4h  -

    next: hactl explain socks_back_7891/wg1
    ");
}

#[test]
fn of_one_server_that_alone_is_listed_below_its_backend() {
    assert_snapshot!(table(&on_backup(), Some("wg2"), &piped()), @"
    ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER  ADDRESS          HEALTH     HAPROXY  OVERRIDE  LATENCY  LAST 20  SINCE  REASON
      wg2     127.0.0.1:18182  ✕ offline  maint    -               -  ▃▄█✕✕✕✕  4m12s  127.0.0.1:18182: connection refused

    next: hactl explain socks_back_7891/wg2
    ");
}

#[test]
fn blackout_with_the_last_good_server_left() {
    assert_snapshot!(table(&blackout(), None, &piped()), @"
    ✗ socks_back_7891 DOWN: no server is known to carry traffic; still on backup cloudflare_warp for 4m12s
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH      HAPROXY  OVERRIDE  LATENCY  LAST 20  SINCE  REASON
      wg1              127.0.0.1:18181  ▲ degraded  maint    -               -  ▃▄█✕✕✕✕  4m12s  connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ✕ offline   maint    -               -  ▃▄█✕✕✕✕  4m12s  127.0.0.1:18182: connection refused
    > cloudflare_warp  127.0.0.1:8111   ▲ degraded  up       -               -  ▃▄█✕✕✕✕  4m12s  connect to 1.1.1.1:443: no reply in 2 s

    next: hactl explain socks_back_7891/wg1
    ");
}

#[test]
fn no_usable_server() {
    let mut status = blackout();
    let backend = &mut status.backends[0];
    backend.in_service.clear();
    backend.active_server = None;
    backend.on_backup = false;
    backend.servers[2].haproxy.operational = Operational::Stopped;
    assert_snapshot!(table(&status, None, &piped()), @"
    ✗ socks_back_7891 DOWN: 0 of 3 online, HAProxy has had no usable server for 4m12s
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH      HAPROXY  OVERRIDE  LATENCY  LAST 20  SINCE  REASON
      wg1              127.0.0.1:18181  ▲ degraded  maint    -               -  ▃▄█✕✕✕✕  4m12s  connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ✕ offline   maint    -               -  ▃▄█✕✕✕✕  4m12s  127.0.0.1:18182: connection refused
      cloudflare_warp  127.0.0.1:8111   ▲ degraded  down     -               -  ▃▄█✕✕✕✕  4m12s  connect to 1.1.1.1:443: no reply in 2 s

    next: hactl explain socks_back_7891/wg1
    ");
}

#[test]
fn haproxy_away() {
    let mut status = on_backup();
    status.exit_code = 2;
    status.backends[0].verdict = Level::Unknown;
    status.applying = false;
    status.haproxy = HaproxyStatus {
        answering: false,
        version: None,
        pid: None,
        uptime_seconds: None,
        age_seconds: Some(75.0),
        ..status.haproxy
    };
    status.problems = vec![
        "HAProxy does not answer: nobody listens on /run/haproxy/admin.sock: haproxy is not running, or is just \
         being started again"
            .to_owned(),
    ];
    assert_snapshot!(table(&status, None, &piped()), @"
    ✗ HAProxy does not answer: nobody listens on /run/haproxy/admin.sock: haproxy is not running, or is just being started again
    ? socks_back_7891 UNKNOWN: 1 of 3 online, last seen on backup cloudflare_warp
      hactl 0.1.0 gw1 · HAProxy away for 1m15s · /run/haproxy/admin.sock · not applying

      SERVER           ADDRESS          HEALTH      HAPROXY    OVERRIDE  LATENCY  LAST 20               SINCE  REASON
      wg1              127.0.0.1:18181  ▲ degraded  was maint  -               -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ✕ offline   was maint  -               -  ▃▄█✕✕✕✕               4m12s  127.0.0.1:18182: connection refused
      cloudflare_warp  127.0.0.1:8111   ● online    was up     -           112ms  ████████████████████   2d4h  -

    next: hactl explain socks_back_7891/wg1
    ");
    status.backends.clear();
    assert_snapshot!(table(&status, None, &piped()), @"
    ✗ HAProxy does not answer: nobody listens on /run/haproxy/admin.sock: haproxy is not running, or is just being started again
      hactl 0.1.0 gw1 · HAProxy away for 1m15s · /run/haproxy/admin.sock · not applying
    ");
}

#[test]
fn a_socket_of_level_operator() {
    let mut status = on_backup();
    status.exit_code = 2;
    status.applying = false;
    status.haproxy.level = Some("operator".to_owned());
    status.problems = vec![
        "nothing can be changed in HAProxy: the socket /run/haproxy/admin.sock has level operator; write `stats \
         socket /run/haproxy/admin.sock mode 660 level admin` into the global section of haproxy.cfg and reload \
         HAProxy"
            .to_owned(),
    ];
    for server in &mut status.backends[0].servers {
        server.haproxy.state = Admin::Ready;
        server.haproxy.owner = None;
        server.drift = server.desired == Some(Admin::Maint);
    }
    assert_snapshot!(table(&status, None, &piped()), @"
    ✗ nothing can be changed in HAProxy: the socket /run/haproxy/admin.sock has level operator; write `stats socket /run/haproxy/admin.sock mode 660 level admin` into the global section of haproxy.cfg and reload HAProxy
    ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · not applying · data 0.1s old

      SERVER           ADDRESS          HEALTH      HAPROXY            OVERRIDE  LATENCY  LAST 20               SINCE  REASON
      wg1              127.0.0.1:18181  ▲ degraded  up (maint wanted)  -               -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ✕ offline   up (maint wanted)  -               -  ▃▄█✕✕✕✕               4m12s  127.0.0.1:18182: connection refused
    > cloudflare_warp  127.0.0.1:8111   ● online    up                 -           112ms  ████████████████████   2d4h  -

    next: hactl explain socks_back_7891/wg1
    ");
}

#[test]
fn not_seen_yet() {
    let mut status = scene();
    status.backends.clear();
    status.applying = false;
    status.haproxy = HaproxyStatus {
        answering: false,
        version: None,
        pid: None,
        uptime_seconds: None,
        level: None,
        age_seconds: None,
        ..status.haproxy
    };
    assert_snapshot!(table(&status, None, &piped()), @r"
    ? HAProxy was not seen yet
      hactl 0.1.0 gw1 · HAProxy not seen yet · /run/haproxy/admin.sock · not applying
    ");
}

#[test]
fn no_verdict_yet() {
    let mut status = scene();
    status.backends[0].verdict = Level::Unknown;
    for server in &mut status.backends[0].servers {
        server.health = Some(Verdict::Unknown);
        server.history.clear();
        server.latency_ms = LatencyStatus::default();
    }
    assert_snapshot!(table(&status, None, &piped()), @"
    ? socks_back_7891 UNKNOWN: not every server has a verdict yet; on wg1 for 3h20m
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH     HAPROXY  OVERRIDE  LATENCY  LAST 20  SINCE  REASON
    > wg1              127.0.0.1:18181  ○ unknown  up       -               -  -         2d4h  -
      wg2              127.0.0.1:18182  ○ unknown  up       -               -  -         2d4h  -
      cloudflare_warp  127.0.0.1:8111   ○ unknown  up       -               -  -         2d4h  -
    ");
}

#[test]
fn maint_by_somebody_else_a_held_server_and_one_left_alone() {
    let mut status = scene();
    status.backends[0].verdict = Level::Degraded;
    let [wg1, wg2, warp] = status.backends[0].servers.as_mut_slice() else { panic!() };
    wg1.haproxy.state = Admin::Maint;
    wg1.haproxy.owner = Some(Owner::Theirs);
    wg1.held = Some("somebody else put it into maint".to_owned());
    wg1.drift = true;
    fail(wg2);
    wg2.haproxy.state = Admin::Ready;
    wg2.haproxy.owner = None;
    wg2.held = Some("no other server could take over".to_owned());
    wg2.drift = true;
    warp.managed = false;
    warp.health = None;
    warp.health_seconds = None;
    warp.history.clear();
    warp.latency_ms = LatencyStatus::default();
    status.backends[0].in_service = vec!["wg2".to_owned()];
    assert_snapshot!(table(&status, None, &piped()), @"
    ! socks_back_7891 DEGRADED: 1 of 2 online, on wg2 for 3h20m
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH      HAPROXY           OVERRIDE  LATENCY  LAST 20               SINCE  REASON
      wg1              127.0.0.1:18181  ● online    maint (not ours)  -            48ms  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄   2d4h  somebody else put it into maint
    > wg2              127.0.0.1:18182  ▲ degraded  up                -               -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s; stays: no other server could take over
      cloudflare_warp  127.0.0.1:8111   -           up                -               -  -                         -  left alone by configuration

    next: hactl explain socks_back_7891/wg2
    ");
}

#[test]
fn by_the_agent_lever_haproxys_words_are_those_of_its_checks() {
    let mut wg1 = server("wg1", 18181, 48.4);
    wg1.haproxy.agent = Some(Agent::Up);
    assert_eq!(haproxy(&wg1, true), "up");
    (wg1.desired, wg1.drift) = (Some(Admin::Maint), true);
    assert_eq!(haproxy(&wg1, true), "up (down wanted)");
    (wg1.haproxy.operational, wg1.haproxy.agent) = (Operational::Stopped, Some(Agent::Down));
    wg1.drift = false;
    assert_eq!(haproxy(&wg1, true), "down (agent)");
    (wg1.desired, wg1.drift) = (Some(Admin::Ready), true);
    assert_eq!(haproxy(&wg1, true), "down (agent) (up wanted)");
}

#[test]
fn a_wrong_backend_name_and_two_backends() {
    let mut status = on_backup();
    let mut other = scene().backends.remove(0);
    other.name = "other".to_owned();
    status.backends.push(other);
    status.problems = vec![
        "HAProxy has no backend sock_back (it has socks_back_7891, other); correct its name in the configuration"
            .to_owned(),
    ];
    assert_snapshot!(table(&status, None, &piped()), @"
    ! HAProxy has no backend sock_back (it has socks_back_7891, other); correct its name in the configuration
    ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
    ✓ other ok: 3 of 3 online, on wg1 for 3h20m
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

    socks_back_7891
      SERVER           ADDRESS          HEALTH      HAPROXY  OVERRIDE  LATENCY  LAST 20               SINCE  REASON
      wg1              127.0.0.1:18181  ▲ degraded  maint    -               -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ✕ offline   maint    -               -  ▃▄█✕✕✕✕               4m12s  127.0.0.1:18182: connection refused
    > cloudflare_warp  127.0.0.1:8111   ● online    up       -           112ms  ████████████████████   2d4h  -

    other
      SERVER           ADDRESS          HEALTH    HAPROXY  OVERRIDE  LATENCY  LAST 20               SINCE  REASON
    > wg1              127.0.0.1:18181  ● online  up       -            48ms  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄   2d4h  -
      wg2              127.0.0.1:18182  ● online  up       -            51ms  ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅   2d4h  -
      cloudflare_warp  127.0.0.1:8111   ● online  up       -           112ms  ████████████████████   2d4h  -

    next: hactl explain socks_back_7891/wg1
    ");
}

#[test]
fn of_ten_thousand_servers_those_with_problems_are_listed_and_the_others_counted() {
    let mut status = on_backup();
    let backend = &mut status.backends[0];
    for index in 0..9997 {
        backend.servers.push(server(&format!("s{index}"), 20_000, 50.0));
    }
    backend.servers[2].slow = true;
    let mut ok = scene().backends;
    ok[0].name = "other".to_owned();
    status.backends.extend(ok);
    assert_snapshot!(table(&status, None, &piped()), @"
    ! socks_back_7891 DEGRADED: 9,998 of 10,000 online, on backup cloudflare_warp for 4m12s
    ✓ 1 other backend ok, with 3 servers
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

    socks_back_7891
      SERVER           ADDRESS          HEALTH      HAPROXY  OVERRIDE  LATENCY  LAST 20               SINCE  REASON
      wg1              127.0.0.1:18181  ▲ degraded  maint    -               -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ✕ offline   maint    -               -  ▃▄█✕✕✕✕               4m12s  127.0.0.1:18182: connection refused
    > cloudflare_warp  127.0.0.1:8111   ● online    up       -           112ms  ████████████████████   2d4h  much slower than usual
      9,997 online (all: hactl status socks_back_7891)

    next: hactl explain socks_back_7891/wg1
    ");
    for server in &mut status.backends[0].servers {
        fail(server);
    }
    let text = table(&status, None, &piped());
    assert!(text.lines().count() < 60 && text.contains("  9,960 more with problems (all: "), "{text}");
}

#[test]
fn texts_of_others_cannot_write_to_the_terminal() {
    let mut status = on_backup();
    status.problems = vec!["HAProxy says \u{1b}[31m".to_owned()];
    let wg1 = &mut status.backends[0].servers[0];
    wg1.override_ = Some(ordered("multi\nline \u{1b}]0;title\u{7} \u{202e}", None));
    wg1.held = Some("\"multi\nline \u{1b}]0;title\u{7} \u{202e}\" by root".to_owned());
    for width in [None, Some(80)] {
        let text = table(&status, None, &Terminal { width, ..piped() });
        let is_plain = |character: char| !character.is_control() || character == '\n';
        assert!(text.chars().all(is_plain) && !text.contains('\u{202e}'), "{text:?}");
    }
    assert_snapshot!(row_of(&status, "wg1"), @r#"  wg1              127.0.0.1:18181  ▲ degraded  maint    maint, no end        -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s; "multi\nline \u{1b}]0;title\u{7} \u{202e}" by root"#);
}

#[test]
fn a_server_that_answers_again_says_for_how_long_it_is_held() {
    let mut status = on_backup();
    status.backends[0].servers[0].returning = Some(ReturnStatus {
        answers_since: "2026-01-01T00:00:00.000Z".to_owned(),
        answers_seconds: 12.4,
        used_from: "2026-01-01T00:00:27.000Z".to_owned(),
        used_in_seconds: 27.0,
    });
    assert_snapshot!(row_of(&status, "wg1"), @"  wg1              127.0.0.1:18181  ▲ degraded  maint    -               -  ▃▄█✕✕✕✕               4m12s  answers again for 12s, held for 27s more; before: connect to 1.1.1.1:443: no reply in 2 s");
}

#[test]
fn pins_and_orders_without_an_end_are_seen_and_have_a_next_step() {
    let mut status = scene();
    let pin = |until: Option<&str>| PinStatus {
        server: "wg1".to_owned(),
        until: until.map(str::to_owned),
        since: "2026-01-01T00:00:00.000Z".to_owned(),
        reason: "keep here".to_owned(),
        by: "alice".to_owned(),
        by_uid: Some(1000),
    };
    status.backends[0].pinned = Some(pin(Some("2026-01-01T01:00:00.000Z")));
    assert_snapshot!(row_of(&status, "wg1"), @r#"> wg1              127.0.0.1:18181  ● online  up       pin 1h       48ms  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄   2d4h  "keep here" by alice"#);
    assert!(!table(&status, None, &piped()).contains("next:"), "it was planned");
    status.backends[0].pinned = Some(pin(None));
    status.backends[0].verdict = Level::Degraded;
    status.backends[0].servers[1].override_ = Some(ordered("new keys", None));
    status.backends[0].servers[1].haproxy.state = Admin::Maint;
    status.backends[0].servers[1].haproxy.owner = Some(Owner::Ours);
    assert_snapshot!(table(&status, None, &piped()), @r#"
    ! socks_back_7891 DEGRADED: 3 of 3 online, on wg1 for 3h20m
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH    HAPROXY  OVERRIDE       LATENCY  LAST 20               SINCE  REASON
    > wg1              127.0.0.1:18181  ● online  up       pin, no end       48ms  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄   2d4h  "keep here" by alice
      wg2              127.0.0.1:18182  ● online  maint    maint, no end     51ms  ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅   2d4h  "new keys" by root
      cloudflare_warp  127.0.0.1:8111   ● online  up       -                112ms  ████████████████████   2d4h  -

    next: hactl auto socks_back_7891/wg1
    "#);
    let text = table(&status, Some("wg2"), &piped());
    assert!(text.ends_with("next: hactl auto socks_back_7891/wg2\n"), "{text}");
}

#[test]
fn what_waits_for_an_operator_and_what_serves_nobody_have_a_next_step() {
    let mut status = scene();
    status.backends[0].waits_for = Some("cloudflare_warp".to_owned());
    let next = |status: &Status| table(status, None, &piped()).lines().last().unwrap().to_owned();
    assert_eq!(next(&status), "next: hactl failback socks_back_7891");
    status.backends[0].verdict = Level::Down;
    status.backends[0].in_service.clear();
    assert_eq!(next(&status), "next: hactl explain socks_back_7891");
}

#[test]
fn what_is_ordered_and_not_done_yet_says_what_is_wanted() {
    let mut status = on_backup();
    let wg1 = &mut status.backends[0].servers[0];
    (wg1.haproxy.state, wg1.haproxy.owner, wg1.drift) = (Admin::Ready, None, true);
    wg1.override_ = Some(ordered("x", Some("2026-01-01T00:10:00.000Z")));
    assert_snapshot!(row_of(&status, "wg1"), @r#"  wg1              127.0.0.1:18181  ▲ degraded  up (maint wanted)  maint 10m        -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s; "x" by root"#);
}

#[test]
fn only_steered_servers_are_counted_and_one_that_is_missing_is_no_outage() {
    let mut status = scene();
    status.exit_code = 1;
    for server in &mut status.backends[0].servers[1..] {
        (server.managed, server.health) = (false, None);
    }
    status.problems = vec!["HAProxy has no server socks_back_7891/wg3 (it has wg1)".to_owned()];
    let text: String =
        table(&status, None, &piped()).lines().take(2).map(|line| format!("{line}\n")).collect();
    assert_snapshot!(text, @"
    ! HAProxy has no server socks_back_7891/wg3 (it has wg1)
    ✓ socks_back_7891 ok: 1 of 1 online, on wg1 for 3h20m
    ");
}

#[test]
fn data_that_is_old_is_said() {
    let mut status = scene();
    status.haproxy.age_seconds = Some(47.0);
    let status = of_instance("7891", status);
    let text = table(&status, None, &piped());
    assert_snapshot!(text.lines().next().unwrap(), @"? STALE: HAProxy was last looked at 47s ago, so nothing here is sure; see hactl's log");
}

#[test]
fn in_narrow_terminals_every_line_fits() {
    for width in [120, 80, 60, 40] {
        for status in [scene(), on_backup(), blackout()] {
            let text = table(&status, None, &Terminal { width: Some(width), ..piped() });
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
        }
    }
    assert_snapshot!(table(&on_backup(), None, &Terminal { width: Some(80), ..piped() }), @"
    ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h ·
      /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH      HAPROXY  LATENCY  SINCE
      wg1              127.0.0.1:18181  ▲ degraded  maint          -  4m12s
          connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ✕ offline   maint          -  4m12s
          127.0.0.1:18182: connection refused
    > cloudflare_warp  127.0.0.1:8111   ● online    up         112ms   2d4h

    next: hactl explain socks_back_7891/wg1
    ");
    assert_snapshot!(table(&on_backup(), None, &Terminal { width: Some(60), ..piped() }), @"
    ! socks_back_7891 DEGRADED: 1 of 3 online, on backup
    cloudflare_warp for 4m12s
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h
      · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           HEALTH      HAPROXY  LATENCY  SINCE
      wg1              ▲ degraded  maint          -  4m12s
          connect to 1.1.1.1:443: no reply in 2 s
      wg2              ✕ offline   maint          -  4m12s
          127.0.0.1:18182: connection refused
    > cloudflare_warp  ● online    up         112ms   2d4h

    next: hactl explain socks_back_7891/wg1
    ");
    assert_snapshot!(table(&on_backup(), None, &Terminal { width: Some(40), ..piped() }), @"
    ! socks_back_7891 DEGRADED: 1 of 3
    online, on backup cloudflare_warp for
    4m12s
      hactl 0.1.0 gw1 · HAProxy
      2.6.12-1+deb12u4 pid 412 up 3d4h ·
      /run/haproxy/admin.sock · applying ·
      data 0.1s old

      SERVER           HEALTH      HAPROXY
      wg1              ▲ degraded  maint
          connect to 1.1.1.1:443: no reply
          in 2 s
      wg2              ✕ offline   maint
          127.0.0.1:18182: connection
          refused
    > cloudflare_warp  ● online    up

    next: hactl explain socks_back_7891/wg1
    ");
}

#[test]
fn without_unicode_all_of_it_is_ascii() {
    let text = table(&on_backup(), None, &Terminal { unicode: false, width: Some(100), ..piped() });
    assert!(text.is_ascii());
    assert_snapshot!(text, @"
    ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
      hactl 0.1.0 gw1 - HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h - /run/haproxy/admin.sock - applying -
      data 0.1s old

      SERVER           ADDRESS          HEALTH       HAPROXY  LATENCY  LAST 20               SINCE
      wg1              127.0.0.1:18181  !! degraded  maint          -  ...xxxx               4m12s
          connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  XX offline   maint          -  ...xxxx               4m12s
          127.0.0.1:18182: connection refused
    > cloudflare_warp  127.0.0.1:8111   OK online    up         112ms  ....................   2d4h

    next: hactl explain socks_back_7891/wg1
    ");
}

#[test]
fn of_several_instances_each_has_a_block_with_its_verdict_first() {
    let whole = Status::whole(vec![of_instance("7891", scene()), of_instance("7892", on_backup())]).unwrap();
    assert_eq!(whole.exit_code, 1);
    assert_snapshot!(table(&whole, None, &piped()), @"
    ✓ 7891 ok
    ✓ socks_back_7891 ok: 3 of 3 online, on wg1 for 3h20m
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH    HAPROXY  OVERRIDE  LATENCY  LAST 20               SINCE  REASON
    > wg1              127.0.0.1:18181  ● online  up       -            48ms  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄   2d4h  -
      wg2              127.0.0.1:18182  ● online  up       -            51ms  ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅   2d4h  -
      cloudflare_warp  127.0.0.1:8111   ● online  up       -           112ms  ████████████████████   2d4h  -

    ! 7892 DEGRADED
    ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

      SERVER           ADDRESS          HEALTH      HAPROXY  OVERRIDE  LATENCY  LAST 20               SINCE  REASON
      wg1              127.0.0.1:18181  ▲ degraded  maint    -               -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ✕ offline   maint    -               -  ▃▄█✕✕✕✕               4m12s  127.0.0.1:18182: connection refused
    > cloudflare_warp  127.0.0.1:8111   ● online    up       -           112ms  ████████████████████   2d4h  -

    next: hactl explain socks_back_7891/wg1
    ");
}

#[test]
fn a_pause_and_a_stale_configuration_come_first_and_what_would_be_sent_is_listed() {
    let mut status = of_instance("7891", on_backup());
    status.instances[0].mode = "observe".to_owned();
    status.instances[0].would = vec!["set server socks_back_7891/wg1 state maint".to_owned()];
    status.applying = false;
    let paused = PauseStatus {
        by: "root (uid 0)".to_owned(),
        reason: "moving \u{1b}[2Jwg1".to_owned(),
        since: "2026-01-01T00:00:00.000Z".to_owned(),
        until: None,
    };
    let head: String = table(&status.of_daemon(Some(paused), true), None, &piped())
        .lines()
        .take(5)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_snapshot!(head, @r"
    ! PAUSED by root (uid 0) until `hactl resume`, nothing is changed in HAProxy: moving \u{1b}[2Jwg1
    ! the configuration cannot be used as it is now; hactl runs on with the one before: see `hactl reload`
    ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
      hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · paused · data 0.1s old
      would set server socks_back_7891/wg1 state maint
    ");
}

#[test]
fn colours_add_nothing_but_colours() {
    let coloured = table(&on_backup(), None, &Terminal { color: true, ..piped() });
    assert_snapshot!(coloured.replace('\x1b', "␛"), @"
    ␛[1;33m!␛[0m socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
    ␛[2m  hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old␛[0m

    ␛[2m  SERVER           ADDRESS          HEALTH      HAPROXY  OVERRIDE  LATENCY  LAST 20               SINCE  REASON␛[0m
      wg1              127.0.0.1:18181  ␛[33m▲ degraded␛[0m  maint    -               -  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s
      wg2              127.0.0.1:18182  ␛[31m✕ offline␛[0m   maint    -               -  ▃▄█✕✕✕✕               4m12s  127.0.0.1:18182: connection refused
    > cloudflare_warp  127.0.0.1:8111   ␛[32m● online␛[0m    up       -           ␛[32m112ms␛[0m  ████████████████████   2d4h  -

    next: hactl explain socks_back_7891/wg1
    ");
    let mut plain = String::new();
    for part in coloured.split('\x1b') {
        plain.push_str(
            part.strip_prefix('[').and_then(|part| part.split_once('m')).map_or(part, |(_, rest)| rest),
        );
    }
    assert_eq!(plain, table(&on_backup(), None, &piped()));
}

fn ordered(reason: &str, until: Option<&str>) -> OverrideStatus {
    OverrideStatus {
        state: Admin::Maint,
        until: until.map(str::to_owned),
        since: "2026-01-01T00:00:00.000Z".to_owned(),
        reason: reason.to_owned(),
        by: "root".to_owned(),
        by_uid: Some(0),
    }
}

/// The line of the table about this server.
fn row_of(status: &Status, server: &str) -> String {
    let text = table(status, None, &piped());
    let mut rows = text.lines().filter(|line| line.get(2..).is_some_and(|line| line.starts_with(server)));
    rows.next().unwrap_or_default().to_owned()
}

/// What a script gets.
/// Of the servers, those that are called `server`, or all.
fn table(status: &Status, server: Option<&str>, terminal: &Terminal) -> String {
    super::table(status, &Shape { server, all: server.is_some(), wide: false, header: true }, terminal)
}

fn piped() -> Terminal {
    Terminal { color: false, color_errors: false, unicode: true, width: None, socket: None }
}
