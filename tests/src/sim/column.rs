//! Who is compared: the rivals, and hactl in three settings.

use std::time::Duration;

use failover::{Name, OnSlow, Profile, Rules, Settings, Time};

use super::driver::{Driven, drive};
use super::haproxy::BACKEND;
use super::prober::Made;
use super::rivals::native::Check;
use super::rivals::{native, script};
use super::rng::Rng;
use super::scenario::Conditions;
use super::scene::TARGETS;
use super::subject;
use super::world::World;

/// One column of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) who: Who,
}

/// Who decides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// The seed's script.
    Script,
    /// HAProxy alone.
    Native(Check),
    /// hactl's core.
    Hactl(Setting),
}

/// In what hactl's columns differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    profile: Profile,
    ride_through: Duration,
}

/// The one that every figure is wanted of.
pub(crate) const FAST: Setting = Setting { profile: Profile::Fast, ride_through: Duration::ZERO };

const ECO: Setting = Setting { profile: Profile::Eco, ..FAST };
const RIDE: Setting = Setting { ride_through: Duration::from_millis(2500), ..FAST };

/// The last ones are ours, the very last one is `FAST`.
pub(crate) const COLUMNS: &[Column] = &[
    Column { title: "seed script", who: Who::Script },
    Column { title: "native tcp", who: Who::Native(native::TCP) },
    Column { title: "native SOCKS", who: Who::Native(native::SOCKS) },
    Column { title: "native tuned", who: Who::Native(native::TUNED) },
    Column { title: "hactl eco", who: Who::Hactl(ECO) },
    Column { title: "hactl ride", who: Who::Hactl(RIDE) },
    Column { title: "hactl fast", who: Who::Hactl(FAST) },
];

impl Column {
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self.who, Who::Hactl(_))
    }

    /// The one that every figure is wanted of, and which is simulated for longest.
    pub(crate) fn is_fast(&self) -> bool {
        matches!(self.who, Who::Hactl(setting) if setting == FAST)
    }

    /// Lets it judge in the world until the end.
    pub(crate) fn judge(&self, mut world: World, conditions: &Conditions, until: Time) -> Driven {
        let made = Made::default();
        match self.who {
            Who::Script => Driven { routing: script::run(&mut world, until), made, world },
            Who::Native(check) => Driven { routing: native::run(check, &mut world, until), made, world },
            Who::Hactl(setting) => {
                let settings = setting.settings(conditions, &mut world.rng);
                drive(&mut subject::brain(&settings), world, until)
            }
        }
    }
}

impl Setting {
    pub(crate) fn settings(self, conditions: &Conditions, rng: &mut Rng) -> Settings {
        Settings {
            profile: self.profile,
            ride_through: self.ride_through,
            control: conditions.control,
            rules: conditions
                .move_slow
                .then(|| (Name::from(BACKEND), Rules { on_slow: OnSlow::Move, ..Rules::DEFAULT }))
                .into_iter()
                .collect(),
            seed: rng.word(),
            ..Settings::new((0..TARGETS).map(target).collect())
        }
    }
}

fn target(place: u16) -> Name {
    Name::from(format!("https://192.0.2.{}/", place + 1))
}
