//! Explanations as the tests read them.

use failover::explain::{Effects, Explanation, View};
use failover::status::PauseStatus;
use failover::{Admin, Event, Name, Observed, Owner, Rules, ServerId, Time};

use crate::world::*;

pub(crate) fn under(adapt: impl FnOnce(&mut Rules)) -> World {
    let mut rules = Rules::DEFAULT;
    adapt(&mut rules);
    let mut world = World::with(|settings| {
        settings.rules.insert(Name::from(BACKEND), rules);
    });
    world.run(100_000);
    world
}

pub(crate) fn id(server: &str) -> ServerId {
    ServerId { backend: Name::from(BACKEND), server: Name::from(server) }
}

pub(crate) fn try_explain(
    world: &World,
    server: Option<&str>,
    effects: &Effects,
    paused: Option<&PauseStatus>,
) -> Option<Explanation> {
    let clock = |at: Time| format!("T+{:.1}", at.since_origin().as_secs_f64());
    let observed: &Observed = &world.observed;
    let view = View { now: world.now, clock: &clock, observed, effects, paused };
    world.core.explain(&Name::from(BACKEND), server.map(Name::from).as_ref(), &view)
}

pub(crate) fn explain(
    world: &World,
    server: Option<&str>,
    effects: &Effects,
    paused: Option<&PauseStatus>,
) -> Explanation {
    try_explain(world, server, effects, paused).expect("it is there")
}

/// As the commands of this world were applied: whatever is out because of us was set a second ago.
pub(crate) fn effects(world: &World) -> Effects {
    let mut effects = Effects::default();
    for server in &world.observed.backends[&Name::from(BACKEND)].servers {
        if server.admin != Admin::Ready && server.owner == Owner::Ours {
            let event = Event::Applied { server: id(server.name.as_str()), set: server.admin };
            effects.note(&event, world.now);
        }
    }
    effects
}

pub(crate) fn explained(world: &World, server: &str) -> String {
    render(&explain(world, Some(server), &effects(world), None))
}

pub(crate) fn backend(world: &World) -> String {
    render(&explain(world, None, &effects(world), None))
}

pub(crate) fn headline(world: &World, server: &str) -> String {
    explain(world, Some(server), &effects(world), None).headline
}

pub(crate) fn text(world: &World, server: &str) -> String {
    explained(world, server)
}

pub(crate) fn section(world: &World, server: &str, label: &str) -> String {
    let text = explained(world, server);
    let lines = text.lines().skip_while(|line| !line.starts_with(label));
    let own = lines.enumerate().take_while(|(index, line)| *index == 0 || line.starts_with("  "));
    own.map(|(_, line)| line).collect::<Vec<&str>>().join("\n")
}

pub(crate) fn render(explanation: &Explanation) -> String {
    let mut text = format!("{}\n", explanation.headline);
    for section in &explanation.sections {
        for (index, line) in section.lines.iter().enumerate() {
            let label = if index == 0 { section.label.as_str() } else { "" };
            let setting = line.setting.as_ref().map(|setting| format!("  {setting}")).unwrap_or_default();
            text.push_str(&format!("{label:<9} {}{setting}\n", line.text));
        }
    }
    text
}
