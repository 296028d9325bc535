//! Every decision of hactl, pure: evidence in, health, policy, plan, events and status out.
//!
//! Nothing here reads a clock, opens a socket, spawns, logs or knows HAProxy's wire words. Time is an argument,
//! so that the same code runs in production, in a simulation and in a replay.
//!
//! ```text
//! Round ──> Detector ──> Health ──> policy::order ──> Desired ──┐
//!                                                               ├──> plan() ──> steps
//!                                   Observed ───────────────────┘
//! ```

mod core;
mod detector;
mod event;
mod evidence;
mod history;
mod name;
mod observed;
mod plan;
mod policy;
mod probe;
mod settings;
pub mod status;
mod time;

pub use core::{Core, NextRound, ProbeChanges};
pub use detector::{Ask, Detector, Health, Next, Thresholds, Verdict};
pub use event::{Event, Severity};
pub use evidence::{Cause, Failure, Finding, Outcome, ProbeOutcome, Round, Stage, StageTime};
pub use history::{Entry, History};
pub use name::{Name, ServerId};
pub use observed::{
    Admin, Balance, Haproxy, Observed, ObservedBackend, ObservedServer, Operational, Owner, Process, Writes,
};
pub use plan::{Held, HeldBecause, Plan, Step, plan};
pub use policy::{BackendView, Desired, ServerView, Want, Wish, order};
pub use probe::{Ending, Evidence, Kind, Order, Probe, ProbeId, Route, Saw, Success, TargetId};
pub use settings::{Cadence, OnSlow, Profile, Settings};
pub use time::Time;
