//! `[[hook]]`, `on_offline` of a backend and `[events]`: what is run when something happens, and where that is written. Runs
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use haproxy_runtime::ServerName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::State;
use super::duration;
use super::raw::RawBackend;
use super::resolve::Resolver;
use crate::journal::{EventsFile, HOOK, check_kind};

/// One for each kind of event; whoever needs more has one program for several of them.
const HOOKS_MAX: usize = 64;

/// Words of a command line.
const ARGUMENTS_MAX: usize = 64;

/// Bytes of a word of a command line: far less than the system takes.
const ARGUMENT_MAX: usize = 4096;

/// Between two runs of a hook about the same thing: whoever is told of a trouble need not be told of each of its turns.
pub(super) const COOLDOWN: Duration = Duration::from_secs(60);

/// For a hook to end: it tells somebody something.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server has to be out of order before it is restarted. The users' script looked every ten seconds, and acted on
/// the third failure.
pub(super) const RESTART_AFTER: Duration = Duration::from_secs(30);

/// Between two restarts of a server, as in the users' script.
pub(super) const RESTART_COOLDOWN: Duration = Duration::from_secs(120);

/// Restarts of a server in an hour: what so many did not help, another one will not.
pub(super) const PER_HOUR: u32 = 5;

/// More than one a minute is no remedy.
const PER_HOUR_MAX: u32 = 60;

/// For a restart to be done; service managers wait for up to 90 s.
pub(super) const RESTART_TIMEOUT: Duration = Duration::from_secs(100);

/// Megabytes of the file of events before another one is begun: weeks of most set-ups.
pub(super) const SIZE_MB: u64 = 8;

/// A larger one is opened by no editor.
const SIZE_MB_MAX: u64 = 1024;

/// Older files that are kept.
pub(super) const KEEP: u32 = 3;

/// With more of them a directory cannot be read any more.
const KEEP_MAX: u32 = 99;

/// Where events are written, unless said otherwise: in the state directory.
const FILE: &str = "events.jsonl";

/// What is written in place of a file's name by who wants none.
const OFF: &str = "off";

/// What is run when something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The kinds of events.
    pub on: BTreeSet<String>,
    /// What is run.
    pub command: Command,
    /// Between two runs about the same backend and server.
    pub cooldown: Duration,
}

/// What is run, without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program's absolute path.
    pub program: PathBuf,
    /// What it is given.
    pub arguments: Vec<String>,
    /// It is ended after this.
    pub timeout: Duration,
}

