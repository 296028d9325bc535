//! Everything that goes into a core, as values: what was recorded in production goes into a fresh core and gives the
//! same decisions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::micros;
use crate::{Core, Evidence, Observed, Time};

/// One call of the core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// A sight of HAProxy.
    Observed(Observed),
    /// What a probe saw.
    Evidence(Evidence),
    /// The time that was asked for has come.
    Due,
    /// The host slept this long.
    Gap(#[serde(with = "micros")] Duration),
}

/// One call of the core, and when it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// When.
    pub at: Time,
    /// Which.
    pub input: Input,
}

impl Core {
    /// Takes in one input; the only way by which anything enters a core.
    pub fn take(&mut self, input: &Input, now: Time) {
        match input {
            Input::Observed(observed) => self.on_observed(observed, now),
            Input::Evidence(evidence) => self.on_evidence(evidence, now),
            Input::Due => self.on_time(now),
            Input::Gap(lasted) => self.on_gap(*lasted, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cause, Ending, Failure, ProbeId, Saw, Stage, StageTime};

    #[test]
    fn what_is_recorded_reads_the_same() {
        let evidence = |saw| Input::Evidence(Evidence { probe: ProbeId(7), at: Time::from_millis(12), saw });
        let failure = Failure { stage: Stage::Connect, cause: Cause::Reply(4), text: "no".to_owned() };
        for input in [
            evidence(Saw::Began),
            evidence(Saw::Passed(StageTime { stage: Stage::Tls, took: Duration::from_micros(1234) })),
            evidence(Saw::Ended(Ending::Failed(failure))),
            evidence(Saw::Closed),
            Input::Observed(Observed::nothing()),
            Input::Due,
            Input::Gap(Duration::from_secs(3600)),
        ] {
            let recorded = Recorded { at: Time::from_millis(34), input };
            let line = serde_json::to_string(&recorded).unwrap();
            assert_eq!(serde_json::from_str::<Recorded>(&line).unwrap(), recorded, "{line}");
        }
    }
}
