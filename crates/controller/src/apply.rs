//! Carrying out a plan. This is the only file that sends a command which changes HAProxy.

use std::collections::BTreeMap;
use std::time::Duration;

use failover::{Admin, Process, ServerId, Step};
use haproxy_runtime::{AdminState, Client, Command, CommandError, Reply, ServerPath};

use tokio::time::{Instant, sleep};

use crate::ledger::Ledger;
use crate::look::process_of;
use crate::pace::Pacer;

/// A plan that goes on for so long gives way to what is wanted by now: the servers are read and everything is planned
/// anew, which takes 20 ms with 10,000 servers, so it is not worth it sooner.
const GIVES_WAY_AFTER: Duration = Duration::from_millis(100);

/// What came of the steps.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// HAProxy's refusals, in its own words.
    pub(crate) refused: BTreeMap<ServerId, String>,
    /// Why the rest was not sent, or its outcome is unknown. The state has to be read again either way.
    pub(crate) broken_off: Option<String>,
}

/// Sends the steps, which the ledger has already, in order, as many to a connection as fit into a line and `pacer` lets
/// through. Each line begins with `show info`: where another process answers than the one that the plan was made for, the
/// rest of the plan is void. So is what is left when `gives_way` says so: it is asked after each line, and told
/// whether the plan has become a long one.
pub(crate) async fn apply(
    client: &Client,
    process: &Process,
    steps: &[Step],
    ledger: &mut Ledger,
    mut pacer: Pacer,
    gives_way: impl Fn(bool) -> bool,
) -> Applied {
    let mut applied = Applied::default();
    let mut commands = Vec::with_capacity(steps.len());
    let mut sent = Vec::with_capacity(steps.len());
    for step in steps {
        match command(step) {
            Ok(command) => {
                commands.push(command);
                sent.push(step);
            }
            Err(why) => {
                applied.refused.insert(step.server.clone(), why);
            }
        }
    }
    let (mut sent, mut rest) = (sent.as_slice(), commands.as_slice());
    let began = Instant::now();
    while let Some(fitting) = haproxy_runtime::batches(rest).next() {
        let length = pacer.next(fitting.len());
        let (batch, steps) = (&rest[..length], &sent[..length]);
        (rest, sent) = (&rest[length..], &sent[length..]);
        let asked = Instant::now();
        if let Err(why) =
            send(client, process, batch, steps, |server| ledger.accepted(server), &mut applied).await
        {
            applied.broken_off = Some(why);
            break;
        }
        if rest.is_empty() {
            break;
        }
        let pause = pacer.rest_after(length, asked.elapsed());
        if !pause.is_zero() {
            sleep(pause).await;
        }
        if gives_way(began.elapsed() >= GIVES_WAY_AFTER) {
            applied.broken_off = Some("something else is wanted by now".to_owned());
            break;
        }
    }
    for server in sent.iter().map(|step| &step.server).chain(applied.refused.keys()) {
        ledger.withdraw(server);
    }
    applied
}

/// Has HAProxy take those servers down at once that the steps put out, by the agent lever, without waiting until it asks.
/// Nothing is let up so: that would also erase what HAProxy's own health check has found (measured).
pub(crate) async fn take_down(client: &Client, process: &Process, steps: &[Step]) -> Applied {
    let mut applied = Applied::default();
    let downs = steps.iter().filter(|step| step.set != Admin::Ready);
    let (sent, commands): (Vec<&Step>, Vec<Command>) =
        downs.filter_map(|step| Some((step, Command::SetServerAgentDown(path(&step.server).ok()?)))).unzip();
    let mut sent = sent.into_iter();
    for batch in haproxy_runtime::batches(&commands) {
        let steps: Vec<&Step> = sent.by_ref().take(batch.len()).collect();
        if let Err(why) = send(client, process, batch, &steps, |_| {}, &mut applied).await {
            applied.broken_off = Some(why);
            break;
        }
    }
    applied
}

async fn send(
    client: &Client,
    process: &Process,
    batch: &[Command],
    steps: &[&Step],
    mut accepted: impl FnMut(&ServerId),
    applied: &mut Applied,
) -> Result<(), String> {
    let replies = exchange(client, process, batch).await?;
    for (step, reply) in steps.iter().zip(replies) {
        match reply {
            Ok(_) => accepted(&step.server),
            // `Proxy is disabled.` too: that this process is not on its way out was just read.
            Err(refusal) => {
                applied.refused.insert(step.server.clone(), refusal.to_string());
            }
        }
    }
    Ok(())
}

/// The replies to a batch, all by this process.
async fn exchange(
    client: &Client,
    process: &Process,
    batch: &[Command],
) -> Result<Vec<Result<Reply, CommandError>>, String> {
    let line: Vec<Command> = std::iter::once(Command::ShowInfo).chain(batch.iter().cloned()).collect();
    let mut replies = client.exchange(&line).await.map_err(|error| chain(&error))?.into_iter();
    match replies.next() {
        Some(Ok(Reply::Info(info))) if process_of(&info) == *process && !info.stopping => {
            Ok(replies.collect())
        }
        _ => Err("another HAProxy process answered".to_owned()),
    }
}

/// Cuts all sessions on these servers, as `apply` sends its steps; for each that HAProxy answered about, its refusal where
/// it refused. The others may or may not have been cut.
pub(crate) async fn cut(
    client: &Client,
    process: &Process,
    servers: &[ServerId],
) -> Vec<(ServerId, Result<(), String>)> {
    let mut answered = Vec::with_capacity(servers.len());
    let mut commands = Vec::with_capacity(servers.len());
    let mut sent = Vec::with_capacity(servers.len());
    for server in servers {
        match path(server) {
            Ok(path) => {
                commands.push(Command::ShutdownSessionsServer(path));
                sent.push(server);
            }
            Err(why) => answered.push((server.clone(), Err(why))),
        }
    }
    let mut sent = sent.into_iter();
    for batch in haproxy_runtime::batches(&commands) {
        let servers = sent.by_ref().take(batch.len());
        match exchange(client, process, batch).await {
            Ok(replies) => {
                let replies =
                    replies.into_iter().map(|reply| reply.map(drop).map_err(|error| error.to_string()));
                answered.extend(servers.cloned().zip(replies));
            }
            Err(why) => {
                tracing::debug!(why, "sessions not cut");
                break;
            }
        }
    }
    answered
}

/// The command as HAProxy would read it.
pub(crate) fn text(step: &Step) -> Option<String> {
    command(step).ok().map(|command| command.to_string())
}

fn command(step: &Step) -> Result<Command, String> {
    let state = match step.set {
        Admin::Ready => AdminState::Ready,
        Admin::Drain => AdminState::Drain,
        Admin::Maint => AdminState::Maint,
    };
    Ok(Command::SetServerState { server: path(&step.server)?, state })
}

fn path(server: &ServerId) -> Result<ServerPath, String> {
    let backend = server.backend.as_str().parse().map_err(|error| format!("{error}"))?;
    let server = server.server.as_str().parse().map_err(|error| format!("{error}"))?;
    Ok(ServerPath::new(backend, server))
}

/// An error with all its sources.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
