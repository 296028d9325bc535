//! Ten times slower is not dead.

use failover::{Name, OnSlow, Rules, Verdict};

use crate::world::*;

#[test]
fn a_brown_out_is_shown_and_the_server_goes_on_serving() {
    let mut world = World::warm();
    world.break_("wg1", Fault::Slower(10));
    world.run(3000);
    assert_eq!((world.serving().as_str(), world.verdict("wg1")), ("wg1", Verdict::Online));
    assert!(world.status().backends[0].servers[0].slow);
    for _ in 0..3000 {
        world.run(100);
        assert_eq!(world.serving(), "wg1");
    }
    assert_eq!(world.events.iter().filter(|event| event.kind() == "slow").count(), 1);
    world.break_("wg1", Fault::None);
    world.run(10_000);
    assert!(!world.status().backends[0].servers[0].slow);
    assert_eq!(world.events.iter().filter(|event| event.kind() == "slow").count(), 2);
}

#[test]
fn where_the_backend_says_so_a_slow_server_makes_room_once_and_comes_back_once() {
    let mut world = World::with(|settings| {
        settings.rules.insert(Name::from(BACKEND), Rules { on_slow: OnSlow::Move, ..Rules::DEFAULT });
    });
    world.run(100_000);
    let mut switches = Vec::new();
    for (fault, millis) in [(Fault::Slower(10), 600_000), (Fault::None, 60_000)] {
        world.break_("wg1", fault);
        let mut serving = world.serving();
        for _ in 0..millis / 10 {
            world.run(10);
            if world.serving() != serving {
                serving = world.serving();
                switches.push(serving.clone());
            }
        }
    }
    assert_eq!(switches, ["wg2", "wg1"]);
}

#[test]
fn where_all_are_slow_none_is() {
    let mut world = World::warm();
    for name in NAMES {
        world.break_(name, Fault::Slower(10));
    }
    world.run(60_000);
    assert_eq!(world.serving(), "wg1");
    assert!(world.status().backends[0].servers.iter().all(|server| !server.slow));
}
