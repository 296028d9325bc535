//! What inputs make of the model.

use super::*;
use crate::status::render::tests::{blackout, of_instance, on_backup, scene};
use crate::top::change::Kind;

#[test]
fn the_first_in_trouble_is_chosen_and_stays_so_in_any_order() {
    let mut model = model(on_backup());
    assert_eq!(chosen(&model), "socks_back_7891/wg2");
    keys(&mut model, "ss");
    assert_eq!(chosen(&model), "socks_back_7891/wg2");
    keys(&mut model, "g");
    assert_eq!(chosen(&model), "socks_back_7891/cloudflare_warp", "the slowest comes first");
    keys(&mut model, "Gk");
    assert_eq!(chosen(&model), "socks_back_7891/wg1");
}

#[test]
fn of_several_instances_a_backend_is_named_with_its_own() {
    let mut status = of_instance("one", on_backup());
    let other = of_instance("two", scene());
    status.instances.extend(other.instances);
    status.backends.extend(other.backends);
    let mut model = model(status);
    assert_eq!(chosen(&model), "one:socks_back_7891/wg2");
    keys(&mut model, "G");
    assert_eq!(chosen(&model), "two:socks_back_7891/cloudflare_warp");
}

#[test]
fn a_filter_chooses_among_what_it_shows_and_escape_ends_it() {
    let mut model = model(on_backup());
    keys(&mut model, "/ONLINE");
    assert_eq!((chosen(&model).as_str(), model.rows().len()), ("socks_back_7891/cloudflare_warp", 2));
    press(&mut model, Key::Enter);
    keys(&mut model, "j");
    assert_eq!(
        (chosen(&model).as_str(), model.filter.as_str()),
        ("socks_back_7891/cloudflare_warp", "ONLINE")
    );
    press(&mut model, Key::Esc);
    assert_eq!((chosen(&model).as_str(), model.rows().len()), ("socks_back_7891/cloudflare_warp", 4));
    keys(&mut model, "/nobody");
    assert_eq!((model.selected(), model.rows().len()), (None, 0));
    press(&mut model, Key::Enter);
    keys(&mut model, "m");
    assert!(model.modal.is_none());
    assert_eq!(model.note(Duration::ZERO).map(|note| note.text.as_str()), Some("no server is chosen"));
}

#[test]
fn each_status_has_the_chosen_one_explained_once_and_so_has_another_choice() {
    let mut model = model(on_backup());
    let explain = |server: &str| vec![Ask::Explain(target(server))];
    assert_eq!(model.take(Input::Tick, at(0)), explain("wg2"));
    assert_eq!(model.take(Input::Tick, at(1)), []);
    assert_eq!(model.take(Input::Status(Ok(Box::new(on_backup()))), at(2)), explain("wg2"));
    assert_eq!(model.take(Input::Key(Key::Up), at(2)), explain("wg1"));
    assert_eq!(model.take(Input::Status(Err("away".to_owned())), at(3)), []);
}

#[test]
fn a_lost_connection_is_dated_by_its_first_failure_and_ends_with_a_status() {
    let mut model = model(scene());
    model.take(Input::Status(Err("no connection".to_owned())), at(5));
    model.take(Input::Status(Err("no answer".to_owned())), at(9));
    assert_eq!(model.lost, Some((at(5), "no answer".to_owned())));
    model.take(Input::Status(Ok(Box::new(scene()))), at(10));
    assert_eq!(model.lost, None);
    assert!(!model.is_stale(at(13)));
    assert!(model.is_stale(at(14)));
}

#[test]
fn a_screen_that_stands_still_shows_what_it_showed_until_it_goes_on() {
    let mut model = model(scene());
    model.take(Input::Events(news(1..=3)), at(1));
    model.take(Input::Key(Key::Char(' ')), at(2));
    model.take(Input::Status(Ok(Box::new(blackout()))), at(3));
    model.take(Input::Events(news(4..=9)), at(3));
    assert_eq!((model.shown().status.exit_code, model.shown().events.len()), (0, 3));
    assert_eq!((model.age(at(60)), model.still_since()), (at(2), Some(at(2))));
    model.take(Input::Key(Key::Char(' ')), at(4));
    assert_eq!((model.shown().status.exit_code, model.shown().events.len()), (2, 9));
}

#[test]
fn events_are_bounded_and_known_once() {
    let mut model = model(scene());
    model.take(Input::Events(news(1..=5)), at(1));
    model.take(Input::Events(news(3..=7)), at(1));
    let known = |model: &Model| model.shown().events.iter().map(|event| event.seq).collect::<Vec<u64>>();
    assert_eq!(known(&model), [1, 2, 3, 4, 5, 6, 7]);
    model.take(Input::Events(news(8..=2000)), at(1));
    assert_eq!(model.shown().events.len(), EVENTS_MAX);
    // A daemon that was started again counts from the beginning.
    model.take(Input::Events(News { afresh: true, ..news(1..=2) }), at(1));
    assert_eq!(known(&model), [1, 2]);
}

