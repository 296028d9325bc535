//! Every decision of hactl, pure: evidence in, health, policy, plan, events and status out.
//!
//! Nothing here reads a clock, opens a socket, spawns, logs or knows HAProxy's wire words. Time is an argument,
//! so that the same code runs in production, in a simulation and in a replay.
//!
//! ```text
//! Evidence ──> Detector ──> Health ──> policy ──> Desired ──┐
//!     ↑            │                                       ├──> plan() ──> steps
//!   probes <── Order                   Observed ───────────┘
//! ```

mod contention;
mod core;
mod damping;
mod detector;
mod event;
mod evidence;
pub mod explain;
mod history;
mod lateness;
mod leave;
mod loss;
mod moved;
mod name;
mod observed;
mod overrides;
mod pace;
mod plan;
mod policy;
mod probe;
mod random;
mod record;
mod recovery;
pub mod replay;
mod rests;
mod settings;
mod slow;
mod stalls;
pub mod status;
mod suspicion;
mod time;
mod urgency;
mod zombies;

pub use contention::Contention;
pub use core::{Core, FailBackError, Outcome, OverrideRefusal, ProbeRefusal};
pub use detector::{Health, Verdict};
pub use event::{Asked, Event, ExitChanged, Severity};
pub use evidence::{Cause, Failure, Stage, StageTime};
pub use history::{Entry, History};
pub use leave::{OnExit, leave};
pub use name::{Name, ServerId};
pub use observed::{
    Admin, Agent, Balance, Haproxy, Observed, ObservedBackend, ObservedServer, Operational, Owner, Process,
    Writes,
};
pub use overrides::{Given, Insist, Override, OverrideChange, OverrideInput, Overrides, Pin};
pub use plan::{Held, HeldBecause, Plan, Step, plan};
pub use policy::{Desired, Want, Wish};
pub use probe::{Ending, Evidence, Kind, Order, Probe, ProbeId, Route, Saw, Success, TargetId};
pub use record::{FORMAT, Header, Input, Instance, Line, Recorded};
pub use settings::{Cadence, Failback, OnSlow, Policy, Profile, Rules, Sessions, Settings, WhenAllDown};
pub use time::Time;
