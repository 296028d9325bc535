//! What an order is, as it is sent.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use failover::Admin;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::changed::Action;
use crate::config::{PAUSE_MAX, PAUSE_MIN};

/// Some hundred names of servers.
const BODY_MAX: usize = 64 * 1024;

/// Characters of a reason: a line.
const REASON_MAX: usize = 200;

/// What is wanted of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wanted {
    Maint,
    Drain,
    Ready,
    /// To be left to their probes again.
    Auto,
}

impl Wanted {
    pub(super) const fn admin(self) -> Option<Admin> {
        match self {
            Self::Maint => Some(Admin::Maint),
            Self::Drain => Some(Admin::Drain),
            Self::Ready => Some(Admin::Ready),
            Self::Auto => None,
        }
    }

    pub(super) const fn action(self) -> Action {
        match self {
            Self::Maint => Action::Maint,
            Self::Drain => Action::Drain,
            Self::Ready => Action::Ready,
            Self::Auto => Action::Auto,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    #[serde(default)]
    pub(super) servers: Vec<String>,
    /// With `auto`: all servers of which something is ordered.
    #[serde(default)]
    pub(super) all: bool,
    pub(super) state: Wanted,
    #[serde(default)]
    for_seconds: Option<u64>,
    #[serde(default)]
    until: Option<Timestamp>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    pub(super) kill_sessions: bool,
    #[serde(default)]
    pub(super) force: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PinOrder {
    #[serde(default)]
    pub(super) server: Option<String>,
    #[serde(default)]
    pub(super) unpin: Option<String>,
    #[serde(default)]
    for_seconds: Option<u64>,
    #[serde(default)]
    until: Option<Timestamp>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    pub(super) force: bool,
}

/// Why, and until when.
#[derive(Debug)]
pub(super) struct Given<'a> {
    for_seconds: Option<u64>,
    until: Option<Timestamp>,
    reason: Option<&'a str>,
}

impl Order {
    pub(super) fn given(&self) -> Given<'_> {
        Given { for_seconds: self.for_seconds, until: self.until, reason: self.reason.as_deref() }
    }

    /// What contradicts itself.
    fn flaw(&self) -> Option<&'static str> {
        match (self.state, self.all, self.servers.is_empty()) {
            (Wanted::Auto, true, false) => Some("name `servers`, or `all`, and not both"),
            (Wanted::Auto, true, true) | (_, false, false) => None,
            (_, true, _) => Some("`all` is for `auto` alone: name the `servers`"),
            (_, false, true) => Some("name at least one of `servers`"),
        }
    }
}

impl PinOrder {
    pub(super) fn given(&self) -> Given<'_> {
        Given { for_seconds: self.for_seconds, until: self.until, reason: self.reason.as_deref() }
    }
}

impl Given<'_> {
    /// The reason, and the end by the wall clock, which shows `now`.
    pub(super) fn checked(&self, now: Timestamp) -> Result<(String, Option<Timestamp>), String> {
        let reason = self.reason.unwrap_or_default().trim();
        if reason.is_empty() {
            return Err("it needs a `reason`, for those who find it".to_owned());
        }
        if reason.chars().count() > REASON_MAX {
            return Err(format!("the reason has more than {REASON_MAX} characters"));
        }
        Ok((reason.to_owned(), self.end(now)?))
    }

    fn end(&self, now: Timestamp) -> Result<Option<Timestamp>, String> {
        let until = match (self.for_seconds, self.until) {
            (Some(_), Some(_)) => return Err("give `for_seconds` or `until`, and not both".to_owned()),
            (None, None) => return Ok(None),
            (None, Some(until)) => until,
            (Some(seconds), None) => {
                let (least, most) = (PAUSE_MIN.as_secs(), PAUSE_MAX.as_secs());
                if !(least..=most).contains(&seconds) {
                    return Err(format!(
                        "for_seconds is out of range; from {least} to {most} is allowed, and none at all"
                    ));
                }
                now.checked_add(Duration::from_secs(seconds)).map_err(|error| error.to_string())?
            }
        };
        if until <= now {
            return Err(format!("`until` is over: it is {now:.0} by the clock of this host"));
        }
        if until.duration_since(now).unsigned_abs() > PAUSE_MAX {
            let days = PAUSE_MAX.as_secs() / (24 * 3600);
            return Err(format!("`until` is more than {days} days ahead; give no end for so long"));
        }
        Ok(Some(until))
    }
}

