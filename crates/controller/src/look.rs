//! Reading HAProxy: which process answers, and how the configured backends are. Every connection is a fresh one, so
//! none is ever left attached to an old worker.

use std::collections::{BTreeMap, BTreeSet};

use failover::{Name, Process};
use haproxy_runtime::{
    BackendName, Client, Command, CommandError, ExchangeError, Info, Level, Reply, ServerName, ServerState,
    StatRow,
};
use thiserror::Error;

use crate::Managed;
use crate::apply::chain;
use crate::observe::Facts;

/// Backends that are listed where a configured one is not among them; a longer list helps nobody.
const LISTED_MAX: usize = 12;

/// Why HAProxy could not be read.
#[derive(Debug, Error)]
pub(crate) enum LookError {
    /// The exchange itself did not work.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A worker that is on its way out: whatever is written to it is lost.
    #[error("only a worker that is stopping answers (pid {pid}); HAProxy is being reloaded or stopped")]
    Stopping { pid: u32 },
    /// Another process answered than the one whose rows these should be.
    #[error("another HAProxy process took over meanwhile")]
    Replaced,
    /// A reply that is an error, or one to another command.
    #[error("`{command}` was answered with an error")]
    Command {
        command: String,
        #[source]
        source: CommandError,
    },
    /// The reply does not belong to the command.
    #[error("`{0}` was answered with something else")]
    Mismatch(String),
}

impl LookError {
    /// HAProxy was reached, so that it may be the question that it does not answer.
    const fn may_be_by_what_was_asked(&self) -> bool {
        match self {
            Self::Exchange(error) => error.outcome_unknown(),
            Self::Stopping { .. } | Self::Replaced | Self::Command { .. } | Self::Mismatch(_) => true,
        }
    }
}

/// What one look showed.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    /// For how many seconds the process has run.
    pub(crate) uptime: u64,
    pub(crate) backends: BTreeMap<BackendName, Vec<ServerState>>,
    pub(crate) unknown: Vec<BackendName>,
    /// Rows that cannot be read, and why: those servers are left alone.
    pub(crate) unreadable: Vec<String>,
    /// The servers' rows of `show stat`, as far as they were asked for and could be read.
    pub(crate) sessions: BTreeMap<BackendName, Vec<StatRow>>,
}

/// The process that answers.
pub(crate) async fn process(client: &Client) -> Result<Process, LookError> {
    let mut replies = Replies::of(client, vec![Command::ShowInfo]).await?;
    replies.process()
}

/// The servers of all `backends`, all read from the process that is returned with them; the sessions on those of
/// `sessions_of`, each with its id, where that goes well.
pub(crate) async fn servers(
    client: &Client,
    backends: &[Managed],
    sessions_of: &[(BackendName, u32)],
) -> Result<(Process, Sight), LookError> {
    let shows = backends.iter().map(|backend| Command::ShowServersState(Some(backend.name.clone())));
    let shows: Vec<Command> = std::iter::once(Command::ShowInfo).chain(shows).collect();
    let counts = sessions_of.iter().map(|(_, id)| Command::ShowStatServers { proxy_id: *id });
    let mut replies = match Replies::of(client, shows.iter().cloned().chain(counts).collect()).await {
        Err(error) if !sessions_of.is_empty() && error.may_be_by_what_was_asked() => {
            tracing::debug!(error = chain(&error), "sessions not counted");
            Replies::of(client, shows).await?
        }
        replies => replies?,
    };
    let (process, uptime) = replies.process_and_uptime()?;
    let mut sight = Sight { uptime, ..Sight::default() };
    for backend in backends {
        match replies.next()? {
            (_, Ok(Reply::ServersState(table))) => {
                sight.unreadable.extend(table.rejected.iter().map(|row| chain(row)));
                sight.backends.insert(backend.name.clone(), table.rows);
            }
            (_, Err(CommandError::NoSuchBackend(_))) => sight.unknown.push(backend.name.clone()),
            (command, Err(source)) => return Err(LookError::Command { command, source }),
            (command, Ok(_)) => return Err(LookError::Mismatch(command)),
        }
    }
    for (name, _) in sessions_of {
        // Refused, unreadable or not asked for again: the servers are known all the same.
        if let Ok((_, Ok(Reply::Stat(table)))) = replies.next() {
            sight.sessions.insert(name.clone(), table.rows);
        }
    }
    Ok((process, sight))
}

/// What changes only with the process: the socket's level, backup flags and balance algorithms. The sessions come with
/// them.
pub(crate) async fn facts(
    client: &Client,
    process: &Process,
    sight: &Sight,
) -> Result<(Level, BTreeMap<BackendName, Facts>), LookError> {
    let with_id: Vec<(&BackendName, u32)> =
        sight.backends.iter().filter_map(|(name, rows)| rows.first().map(|row| (name, row.be_id))).collect();
    let stats = with_id.iter().map(|(_, id)| Command::ShowStatProxy { proxy_id: *id });
    let commands = [Command::ShowInfo, Command::ShowCliLevel].into_iter().chain(stats).collect();
    let mut replies = Replies::of(client, commands).await?;
    if replies.process()? != *process {
        return Err(LookError::Replaced);
    }
    let level = match replies.next()? {
        (_, Ok(Reply::Level(level))) => level,
        (command, Err(source)) => return Err(LookError::Command { command, source }),
        (command, Ok(_)) => return Err(LookError::Mismatch(command)),
    };
    let mut facts = BTreeMap::new();
    for (name, id) in with_id {
        match replies.next()? {
            (_, Ok(Reply::Stat(rows))) => {
                facts.insert(name.clone(), Facts::from_stat(id, &rows.rows));
            }
            (command, Err(source)) => return Err(LookError::Command { command, source }),
            (command, Ok(_)) => return Err(LookError::Mismatch(command)),
        }
    }
    Ok((level, facts))
}

