//! What is written about one backend's rules: the words for each of them, and how they go together.

use std::collections::BTreeSet;
use std::str::FromStr;

use failover::{Failback, Name, OnSlow, Policy, Rules, Sessions, WhenAllDown};
use haproxy_runtime::ServerName;

use super::raw::{Parsed, RawBackend, known};

#[derive(Debug)]
pub(super) struct RawPolicy(pub(super) Policy);

impl FromStr for RawPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        known("policy", text, [("order", Self(Policy::Order)), ("latency", Self(Policy::Latency))])
    }
}

#[derive(Debug)]
pub(super) struct RawFailback(pub(super) Failback);

impl FromStr for RawFailback {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = [("auto", Failback::Auto), ("manual", Failback::Manual), ("never", Failback::Never)];
        known("failback", text, words.map(|(word, value)| (word, Self(value))))
    }
}

#[derive(Debug)]
pub(super) struct RawWhenAllDown(pub(super) WhenAllDown);

impl FromStr for RawWhenAllDown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = [
            ("last-good", WhenAllDown::LastGood),
            ("fail-closed", WhenAllDown::FailClosed),
            ("all-open", WhenAllDown::AllOpen),
        ];
        known("when_all_down", text, words.map(|(word, value)| (word, Self(value))))
    }
}

#[derive(Debug)]
pub(super) struct RawSessions(pub(super) Sessions);

impl FromStr for RawSessions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = [("keep", Sessions::Keep), ("kill", Sessions::Kill)];
        known("way with sessions", text, words.map(|(word, value)| (word, Self(value))))
    }
}

#[derive(Debug)]
pub(super) struct RawOnSlow(pub(super) OnSlow);

impl FromStr for RawOnSlow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        known("on_slow", text, [("show", Self(OnSlow::Show)), ("move", Self(OnSlow::Move))])
    }
}

/// What is not written is as it is for every backend.
pub(super) fn rules(raw: &RawBackend) -> Rules {
    let tier =
        |tier: &Vec<Parsed<ServerName>>| tier.iter().map(|Parsed(name)| Name::from(name.as_str())).collect();
    let sessions = |raw: &Option<Parsed<RawSessions>>| raw.as_ref().map(|Parsed(RawSessions(value))| *value);
    let default = Rules::DEFAULT;
    Rules {
        policy: raw.policy.as_ref().map_or(default.policy, |Parsed(RawPolicy(value))| *value),
        tiers: raw.tiers.iter().flatten().map(tier).collect(),
        failback: raw.failback.as_ref().map_or(default.failback, |Parsed(RawFailback(value))| *value),
        allow_exit_change: raw.allow_exit_change.unwrap_or(default.allow_exit_change),
        when_all_down: raw
            .when_all_down
            .as_ref()
            .map_or(default.when_all_down, |Parsed(RawWhenAllDown(value))| *value),
        on_slow: raw.on_slow.as_ref().map_or(default.on_slow, |Parsed(RawOnSlow(value))| *value),
        on_fail: sessions(&raw.on_fail).unwrap_or(default.on_fail),
        on_steer: sessions(&raw.on_steer).unwrap_or(default.on_steer),
        on_failback: sessions(&raw.on_failback).unwrap_or(default.on_failback),
        kill_after: raw.kill_after.unwrap_or(default.kill_after),
    }
}

/// What is wrong with a tier.
pub(super) struct TierProblem {
    pub(super) what: String,
    pub(super) next: &'static str,
    /// The number of the tier and, where one is meant, that of the server in it.
    pub(super) place: Vec<String>,
}

/// Each server is in one tier, once, and only servers that are steered are.
pub(super) fn tier_problems(backend: &RawBackend) -> Vec<TierProblem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for (tier, servers) in backend.tiers.iter().flatten().enumerate() {
        if servers.is_empty() {
            let what = "a tier without servers".to_owned();
            problems.push(TierProblem {
                what,
                next: "name one, or remove the tier",
                place: vec![tier.to_string()],
            });
        }
        for (index, Parsed(server)) in servers.iter().enumerate() {
            let place = vec![tier.to_string(), index.to_string()];
            if !seen.insert(server) {
                let what = format!("server {server} is named twice in `tiers`");
                problems.push(TierProblem { what, next: "remove one of them", place: place.clone() });
            }
            let left_out =
                |steered: &Vec<Parsed<ServerName>>| steered.iter().all(|Parsed(one)| one != server);
            if backend.servers.as_ref().is_some_and(left_out) {
                let what = format!("`tiers` names {server}, which `servers` leaves out");
                problems.push(TierProblem { what, next: "add it to `servers`, or remove it here", place });
            }
        }
    }
    problems
}
