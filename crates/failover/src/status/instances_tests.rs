//! What a script and a person expect of the status of several instances.

use super::*;
use crate::status::Context;
use crate::{Core, Observed, Settings, Time};

#[test]
fn of_one_instance_the_whole_is_that_one() {
    let one = status("a", Level::Degraded);
    assert_eq!(Status::whole(vec![one.clone()]), Some(one));
    assert_eq!(Status::whole(Vec::new()), None);
}

#[test]
fn the_whole_is_as_bad_as_the_worst_and_says_whose_problem_it_is() {
    let mut second = status("b", Level::Down);
    second.instances[0].applying = false;
    second.applying = false;
    second.instances[0].problems = vec!["HAProxy does not answer".to_owned()];
    second.instances[0].frozen_since = Some("2026-01-01T00:00:00.000Z".to_owned());
    let whole = Status::whole(vec![status("a", Level::Unknown), second, status("c", Level::Ok)]).unwrap();
    assert_eq!((whole.exit_code, whole.instance.as_str(), whole.applying), (2, "a", false));
    assert_eq!(whole.problems, ["b: HAProxy does not answer"]);
    assert_eq!(whole.frozen_since.as_deref(), Some("2026-01-01T00:00:00.000Z"));
    let names: Vec<&str> = whole.instances.iter().map(|instance| instance.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);

    let alone = whole.of_instances(|name| name == "b").unwrap();
    assert_eq!((alone.exit_code, alone.instance.as_str()), (2, "b"));
    assert_eq!(alone.problems, ["HAProxy does not answer"]);
    assert_eq!(whole.of_instances(|name| name != "b").unwrap().exit_code, 3);
    assert_eq!(whole.of_instances(|_| false), None);
}

#[test]
fn one_that_could_not_be_started_is_down_and_says_why() {
    let waiting = status("b", Level::Unknown).not_started("its port is taken".to_owned());
    assert_eq!((waiting.exit_code, waiting.applying), (2, false));
    let whole = Status::whole(vec![status("a", Level::Ok), waiting]).unwrap();
    assert_eq!((whole.exit_code, whole.applying), (2, false));
    assert_eq!(whole.problems, ["b: its port is taken"]);
}

fn status(instance: &str, verdict: Level) -> Status {
    let context = Context {
        version: "0",
        node: "node",
        instance,
        socket: "/run/haproxy/admin.sock",
        now: Time::ZERO,
        unix_now: 0,
        unkept: None,
        unwritten: None,
        wall: &|_| "2026-01-02T00:00:00.000Z".to_owned(),
    };
    let mut status = Core::new(Settings::new(Vec::new())).status(&Observed::nothing(), &context);
    status.instances[0].verdict = verdict;
    status.instances[0].applying = true;
    Status { applying: true, exit_code: verdict.exit_code(), ..status }
}