/// What is configured and HAProxy does not have, in words.
pub(crate) async fn missing(client: &Client, managed: &[Managed], sight: &Sight) -> Vec<String> {
    let mut missing: Vec<String> = sight.unreadable.clone();
    if !sight.unknown.is_empty() {
        let there = backends(client).await;
        for name in &sight.unknown {
            missing
                .push(format!("HAProxy has no backend {name}{there}; correct its name in the configuration"));
        }
    }
    for (name, rows) in &sight.backends {
        if rows.is_empty() {
            missing.push(format!("HAProxy's backend {name} has no servers, so there is nothing to steer"));
        }
    }
    for backend in managed {
        let (Some(only), Some(rows)) = (&backend.servers, sight.backends.get(&backend.name)) else {
            continue;
        };
        let there: BTreeSet<&ServerName> = rows.iter().map(|row| &row.srv_name).collect();
        let listed = listed(there.iter().map(ToString::to_string).collect());
        missing.extend(only.iter().filter(|server| !there.contains(server)).map(|server| {
            let backend = &backend.name;
            format!("HAProxy has no server {backend}/{server}{listed}; correct its name in the configuration")
        }));
    }
    missing
}

async fn backends(client: &Client) -> String {
    match client.exchange(&[Command::ShowBackend]).await.as_deref() {
        Ok([Ok(Reply::Backends(names))]) => listed(names.iter().map(ToString::to_string).collect()),
        // The list only helps to find the right name; without it the message still stands.
        Ok(_) | Err(_) => String::new(),
    }
}

fn listed(mut names: Vec<String>) -> String {
    if names.is_empty() {
        return String::new();
    }
    let more = names.len().saturating_sub(LISTED_MAX);
    names.truncate(LISTED_MAX);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(" (it has {}{rest})", names.join(", "))
}

/// Replies beside the commands that they belong to.
struct Replies {
    pairs: std::vec::IntoIter<(Command, Result<Reply, CommandError>)>,
}

impl Replies {
    /// One connection for as many commands as fit into a line. Where they do not fit, every line begins with
    /// `show info`, so that all are known to come from one process.
    async fn of(client: &Client, commands: Vec<Command>) -> Result<Self, LookError> {
        let mut pairs = Vec::with_capacity(commands.len());
        let mut first: Option<Info> = None;
        for batch in haproxy_runtime::batches(&commands) {
            let again = first.is_some().then_some(Command::ShowInfo);
            let line: Vec<Command> = again.into_iter().chain(batch.iter().cloned()).collect();
            let mut replies = client.exchange(&line).await?;
            if let Some(first) = &first {
                match replies.remove(0) {
                    Ok(Reply::Info(info)) if process_of(&info) == process_of(first) => {}
                    Ok(_) => return Err(LookError::Replaced),
                    Err(source) => {
                        return Err(LookError::Command { command: "show info".to_owned(), source });
                    }
                }
            } else if let Some(Ok(Reply::Info(info))) = replies.first() {
                first = Some(info.clone());
            }
            pairs.extend(batch.iter().cloned().zip(replies));
        }
        Ok(Self { pairs: pairs.into_iter() })
    }

    fn next(&mut self) -> Result<(String, Result<Reply, CommandError>), LookError> {
        self.pairs
            .next()
            .map(|(command, reply)| (command.to_string(), reply))
            .ok_or_else(|| LookError::Mismatch("the whole line".to_owned()))
    }

    fn process(&mut self) -> Result<Process, LookError> {
        self.process_and_uptime().map(|(process, _)| process)
    }

    fn process_and_uptime(&mut self) -> Result<(Process, u64), LookError> {
        match self.next()? {
            (_, Ok(Reply::Info(info))) if info.stopping => Err(LookError::Stopping { pid: info.pid }),
            (_, Ok(Reply::Info(info))) => Ok((process_of(&info), info.uptime_sec)),
            (command, Err(source)) => Err(LookError::Command { command, source }),
            (command, Ok(_)) => Err(LookError::Mismatch(command)),
        }
    }
}

pub(crate) fn process_of(info: &Info) -> Process {
    Process {
        pid: info.pid,
        start_time: info.start_time_sec.unwrap_or_default(),
        version: info.version.clone(),
    }
}

/// Names that the core holds came from parsed ones; the wire's type is had back by parsing them again.
pub(crate) fn core_name(name: &BackendName) -> Name {
    Name::from(name.as_str())
}
