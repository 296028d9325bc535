//! What operators have ordered, in the policy's eyes.

use super::{Cause, Choice, Want};
use crate::{Admin, Verdict};

/// A server that an operator wants to be in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forced {
    /// The state.
    pub(crate) state: Admin,
    /// Whatever is left.
    pub(crate) force: bool,
}

/// A server that an operator wants to carry the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pinned {
    /// Whatever is known of it.
    pub(crate) force: bool,
}

impl Forced {
    /// It is to be in rotation.
    pub(crate) const fn is_in(self) -> bool {
        matches!(self.state, Admin::Ready)
    }

    /// What is wanted of a server of which this is known.
    pub(super) const fn choice(self, verdict: Verdict) -> Choice {
        let want = match (self.state, verdict) {
            (Admin::Ready, Verdict::Online) => Want::Ready,
            (Admin::Ready, Verdict::Unknown | Verdict::Degraded | Verdict::Offline) => Want::Open,
            (Admin::Drain, _) => Want::Drain,
            (Admin::Maint, _) => Want::Maint,
        };
        Choice { want, cause: Cause::Ordered(self) }
    }
}