/// What restarts a server that carries no traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// What is run.
    pub command: Command,
    /// How long the server has to be degraded or offline.
    pub after: Duration,
    /// Between two runs.
    pub cooldown: Duration,
    /// Runs in an hour.
    pub per_hour: u32,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawEvents {
    /// Where events are written, a line of JSON each; `"off"`: nowhere. By default events.jsonl in the state directory.
    /// Another one needs a restart.
    #[schemars(extend("format" = "path", "examples" = ["/var/log/hactl/events.jsonl"]))]
    file: Option<PathBuf>,
    /// Megabytes of it before another one is begun.
    #[schemars(range(min = 1, max = SIZE_MB_MAX))]
    size_mb: Option<u64>,
    /// How many older files are kept.
    #[schemars(range(min = 0, max = KEEP_MAX))]
    keep: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawHook {
    /// A kind of event, or a list of them, as `hactl events` shows them; docs/operations.md says of each what it means.
    #[schemars(schema_with = "kinds", extend("examples" = [["blackout", "haproxy_away"]]))]
    on: RawKinds,
    /// The program by its absolute path, and what it is given; no shell. The event is in its environment (`HACTL_EVENT`,
    /// `HACTL_BACKEND`, `HACTL_SERVER`, `HACTL_TEXT` ...), and as JSON on its standard input.
    #[schemars(with = "Vec<String>", extend("examples" = [["/usr/local/bin/tell-me", "--urgent"]]))]
    run: RawRun,
    /// The time between two runs about the same backend and server.
    #[serde(default, deserialize_with = "duration::cooldown")]
    #[schemars(with = "Option<String>", extend("x-duration" = duration::COOLDOWN.range()))]
    cooldown: Option<Duration>,
    /// Its process group is ended after this.
    #[serde(default, deserialize_with = "duration::run_timeout")]
    #[schemars(with = "Option<String>", extend("x-duration" = duration::RUN.range()))]
    timeout: Option<Duration>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawRestart {
    /// The program by its absolute path, and what it is given.
    #[schemars(with = "Vec<String>")]
    run: RawRun,
    /// How long the server has to be degraded or offline before it is run.
    #[serde(default, deserialize_with = "duration::after")]
    #[schemars(with = "Option<String>", extend("x-duration" = duration::AFTER.range()))]
    after: Option<Duration>,
    /// The time between two runs.
    #[serde(default, deserialize_with = "duration::cooldown")]
    #[schemars(with = "Option<String>", extend("x-duration" = duration::COOLDOWN.range()))]
    cooldown: Option<Duration>,
    /// How many runs there are in an hour at most.
    #[schemars(range(min = 1, max = PER_HOUR_MAX))]
    per_hour: Option<u32>,
    /// Its process group is ended after this.
    #[serde(default, deserialize_with = "duration::run_timeout")]
    #[schemars(with = "Option<String>", extend("x-duration" = duration::RUN.range()))]
    timeout: Option<Duration>,
}

fn kinds(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
}

/// A kind of event, or a list of them.
#[derive(Debug)]
struct RawKinds(BTreeSet<String>);

impl<'de> Deserialize<'de> for RawKinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Kinds).map(Self)
    }
}

struct Kinds;

impl<'de> Visitor<'de> for Kinds {
    type Value = BTreeSet<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a kind of event such as \"blackout\", or a list of them")
    }

    fn visit_str<E: Error>(self, kind: &str) -> Result<Self::Value, E> {
        if kind == HOOK {
            return Err(E::custom("a hook that is run when a hook has ended would never end"));
        }
        check_kind(kind).map_err(E::custom)?;
        Ok(BTreeSet::from([kind.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut kinds = BTreeSet::new();
        while let Some(kind) = list.next_element::<String>()? {
            kinds.extend(Self.visit_str::<A::Error>(&kind)?);
        }
        if kinds.is_empty() { Err(A::Error::custom("no kind of event to run it for")) } else { Ok(kinds) }
    }
}

/// A program and what it is given.
#[derive(Debug)]
struct RawRun(Vec<String>);

impl<'de> Deserialize<'de> for RawRun {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Run).map(Self)
    }
}

struct Run;

