//! What a probe that was made by itself came to, and what a race of them says.

use std::time::Duration;

use failover::{Failure, Name, StageTime};

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Bytes from the target arrived whole; the time from the first SYN to them.
    Passed(Duration),
    /// A stage was not passed.
    Failed(Failure),
    /// This host could not ask (out of descriptors, ports or memory): evidence of nothing about the server.
    Void(String),
}

/// One probe through one server to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeOutcome {
    /// The target as configured, `https://1.1.1.1/`.
    pub target: Name,
    /// The stages that were passed, in order.
    pub stages: Vec<StageTime>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What several probes through one server say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding<'a> {
    /// At least one target answered: the tunnel carries traffic. The quickest probe's time.
    Good(Duration),
    /// No target answered; of the failures the one that got furthest, because it says most.
    Failed(&'a Failure),
    /// No probe could be made or they all were void: nothing is known.
    Void,
}

impl Finding<'_> {
    /// What `probes` say: one complete success proves the tunnel, whatever other targets did.
    #[must_use]
    pub fn of(probes: &[ProbeOutcome]) -> Finding<'_> {
        let passed = probes.iter().filter_map(|probe| match &probe.outcome {
            Outcome::Passed(took) => Some(*took),
            Outcome::Failed(_) | Outcome::Void(_) => None,
        });
        let failed = probes.iter().filter_map(|probe| match &probe.outcome {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Passed(_) | Outcome::Void(_) => None,
        });
        // Of equals the first.
        let furthest = failed.reduce(|known, other| if other.stage > known.stage { other } else { known });
        match (passed.min(), furthest) {
            (Some(took), _) => Finding::Good(took),
            (None, Some(failure)) => Finding::Failed(failure),
            (None, None) => Finding::Void,
        }
    }
}

#[cfg(test)]
mod tests {
    use failover::{Cause, Stage};

    use super::*;

    fn probe(outcome: Outcome) -> ProbeOutcome {
        ProbeOutcome { target: "https://1.1.1.1/".into(), stages: Vec::new(), outcome }
    }

    fn failed(stage: Stage) -> Outcome {
        Outcome::Failed(Failure { stage, cause: Cause::Timeout, text: String::new() })
    }

    #[test]
    fn one_answer_is_enough_and_of_failures_the_furthest_is_told() {
        let mut probes = vec![probe(Outcome::Void("no descriptors left".to_owned()))];
        assert_eq!(Finding::of(&probes), Finding::Void);
        for stage in [Stage::Connect, Stage::Tcp] {
            probes.push(probe(failed(stage)));
            assert!(
                matches!(Finding::of(&probes), Finding::Failed(failure) if failure.stage == Stage::Connect)
            );
        }
        for (millis, best) in [(48, 48), (20, 20), (30, 20)] {
            probes.push(probe(Outcome::Passed(Duration::from_millis(millis))));
            assert_eq!(Finding::of(&probes), Finding::Good(Duration::from_millis(best)));
        }
    }
}
