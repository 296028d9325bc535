//! What probes ask for, for `hactl check`, which asks for the same. The listener for browsers does not say it.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use checker::{Expect, Target, TargetError, TargetOptions};
use failover::status::API_VERSION;
use serde::{Deserialize, Serialize};

use super::Front;
use crate::config::Probe;

/// What the daemon asks for through each server. Within v1 keys are only added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probing {
    /// `hactl/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `Probing`.
    pub kind: String,
    /// Further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    targets: Vec<ProbingTarget>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ProbingTarget {
    url: String,
    sni: Option<String>,
    /// The statuses that count; `null` where all do.
    expect: Option<Vec<u16>>,
}

impl Probing {
    pub(crate) fn of(probe: &Probe) -> Self {
        let target = |target: &Target| {
            let TargetOptions { expect, sni } = target.options();
            let expect = match expect {
                Expect::AnyResponse => None,
                Expect::Statuses(statuses) => Some(statuses),
            };
            ProbingTarget { url: target.name().to_string(), sni, expect }
        };
        Self {
            api_version: API_VERSION.to_owned(),
            kind: "Probing".to_owned(),
            ca_file: probe.ca_file.clone(),
            targets: probe.targets.iter().map(target).collect(),
        }
    }

    /// The targets as they are configured.
    ///
    /// # Errors
    /// Where the daemon is of another version, with targets that are not known here.
    pub fn targets(&self) -> Result<Vec<Target>, TargetError> {
        let target = |ProbingTarget { url, sni, expect }: &ProbingTarget| {
            let expect = expect.clone().map_or(Expect::AnyResponse, Expect::Statuses);
            url.parse::<Target>()?.with(TargetOptions { expect, sni: sni.clone() })
        };
        self.targets.iter().map(target).collect()
    }
}

pub(super) async fn probing(State(front): State<Front>) -> Response {
    let probing = Arc::clone(&front.whole.borrow().probing);
    Json(&*probing).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_told_as_they_are_configured() {
        let options = |expect, sni: Option<&str>| TargetOptions { expect, sni: sni.map(str::to_owned) };
        let target = |url: &str, options| url.parse::<Target>().unwrap().with(options).unwrap();
        let targets = vec![
            target(
                "https://192.0.2.1/health",
                options(Expect::Statuses(vec![200, 204]), Some("example.net")),
            ),
            target("https://192.0.2.1/", options(Expect::AnyResponse, None)),
            target("https://example.org/", options(Expect::AnyResponse, None)),
            target("http://192.0.2.2:8080/", options(Expect::Statuses(vec![200]), None)),
            target("tcp://[2001:db8::1]:25", options(Expect::AnyResponse, None)),
        ];
        let probe = Probe {
            targets: targets.clone(),
            control: None,
            ca_file: Some("/etc/hactl/ca.pem".into()),
            settings: failover::Settings::new(Vec::new()),
        };
        let text = serde_json::to_string(&Probing::of(&probe)).unwrap();
        let told: Probing = serde_json::from_str(&text).unwrap();
        assert_eq!(told.targets(), Ok(targets));
        assert_eq!((told.ca_file, told.kind.as_str()), (probe.ca_file, "Probing"));
    }
}
