//! The screen in every state and size that a person meets.

use insta::assert_snapshot;
use ratatui::style::Color;

use self::scene::{buffer, in_all_trouble, look, shown, text_of, told};
use super::*;
use crate::status::render::tests::{blackout, of_instance, on_backup, scene};
use crate::terminal::Terminal;
use crate::top::change::Answer;
use crate::top::key::Key;
use crate::top::model::tests::{at, keys, model, press, target};
use crate::top::model::{Ask, EventLine, Explanation, Input, News, Section};

mod picture;
mod scene;

#[test]
fn on_backup_in_a_usual_terminal() {
    assert_snapshot!(shown(&told(on_backup()), 80, 24), @"
     ! DEGRADED  gw1 · applying · HAProxy 2.6.12 pid 412 up 3d4h · data 1s old
    ▌ servers ──────────────────────────────────────────────────── HAProxy's order ─
       SERVER           HEALTH       HAPROXY  LATENCY  LAST 20                SINCE
     ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
       wg1              ▲ degraded   maint          -  ▃▄█✕✕✕✕                4m13s
    ▌  wg2              ✕ offline    maint          -  ▃▄█✕✕✕✕                4m13s
     > cloudflare_warp  ● online     up         112ms  ████████████████████    2d4h
    ─ socks_back_7891/wg2 ───────────────────────────────────────────────── detail ─
     wg2 is OFFLINE for 4m12s, so HAProxy holds it in maint
     evidence  tcp to 127.0.0.1:18182: connection refused, 14 times
               control 1.1.1.1:443: ok, 9 ms
     rule      [probe] hold = 10s, hactl.toml:14
     effect    maint, applied and read back 23:11:42
     returns   after good answers over 10 s
     figures   127.0.0.1:18182 · primary · weight 1 · median 51ms, 95 of 100 within
               51ms
    ─ events ───────────────────────────────────────────────────────────────── UTC ─
     00:00:02 ! socks_back_7891: new connections go to cloudflare_warp instead of
                wg1
     00:00:02 · socks_back_7891/wg2 set to maint, read back
     00:00:02 ! socks_back_7891/wg2 is offline: 127.0.0.1:18182: connection refused
     00:00:01 · socks_back_7891/wg1 set to maint, read back
     00:00:01 ! socks_back_7891/wg1 is degraded: connect to 1.1.1.1:443: no reply
     ? help  q quit  Enter detail  Tab view  m d r a override  p pause  / filter
    ");
}

#[test]
fn on_backup_in_a_wide_terminal() {
    assert_snapshot!(shown(&told(on_backup()), 120, 40), @"
     ! DEGRADED  gw1 · applying · HAProxy 2.6.12 pid 412 up 3d4h · data 1s old · hactl 0.1.0 · /run/haproxy/admin.sock
    ▌ servers ──────────────────────────────────────────────────────────────────────────────────────────── HAProxy's order ─
       SERVER           HEALTH       HAPROXY  LATENCY  LAST 20                SINCE  REASON
     ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
       wg1              ▲ degraded   maint          -  ▃▄█✕✕✕✕                4m13s  connect to 1.1.1.1:443: no reply in 2 s
    ▌  wg2              ✕ offline    maint          -  ▃▄█✕✕✕✕                4m13s  127.0.0.1:18182: connection refused
     > cloudflare_warp  ● online     up         112ms  ████████████████████    2d4h  -
    ─ socks_back_7891/wg2 ──────────────────────────── detail ─ ─ events ───────────────────────────────────────────── UTC ─
     wg2 is OFFLINE for 4m12s, so HAProxy holds it in maint      00:00:02 ! socks_back_7891: new connections go to
     evidence  tcp to 127.0.0.1:18182: connection refused, 14               cloudflare_warp instead of wg1
               times                                             00:00:02 · socks_back_7891/wg2 set to maint, read back
               control 1.1.1.1:443: ok, 9 ms                     00:00:02 ! socks_back_7891/wg2 is offline:
     rule      [probe] hold = 10s, hactl.toml:14                            127.0.0.1:18182: connection refused
     effect    maint, applied and read back 23:11:42             00:00:01 · socks_back_7891/wg1 set to maint, read back
     returns   after good answers over 10 s                      00:00:01 ! socks_back_7891/wg1 is degraded: connect to
     figures   127.0.0.1:18182 · primary · weight 1 · median                1.1.1.1:443: no reply in 2 s
               51ms, 95 of 100 within 51ms                       12-31 23:00 · hactl 0.1.0 runs, HAProxy 2.6.12 pid 412






















     ? help  q quit  Enter detail  Tab view  m d r a override  p pause  / filter  s sort  space freeze
    ");
}

#[test]
fn in_a_small_terminal_each_pane_has_it_to_itself() {
    let mut model = told(on_backup());
    assert_snapshot!(shown(&model, 40, 10), @"
     ! DEGRADED  gw1 · applying
    ▌ servers ──────────── HAProxy's order ─
       SERVER           HEALTH       HAPROXY
     ! socks_back_7891 DEGRADED: 1 of 3 onl…
       wg1              ▲ degraded   maint
    ▌  wg2              ✕ offline    maint
     > cloudflare_warp  ● online     up


     ? help  q quit  Enter detail  Tab view
    ");
    press(&mut model, Key::Enter);
    assert_snapshot!(shown(&model, 40, 10), @"
     ! DEGRADED  gw1 · applying
    ▌ socks_back_7891/wg2 ───────── detail ─
     wg2 is OFFLINE for 4m12s, so HAProxy
     holds it in maint
     evidence  tcp to 127.0.0.1:18182:
               connection refused, 14 times
               control 1.1.1.1:443: ok, 9
               ms
     rule      [probe] hold = 10s,
     ? help  q quit  Enter detail  Tab view
    ");
    press(&mut model, Key::Tab);
    assert_snapshot!(shown(&model, 40, 10), @"
     ! DEGRADED  gw1 · applying
    ▌ events ───────────────────────── UTC ─
     00:00:02 ! socks_back_7891: new
                connections go to
                cloudflare_warp instead of
                wg1
     00:00:02 · socks_back_7891/wg2 set to
                maint, read back
     00:00:02 ! socks_back_7891/wg2 is
     ? help  q quit  Enter detail  Tab view
    ");
}

#[test]
fn lost_paused_and_frozen_cannot_be_overlooked() {
    let mut model = told(in_all_trouble());
    model
        .take(Input::Status(Err("no connection: No such file or directory (os error 2)".to_owned())), at(40));
    assert_snapshot!(shown(&model, 80, 24), @"
     ✗ DOWN  gw1 · paused · HAProxy 2.6.12 pid 412 up 3d4h · data 1s old
     NO CONNECTION for 1s, trying again: no connection: No such file or directory
     (os error 2)
     PAUSED by root (uid 0) until 2026-01-01 00:30:00 UTC: moving wg1
     FROZEN since 2026-01-01 00:00:03 UTC: nothing is decided
     ✗ no server answers: this host's network may be at fault
     the configuration cannot be used as it is now; hactl runs on with the one…
    ▌ servers ──────────────────────────────────────────────────── HAProxy's order ─
       SERVER           HEALTH       HAPROXY  LATENCY  LAST 20                SINCE
     ✗ socks_back_7891 DOWN: no server is known to carry traffic; still on backup c…
       wg1              ▲ degraded   maint          -  ▃▄█✕✕✕✕                4m13s
    ▌  wg2              ✕ offline    maint          -  ▃▄█✕✕✕✕                4m13s
     > cloudflare_warp  ▲ degraded   up             -  ▃▄█✕✕✕✕                4m13s
    ─ socks_back_7891/wg2 ───────────────────────────────────────────────── detail ─
     wg2 is OFFLINE for 4m12s, so HAProxy holds it in maint
     evidence  tcp to 127.0.0.1:18182: connection refused, 14 times
               control 1.1.1.1:443: ok, 9 ms
     rule      [probe] hold = 10s, hactl.toml:14
     effect    maint, applied and read back 23:11:42
    ─ events ───────────────────────────────────────────────────────────────── UTC ─
     00:00:02 ! socks_back_7891: new connections go to cloudflare_warp instead of
                wg1
     00:00:02 · socks_back_7891/wg2 set to maint, read back
     ? help  q quit  Enter detail  Tab view  m d r a override  p resume  / filter
    ");
    assert_snapshot!(shown(&model, 40, 10), @"
     ✗ DOWN  gw1 · paused
     NO CONNECTION for 1s, trying again: no
     connection: No such file or directory…
    ▌ servers ──────────── HAProxy's order ─
       SERVER           HEALTH       HAPROXY
     ✗ socks_back_7891 DOWN: no server is k…
       wg1              ▲ degraded   maint
    ▌  wg2              ✕ offline    maint
     > cloudflare_warp  ▲ degraded   up
     ? help  q quit  Enter detail  Tab view
    ");
}

#[test]
fn old_data_is_called_so() {
    let mut model = told(scene());
    let text = text_of(&buffer(&model, look(true), 80, 24, at(49)));
    assert!(text.contains("OLD DATA: hactl has sent nothing for a while"), "{text}");
    let mut status = scene();
    status.haproxy.age_seconds = Some(12.0);
    model.take(Input::Status(Ok(Box::new(status))), at(49));
    let text = text_of(&buffer(&model, look(true), 80, 24, at(49)));
    assert!(text.contains("OLD DATA: HAProxy was last looked at 12s ago"), "{text}");
}

#[test]
fn a_screen_that_stands_still_says_so() {
    let mut model = told(scene());
    model.take(Input::Key(Key::Char(' ')), at(42));
    model.take(Input::Status(Ok(Box::new(blackout()))), at(53));
    let text = text_of(&buffer(&model, look(true), 80, 24, at(54)));
    assert!(text.contains(" the screen stands still for 12s; space goes on"), "{text}");
    assert!(!text.contains("OLD DATA"), "{text}");
}

#[test]
fn before_haproxy_was_seen() {
    let mut status = scene();
    status.backends.clear();
    status.exit_code = 3;
    status.applying = false;
    status.haproxy.answering = false;
    (status.haproxy.version, status.haproxy.age_seconds) = (None, None);
    assert_snapshot!(shown(&told(status), 80, 16), @"
     ? UNKNOWN  gw1 · not applying · HAProxy not seen yet · hactl 0.1.0
    ▌ servers ──────────────────────────────────────────────────── HAProxy's order ─
       SERVER  HEALTH       HAPROXY  LATENCY  LAST 20                SINCE
       HAProxy was not seen yet
    ─ no server ─────────────────────────────────────────────────────────── detail ─





    ─ events ───────────────────────────────────────────────────────────────── UTC ─
     00:00:02 ! socks_back_7891: new connections go to cloudflare_warp instead of
                wg1
     00:00:02 · socks_back_7891/wg2 set to maint, read back
     00:00:02 ! socks_back_7891/wg2 is offline: 127.0.0.1:18182: connection refused
     ? help  q quit  Enter detail  Tab view  m d r a override  p pause  / filter
    ");
}

#[test]
fn several_instances_are_told_apart() {
    let mut status = of_instance("one", on_backup());
    let other = of_instance("two", scene());
    status.instances.extend(other.instances);
    status.backends.extend(other.backends);
    assert_snapshot!(shown(&told(status), 80, 20), @"
     ! DEGRADED  gw1 · applying · 2 of 2 HAProxies answer · data 1s old
    ▌ servers ──────────────────────────────────────────────────── HAProxy's order ─
       SERVER           HEALTH       HAPROXY  LATENCY  LAST 20                SINCE
     ! one:socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4…
       wg1              ▲ degraded   maint          -  ▃▄█✕✕✕✕                4m13s
    ▌  wg2              ✕ offline    maint          -  ▃▄█✕✕✕✕                4m13s
     > cloudflare_warp  ● online     up         112ms  ████████████████████    2d4h
     ✓ two:socks_back_7891 ok: 3 of 3 online, on wg1 for 3h20m
     > wg1              ● online     up          48ms  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄    2d4h
       wg2              ● online     up          51ms  ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅    2d4h
       cloudflare_warp  ● online     up         112ms  ████████████████████    2d4h
    ─ one:socks_back_7891/wg2 ───────────────────────────────────────────── detail ─
     127.0.0.1:18182: connection refused
     figures   127.0.0.1:18182 · primary · weight 1 · median 51ms, 95 of 100 within
               51ms
    ─ events ───────────────────────────────────────────────────────────────── UTC ─
     00:00:02 ! socks_back_7891: new connections go to cloudflare_warp instead of
                wg1
     00:00:02 · socks_back_7891/wg2 set to maint, read back
     ? help  q quit  Enter detail  Tab view  m d r a override  p pause  / filter
    ");
}

#[test]
fn a_change_asks_for_its_reason_and_says_why_it_was_refused() {
    let mut model = told(on_backup());
    keys(&mut model, "mprovider work");
    assert_snapshot!(shown(&model, 80, 24), @"
     ! DEGRADED  gw1 · applying · HAProxy 2.6.12 pid 412 up 3d4h · data 1s old
    ▌ servers ──────────────────────────────────────────────────── HAProxy's order ─
       SERVER           HEALTH       HAPROXY  LATENCY  LAST 20                SINCE
     ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
       wg1              ▲ degraded   maint          -  ▃▄█✕✕✕✕                4m13s
    ▌  wg2              ✕ offline    maint          -  ▃▄█✕✕✕✕                4m13s
     > cloudflare_warp  ● online     up         112ms  ████████████████████    2d4h
    ─ socks_back_7891/wg2 ───────────────────────────────────────────────── detail ─
     wg2 is ┌ maint socks_back_7891/wg2 ───────────────────────────────────┐
     evidenc│ It is taken out of service, whatever its probes say.         │
            │                                                              │
     rule   │ for     2h   30m, 2h, 1d; or none                            │
     effect │ reason  provider work▏                                       │
     returns│                                                              │
     figures│ Enter do it  Tab next field  Esc leave                       │ within
            └──────────────────────────────────────────────────────────────┘
    ─ events ───────────────────────────────────────────────────────────────── UTC ─
     00:00:02 ! socks_back_7891: new connections go to cloudflare_warp instead of
                wg1
     00:00:02 · socks_back_7891/wg2 set to maint, read back
     00:00:02 ! socks_back_7891/wg2 is offline: 127.0.0.1:18182: connection refused
     00:00:01 · socks_back_7891/wg1 set to maint, read back
     00:00:01 ! socks_back_7891/wg1 is degraded: connect to 1.1.1.1:443: no reply
     ? help  q quit  Enter detail  Tab view  m d r a override  p pause  / filter
    ");
    let asks = model.take(Input::Key(Key::Enter), at(1));
    let [Ask::Change(change)] = asks.as_slice() else { panic!("{asks:?}") };
    let why = "it is the only usable server of socks_back_7891 (wg1 degraded, wg2 maint until 18:00)";
    model.take(Input::Answered(change.clone(), Answer::Withheld(why.to_owned())), at(1));
    assert_snapshot!(shown(&model, 40, 14), @"
     ! DEGRADED  gw1 · applying
    ┌ maint socks_back_7891/wg2 ───────────┐
    │ It is taken out of service, whatever │
    │ its probes say.                      │
    │                                      │
    │ for     2h   30m, 2h, 1d; or none    │
    │ reason  provider work▏               │
    │                                      │
    │ it is the only usable server of      │
    │ socks_back_7891 (wg1 degraded, wg2   │
    │ maint until 18:00)                   │
    │ Ctrl-F all the same  Enter ask agai… │
    └──────────────────────────────────────┘
     ? help  q quit  Enter detail  Tab view
    ");
}

#[test]
fn the_keys_are_listed() {
    let mut model = told(scene());
    keys(&mut model, "?");
    assert_snapshot!(shown(&model, 80, 24), @"
     ✓ ok  gw1 · applying · HAProxy 2.6.12 pid 412 up 3d4h · data 1s old
    ▌ servers ──────────────────────────────────────────────────── HAProxy's order ─
       SERVE┌ keys ────────────────────────────────────────────────────────┐  SINCE
     ✓ socks│ ↑↓ j k      choose a server, scroll                          │
    ▌> wg1  │ g G         first, last                                      │   2d4h
       wg2  │ Enter       its detail: why it is where it is                │   2d4h
       cloud│ Tab         servers, detail, events                          │   2d4h
    ─ socks_│ /           filter by name, address, health                  │detail ─
     figures│ s           sort                                             │ within
            │ space       freeze the screen, go on                         │
            │ c           probe it now                                     │
            │ m F10       maint: take it out                               │
            │ d           drain: no new clients                            │
            │ r F9        ready: use it                                    │
            │ a           auto: back to the probes                         │
            │ p           pause or resume hactl                            │
    ─ events│ Esc         back                                             │── UTC ─
     00:00:0│ q           quit                                             │ad of
            │                                                              │
     00:00:0│ >           gets new clients now                             │
     00:00:0│ ✕ ▁█        a probe that failed, and others by time          │refused
     00:00:0└──────────────────────────────────────────────────────────────┘
     00:00:01 ! socks_back_7891/wg1 is degraded: connect to 1.1.1.1:443: no reply
     ? help  q quit  Enter detail  Tab view  m d r a override  p pause  / filter
    ");
}

#[test]
fn without_utf_8_everything_is_ascii() {
    let mut model = told(in_all_trouble());
    model.take(Input::Key(Key::Char(' ')), at(1));
    for prepare in ["", "?", "\u{1b}mx"] {
        for key in prepare.chars() {
            press(&mut model, if key == '\u{1b}' { Key::Esc } else { Key::Char(key) });
        }
        let text = text_of(&buffer(&model, look(false), 80, 24, at(1)));
        assert!(text.is_ascii(), "{text}");
    }
    assert_snapshot!(text_of(&buffer(&told(on_backup()), look(false), 80, 12, at(1))), @"
     ! DEGRADED  gw1 - applying - HAProxy 2.6.12 pid 412 up 3d4h - data 0s old
    * servers ---------------------------------------------------- HAProxy's order -
       SERVER           HEALTH       HAPROXY  LATENCY  LAST 20                SINCE
     ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
       wg1              !! degraded  maint          -  ...xxxx                4m12s
    *  wg2              XX offline   maint          -  ...xxxx                4m12s
     > cloudflare_warp  OK online    up         112ms  ....................    2d4h




     ? help  q quit  Enter detail  Tab view  m d r a override  p pause  / filter
    ");
}

#[test]
fn names_and_texts_of_others_move_no_cursor_and_break_no_line() {
    let mut status = on_backup();
    let hostile = "\u{1b}]0;x\u{7}\u{202e}日本\n".repeat(8);
    status.node.clone_from(&hostile);
    status.backends[0].name.clone_from(&hostile);
    status.backends[0].in_service.push(hostile.clone());
    status.problems = vec![hostile.clone()];
    status.backends[0].servers[0].name.clone_from(&hostile);
    status.backends[0].servers[1].reason.as_mut().unwrap().text.clone_from(&hostile);
    let mut model = model(status);
    let event = EventLine {
        seq: 1,
        at: hostile.clone(),
        severity: hostile.clone(),
        text: hostile.clone(),
        by: Some(hostile.clone()),
    };
    model.take(Input::Events(News { afresh: true, events: vec![event] }), at(1));
    let section = Section { label: hostile.clone(), lines: vec![hostile.clone()] };
    let explanation = Explanation { headline: hostile.clone(), sections: vec![section] };
    let chosen = model.selected().unwrap();
    model.take(Input::Explained(chosen, Ok(explanation)), at(1));
    for (width, height) in [(80, 24), (40, 10)] {
        let buffer = buffer(&model, look(true), width, height, at(1));
        let control = buffer
            .content
            .iter()
            .find(|cell| cell.symbol().contains(|sign: char| sign.is_control() || sign == '\u{202e}'));
        assert!(control.is_none(), "{control:?}");
    }
}

#[test]
fn any_size_is_drawn() {
    let mut all = vec![told(in_all_trouble()), model(scene())];
    for (before, key) in [("m", Key::Tab), ("?", Key::Down), ("/wg", Key::Down), ("", Key::Enter)] {
        let mut model = told(on_backup());
        keys(&mut model, before);
        press(&mut model, key);
        all.push(model);
    }
    for model in &all {
        for width in (0..=30).chain([79, 110, 200]) {
            for height in (0..=16).chain([60]) {
                buffer(model, look(true), width, height, at(1));
            }
        }
    }
}

#[test]
fn ten_thousand_servers_scroll() {
    let mut status = on_backup();
    let servers = &mut status.backends[0].servers;
    let last = servers.remove(2);
    servers.extend(
        (0..10_000)
            .map(|number| failover::status::ServerStatus { name: format!("s{number}"), ..last.clone() }),
    );
    let mut model = model(status);
    keys(&mut model, "G");
    let text = text_of(&buffer(&model, look(true), 80, 24, at(0)));
    assert!(text.contains("▌  s9999 ") && text.contains("s9998"), "{text}");
}

#[test]
fn without_colours_nothing_is_lost_but_they() {
    let model = told(in_all_trouble());
    let plain =
        Look::of(&Terminal { color: false, color_errors: false, unicode: true, width: None, socket: None });
    let plain = buffer(&model, plain, 80, 24, at(41));
    assert!(plain.content.iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    assert_eq!(text_of(&plain), shown(&model, 80, 24));
}
