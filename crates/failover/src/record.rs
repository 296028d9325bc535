//! Everything that goes into a core, as values: what was recorded in production goes into a fresh core and gives the
//! same decisions.
//!
//! A recording is lines of JSON: a [`Header`], then a [`Line`] for each input, in the order in which the core took them.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{micros, whole};
use crate::{
    Core, Ending, Evidence, Name, Observed, OverrideInput, Saw, ServerId, Settings, StageTime, Time,
};

/// The form of recordings that is written and read here. It changes with the meaning of a line.
pub const FORMAT: u32 = 1;

/// The first line of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The form of the lines below, [`FORMAT`].
    pub format: u32,
    /// The version of hactl that wrote it: another one may decide otherwise.
    pub hactl: String,
    /// Wall-clock time at [`Time::ZERO`], in RFC 3339; for people.
    pub started: String,
    /// Whose decisions they are.
    pub instance: Instance,
    /// What the core was told at the start, with its seed.
    pub settings: Settings,
}

/// One HAProxy, as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// What it is called.
    pub name: String,
    /// The backends that are steered.
    pub backends: Vec<Name>,
}

/// A line below the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, try_from = "RawLine")]
pub enum Line {
    /// The core was called.
    Input(Recorded),
    /// So many calls were not recorded here.
    Lost {
        /// How many.
        lost: u64,
    },
}

/// As it is written, so that a mistake is told of the field in which it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    at: Option<Time>,
    input: Option<Input>,
    lost: Option<u64>,
}

impl TryFrom<RawLine> for Line {
    type Error = &'static str;

    fn try_from(raw: RawLine) -> Result<Self, Self::Error> {
        match raw {
            RawLine { at: Some(at), input: Some(input), lost: None } => {
                Ok(Self::Input(Recorded { at, input }))
            }
            RawLine { at: None, input: None, lost: Some(lost) } => Ok(Self::Lost { lost }),
            RawLine { .. } => Err("a line has either `at` and `input`, or `lost`"),
        }
    }
}

/// One call of the core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// A sight of HAProxy.
    Observed(Box<Observed>),
    /// What a probe saw.
    Evidence(Evidence),
    /// The time that was asked for has come.
    Due,
    /// The host slept this long.
    Gap(#[serde(with = "micros")] Duration),
    /// An operator wants the traffic of this backend to go back to where it belongs.
    FailBack(Name),
    /// Other settings from now on; their seed does not count.
    Settings(Box<Settings>),
    /// Somebody wants to see a probe of this server.
    Probe(ServerId),
    /// An operator's order about a server, or what the wall clock shows now that it was set.
    Override(Box<OverrideInput>),
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
    /// Takes in one input, in whole microseconds as a recording holds it; the only way by which anything enters a core
    /// in production.
    pub fn take(&mut self, input: &Input, now: Time) {
        match input {
            Input::Observed(observed) => self.on_observed(observed, now),
            Input::Evidence(evidence) => self.on_evidence(&in_micros(evidence), now),
            Input::Due => self.on_time(now),
            Input::Gap(lasted) => self.on_gap(whole(*lasted), now),
            Input::FailBack(backend) => self.on_fail_back(backend, now),
            Input::Settings(settings) => self.on_settings(settings, now),
            Input::Probe(server) => self.on_probe(server, now),
            Input::Override(input) => self.on_override(input, now),
        }
    }
}

