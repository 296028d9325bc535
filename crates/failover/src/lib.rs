//! Every decision of hactl, pure: evidence in, health, policy, plan, events and status out.
//!
//! Nothing here reads a clock, opens a socket, spawns, logs or knows HAProxy's wire words. Time is an argument,
//! so that the same code runs in production, in a simulation and in a replay.

pub mod evidence;
pub mod name;
pub mod time;

pub use evidence::{Cause, Failure, Outcome, ProbeOutcome, Round, Stage, StageTime};
pub use name::{Name, ServerId};
pub use time::Time;