impl<'de> Visitor<'de> for Run {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list such as [\"/usr/bin/systemctl\", \"restart\", \"wireproxy\"]")
    }

    fn visit_str<E: Error>(self, line: &str) -> Result<Self::Value, E> {
        let words: Vec<String> = line.split_whitespace().map(|word| format!("{word:?}")).collect();
        Err(E::custom(format!("no shell takes a line apart: write [{}]", words.join(", "))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut words: Vec<String> = Vec::new();
        while let Some(word) = list.next_element::<String>()? {
            if word.len() > ARGUMENT_MAX || word.contains('\0') || words.len() == ARGUMENTS_MAX {
                let what =
                    format!("at most {ARGUMENTS_MAX} words of {ARGUMENT_MAX} bytes without NUL can be run");
                return Err(A::Error::custom(what));
            }
            words.push(word);
        }
        match words.first() {
            None => Err(A::Error::custom("nothing to run")),
            Some(program) if program.starts_with('/') => Ok(words),
            Some(program) => {
                let what = format!("`{program}` is no absolute path; nothing is searched for in PATH");
                Err(A::Error::custom(what))
            }
        }
    }
}

fn command(RawRun(words): RawRun, timeout: Option<Duration>, otherwise: Duration) -> Command {
    let mut words = words.into_iter();
    Command {
        program: words.next().unwrap_or_default().into(),
        arguments: words.collect(),
        timeout: timeout.unwrap_or(otherwise),
    }
}

impl Resolver<'_> {
    pub(super) fn hooks(&mut self, raw: Vec<RawHook>) -> Vec<Hook> {
        if raw.len() > HOOKS_MAX {
            let what = format!("{} hooks; at most {HOOKS_MAX} are looked at", raw.len());
            let next = "name several kinds of events in the `on` of one";
            self.report(&what, next, &["hook", &HOOKS_MAX.to_string()]);
        }
        let resolved = raw.into_iter().map(|raw| Hook {
            on: raw.on.0,
            command: command(raw.run, raw.timeout, TIMEOUT),
            cooldown: raw.cooldown.unwrap_or(COOLDOWN),
        });
        resolved.collect()
    }

    pub(super) fn events(&mut self, raw: RawEvents, state: &State) -> Option<EventsFile> {
        let path = raw.file.unwrap_or_else(|| state.dir.join(FILE));
        if path.as_os_str() == OFF {
            return None;
        }
        if path.file_name().is_none() {
            let next = format!("name a file such as \"/var/lib/hactl/{FILE}\", or say \"{OFF}\"");
            self.report(&format!("`{}` is no file", path.display()), &next, &["events", "file"]);
        }
        let (size, keep) = (raw.size_mb.unwrap_or(SIZE_MB), raw.keep.unwrap_or(KEEP));
        if !(1..=SIZE_MB_MAX).contains(&size) {
            let next = format!("write a number from 1 to {SIZE_MB_MAX}");
            self.report(&format!("{size} megabytes cannot be kept"), &next, &["events", "size_mb"]);
        }
        if keep > KEEP_MAX {
            let next = format!("write a number from 0 to {KEEP_MAX}");
            self.report(&format!("{keep} files cannot be kept"), &next, &["events", "keep"]);
        }
        Some(EventsFile { path, size: size.saturating_mul(1_000_000), keep })
    }

    /// `at` is where the backend stands. Servers outside its list are not looked after.
    pub(super) fn on_offline(
        &mut self,
        backend: &mut RawBackend,
        at: &[&str],
    ) -> BTreeMap<ServerName, Restart> {
        let mut restarts = BTreeMap::new();
        for (server, raw) in std::mem::take(&mut backend.on_offline) {
            let path: Vec<&str> = at.iter().copied().chain(["on_offline", server.as_str()]).collect();
            let name = match server.parse::<ServerName>() {
                Ok(name) => name,
                Err(error) => {
                    self.report(&error.to_string(), "write a server's name as HAProxy has it", &path);
                    continue;
                }
            };
            let steered = |names: &Vec<super::raw::Parsed<ServerName>>| names.iter().any(|one| one.0 == name);
            if !backend.servers.as_ref().is_none_or(steered) {
                let what = format!("`on_offline` names {name}, which `servers` leaves out");
                self.report(&what, "add it to `servers`, or remove it here", &path);
            }
            let per_hour = raw.per_hour.unwrap_or(PER_HOUR);
            if !(1..=PER_HOUR_MAX).contains(&per_hour) {
                let next = format!("write a number from 1 to {PER_HOUR_MAX}");
                let path: Vec<&str> = path.iter().copied().chain(["per_hour"]).collect();
                self.report(&format!("{per_hour} restarts in an hour"), &next, &path);
            }
            let restart = Restart {
                command: command(raw.run, raw.timeout, RESTART_TIMEOUT),
                after: raw.after.unwrap_or(RESTART_AFTER),
                cooldown: raw.cooldown.unwrap_or(RESTART_COOLDOWN),
                per_hour,
            };
            restarts.insert(name, restart);
        }
        restarts
    }
}