fn in_micros(evidence: &Evidence) -> Cow<'_, Evidence> {
    let stage = |passed: StageTime| StageTime { took: whole(passed.took), ..passed };
    let saw = match &evidence.saw {
        Saw::Passed(passed) => Saw::Passed(stage(*passed)),
        Saw::Ended(Ending::Success(success)) => {
            let mut success = *success;
            success.last = stage(success.last);
            Saw::Ended(Ending::Success(success))
        }
        Saw::Began | Saw::Ended(Ending::Failed(_) | Ending::Void(_)) | Saw::Closed => {
            return Cow::Borrowed(evidence);
        }
    };
    Cow::Owned(Evidence { saw, ..*evidence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Admin, Cause, Failure, Given, Override, OverrideChange, ProbeId, Stage, Success};

    fn inputs() -> [Input; 12] {
        let evidence = |saw| Input::Evidence(Evidence { probe: ProbeId(7), at: Time::from_millis(12), saw });
        let failure = Failure { stage: Stage::Connect, cause: Cause::Reply(4), text: "no".to_owned() };
        let last = StageTime { stage: Stage::Tls, took: Duration::from_micros(1234) };
        let success = Success { last, status: Some(200), received: 9, kept: true };
        let given = Given {
            by: "alice".to_owned(),
            by_uid: Some(1000),
            since: jiff::Timestamp::UNIX_EPOCH,
            until: None,
            reason: "provider work".to_owned(),
            force: false,
        };
        let maint = Override { state: Admin::Maint, kill_sessions: false, given };
        let change = OverrideChange::Set(vec![ServerId::new("b", "wg1")], maint);
        [
            evidence(Saw::Began),
            evidence(Saw::Passed(last)),
            evidence(Saw::Ended(Ending::Success(success))),
            evidence(Saw::Ended(Ending::Failed(failure))),
            evidence(Saw::Closed),
            Input::Observed(Box::new(Observed::nothing())),
            Input::Due,
            Input::Gap(Duration::from_secs(3600)),
            Input::FailBack(Name::from("b")),
            Input::Probe(ServerId::new("b", "wg1")),
            Input::Settings(Box::new(Settings::new(vec![Name::from("https://1.1.1.1/")]))),
            Input::Override(Box::new(OverrideInput { wall: jiff::Timestamp::UNIX_EPOCH, change })),
        ]
    }

    #[test]
    fn what_is_recorded_reads_the_same() {
        for input in inputs() {
            let line = Line::Input(Recorded { at: Time::from_millis(34), input });
            let text = serde_json::to_string(&line).unwrap();
            assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line, "{text}");
        }
        let lost: Line = serde_json::from_str(r#"{"lost":3}"#).unwrap();
        assert_eq!(lost, Line::Lost { lost: 3 });
        assert_eq!(serde_json::to_string(&lost).unwrap(), r#"{"lost":3}"#);
    }

    #[test]
    fn a_line_is_one_of_the_two_and_says_where_it_is_not() {
        let wrong = |text: &str| serde_json::from_str::<Line>(text).unwrap_err().to_string();
        assert!(wrong(r#"{"at":1}"#).contains("either `at` and `input`, or `lost`"));
        assert!(wrong(r#"{"at":1,"input":"due","lost":1}"#).contains("either"));
        assert!(wrong(r#"{"at":1,"input":"do"}"#).contains("unknown variant `do`"));
        assert!(wrong(r#"{"at":-1,"input":"due"}"#).contains("invalid value"));
        assert!(wrong(r#"{"at":1,"inptu":"due"}"#).contains("unknown field `inptu`"));
    }

    #[test]
    fn a_core_takes_no_more_of_a_time_than_a_recording_holds() {
        let fine = |nanos| StageTime { stage: Stage::Http, took: Duration::from_nanos(nanos) };
        let took = |evidence: &Evidence| match in_micros(evidence).into_owned().saw {
            Saw::Passed(passed) => passed.took,
            Saw::Ended(Ending::Success(success)) => success.last.took,
            other @ (Saw::Began | Saw::Ended(_) | Saw::Closed) => panic!("{other:?}"),
        };
        let success = Success { last: fine(2_999), status: None, received: 0, kept: false };
        for saw in [Saw::Passed(fine(2_999)), Saw::Ended(Ending::Success(success))] {
            let at = Time::from_origin(Duration::from_nanos(1_999));
            assert_eq!(at, Time::from_origin(Duration::from_micros(1)));
            let evidence = Evidence { probe: ProbeId(1), at, saw };
            assert_eq!(took(&evidence), Duration::from_micros(2));
        }
    }
}