#[test]
fn a_change_is_asked_for_once_and_its_box_stays_until_it_is_done() {
    let mut model = model(on_backup());
    keys(&mut model, "mprovider work");
    let asks = model.take(Input::Key(Key::Enter), at(1));
    let [Ask::Change(change), ..] = asks.as_slice() else { panic!("{asks:?}") };
    assert_eq!(
        (change.kind, change.target.clone(), change.reason.as_str()),
        (Kind::Maint, Some(target("wg2")), "provider work")
    );
    model.take(Input::Answered(change.clone(), Answer::Withheld("it is the last one".to_owned())), at(2));
    let modal = model.modal.as_ref().unwrap();
    assert_eq!((modal.refusal.as_deref(), modal.forcible), (Some("it is the last one"), true));
    let asks = model.take(Input::Key(Key::Control('f')), at(3));
    let [Ask::Change(change)] = asks.as_slice() else { panic!("{asks:?}") };
    assert!(change.force);
    model.take(Input::Answered(change.clone(), Answer::Done), at(4));
    assert!(model.modal.is_none());
    assert_eq!(model.note(at(5)).map(|note| note.text.as_str()), Some("maint socks_back_7891/wg2: done"));
    assert!(model.note(at(60)).is_none());
}

#[test]
fn who_is_no_operator_finds_that_out_once() {
    let mut model = model(scene());
    keys(&mut model, "px");
    let asks = model.take(Input::Key(Key::Enter), at(1));
    let [Ask::Change(change)] = asks.as_slice() else { panic!("{asks:?}") };
    let why = "permission denied: uid 1000 has role reader, needs operator";
    model.take(Input::Answered(change.clone(), Answer::Forbidden(why.to_owned())), at(2));
    assert!(model.modal.is_none());
    for key in "mdrap".chars() {
        keys(&mut model, &key.to_string());
        assert!(model.modal.is_none(), "{key}");
    }
    assert!(model.note(at(0)).is_some_and(|note| note.text.ends_with(why)));
}

#[test]
fn p_ends_a_pause_that_there_is_and_function_keys_put_a_server_in_and_out() {
    let mut status = on_backup();
    status.paused = Some(failover::status::PauseStatus {
        by: "root (uid 0)".to_owned(),
        reason: "moving".to_owned(),
        since: String::new(),
        until: None,
    });
    let mut model = model(status);
    keys(&mut model, "p");
    assert_eq!(model.modal.take().map(|modal| modal.kind), Some(Kind::Resume));
    press(&mut model, Key::F9);
    assert_eq!(model.modal.take().map(|modal| modal.kind), Some(Kind::Ready));
    press(&mut model, Key::F10);
    assert_eq!(model.modal.take().map(|modal| modal.kind), Some(Kind::Maint));
}

#[test]
fn c_has_the_chosen_server_probed_without_a_question() {
    let mut model = model(scene());
    let asks = model.take(Input::Key(Key::Char('c')), at(0));
    let probe = Change {
        kind: Kind::Probe,
        target: model.selected(),
        lasts: None,
        reason: String::new(),
        force: false,
    };
    assert!(asks.contains(&Ask::Change(probe.clone())), "{asks:?}");
    assert!(model.modal.is_none());
    model.take(Input::Answered(probe, Answer::Done), at(1));
    let note = model.note(at(1)).unwrap();
    let expected = format!("probe {}: asked; its next bar is the answer", chosen(&model));
    assert_eq!((note.text.as_str(), note.good), (expected.as_str(), true));

    model.read_only = Some("it was started with --read-only".to_owned());
    let asks = model.take(Input::Key(Key::Char('c')), at(2));
    assert!(!asks.iter().any(|ask| matches!(ask, Ask::Change(_))), "{asks:?}");
}

#[test]
fn it_ends_by_q_by_control_c_anywhere_and_when_told_to() {
    for (before, last) in
        [("", Key::Char('q')), ("mq", Key::Control('c')), ("/q", Key::Control('c')), ("?", Key::Control('c'))]
    {
        let mut model = model(scene());
        keys(&mut model, before);
        assert!(!model.over, "{before}");
        press(&mut model, last);
        assert!(model.over, "{before}");
    }
    let mut model = model(scene());
    model.take(Input::End, at(1));
    assert!(model.over);
}

#[test]
fn panes_scroll_as_far_as_they_were_drawn() {
    let mut model = model(scene());
    model.drawn(Room { detail: 2, events: 1, help: 3, page: 5 });
    press(&mut model, Key::Tab);
    keys(&mut model, "jjjjj");
    assert_eq!((model.pane, model.detail_from), (Pane::Detail, 2));
    keys(&mut model, "k");
    press(&mut model, Key::Tab);
    press(&mut model, Key::PageDown);
    assert_eq!((model.pane, model.detail_from, model.events_from), (Pane::Events, 1, 1));
    model.drawn(Room::default());
    assert_eq!((model.detail_from, model.events_from), (0, 0));
    press(&mut model, Key::Esc);
    assert_eq!(model.pane, Pane::Servers);
}

pub(in crate::top) fn model(status: Status) -> Model {
    Model::new(status, Duration::from_secs(1), None, jiff::tz::TimeZone::UTC)
}

pub(in crate::top) fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(in crate::top) fn keys(model: &mut Model, typed: &str) {
    for character in typed.chars() {
        press(model, Key::Char(character));
    }
}

pub(in crate::top) fn press(model: &mut Model, key: Key) {
    model.take(Input::Key(key), at(0));
}

pub(in crate::top) fn target(server: &str) -> Target {
    Target { backend: "socks_back_7891".to_owned(), server: server.to_owned() }
}

fn chosen(model: &Model) -> String {
    model.selected().unwrap().name()
}

fn news(numbers: std::ops::RangeInclusive<u64>) -> News {
    let event = |seq| EventLine {
        seq,
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        severity: "info".to_owned(),
        text: format!("event {seq}"),
        by: None,
    };
    News { afresh: false, events: numbers.map(event).collect() }
}