/// A body that is checked beyond its form.
pub(super) trait Checked: DeserializeOwned {
    /// How it is written.
    const FORM: &str;

    fn check(&self) -> Result<(), String>;
}

impl Checked for Order {
    const FORM: &str =
        r#"write {"servers": ["BACKEND/SERVER"], "state": "maint", "for_seconds": 7200, "reason": "..."}"#;

    fn check(&self) -> Result<(), String> {
        self.flaw().map_or(Ok(()), |flaw| Err(flaw.to_owned()))
    }
}

impl Checked for PinOrder {
    const FORM: &str =
        r#"write {"server": "BACKEND/SERVER", "for_seconds": 7200, "reason": "..."} or {"unpin": "BACKEND"}"#;

    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

pub(super) async fn read<T: Checked>(body: Body) -> Result<T, String> {
    let form = T::FORM;
    let bytes =
        to_bytes(body, BODY_MAX).await.map_err(|error| format!("no such request: {error}; {form}"))?;
    let read: T =
        serde_json::from_slice(&bytes).map_err(|error| format!("no such request: {error}; {form}"))?;
    read.check().map(|()| read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_says_what_is_wrong_with_it() {
        let wrong = |text: &str| {
            let order: Order = serde_json::from_str(text).unwrap();
            let flaw = order.check().err();
            flaw.or_else(|| order.given().checked(now()).err())
        };
        let table = [
            (r#"{"state":"maint"}"#, "name at least one of `servers`"),
            (r#"{"state":"maint","all":true}"#, "`all` is for `auto` alone: name the `servers`"),
            (r#"{"state":"auto","all":true,"servers":["b/s"]}"#, "name `servers`, or `all`, and not both"),
            (r#"{"state":"maint","servers":["b/s"]}"#, "it needs a `reason`, for those who find it"),
            (
                r#"{"state":"maint","servers":["b/s"],"reason":" "}"#,
                "it needs a `reason`, for those who find it",
            ),
            (
                r#"{"state":"maint","servers":["b/s"],"reason":"x","for_seconds":0}"#,
                "for_seconds is out of range; from 1 to 2592000 is allowed, and none at all",
            ),
            (
                r#"{"state":"maint","servers":["b/s"],"reason":"x","until":"2026-11-23T15:59:59Z"}"#,
                "`until` is over: it is 2026-11-23T16:00:00Z by the clock of this host",
            ),
            (
                r#"{"state":"maint","servers":["b/s"],"reason":"x","until":"2027-11-23T15:59:59Z"}"#,
                "`until` is more than 30 days ahead; give no end for so long",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(wrong(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(wrong(r#"{"state":"ready","servers":["b/s"],"reason":"x"}"#), None);
        let unknown = serde_json::from_str::<Order>(r#"{"state":"pin","servers":["b/s"]}"#).unwrap_err();
        assert!(unknown.to_string().contains("unknown variant `pin`"), "{unknown}");
    }

    #[test]
    fn the_end_is_a_time_of_the_wall_clock() {
        let order: Order =
            serde_json::from_str(r#"{"state":"drain","servers":["b/s"],"reason":" x ","for_seconds":60}"#)
                .unwrap();
        let (reason, until) = order.given().checked(now()).unwrap();
        assert_eq!((reason.as_str(), until), ("x", "2026-11-23T16:01:00Z".parse().ok()));
    }

    fn now() -> Timestamp {
        "2026-11-23T16:00:00Z".parse().unwrap()
    }
}
