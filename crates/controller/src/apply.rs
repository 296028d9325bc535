//! Carrying out a plan. This is the only file that sends a command which changes HAProxy.

use std::collections::BTreeMap;

use failover::{Admin, Process, ServerId, Step};
use haproxy_runtime::{AdminState, Client, Command, Reply, ServerPath};

use crate::ledger::Ledger;
use crate::look::process_of;

/// What came of the steps.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// HAProxy's refusals, in its own words.
    pub(crate) refused: BTreeMap<ServerId, String>,
    /// Why the rest was not sent, or its outcome is unknown. The state has to be read again either way.
    pub(crate) broken_off: Option<String>,
}

/// Sends the steps, which the ledger has already, in order, as many to a connection as fit into a line. Each line begins with `show info`: where
/// another process answers than the one that the plan was made for, the rest of the plan is void.
pub(crate) async fn apply(
    client: &Client,
    process: &Process,
    steps: &[Step],
    ledger: &mut Ledger,
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
    let mut sent = sent.into_iter();
    for batch in haproxy_runtime::batches(&commands) {
        let steps: Vec<&Step> = sent.by_ref().take(batch.len()).collect();
        if let Err(why) =
            send(client, process, batch, &steps, |server| ledger.accepted(server), &mut applied).await
        {
            applied.broken_off = Some(why);
            break;
        }
    }
    for server in sent.map(|step| &step.server).chain(applied.refused.keys()) {
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
    let line: Vec<Command> = std::iter::once(Command::ShowInfo).chain(batch.iter().cloned()).collect();
    let replies = client.exchange(&line).await.map_err(|error| chain(&error))?;
    let mut replies = replies.into_iter();
    match replies.next() {
        Some(Ok(Reply::Info(info))) if process_of(&info) == *process && !info.stopping => {}
        _ => return Err("another HAProxy process answered".to_owned()),
    }
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

fn path(server: &ServerId) -> Result<ServerPath, String> {
    let backend = server.backend.as_str().parse().map_err(|error| format!("{error}"))?;
    let server = server.server.as_str().parse().map_err(|error| format!("{error}"))?;
    Ok(ServerPath::new(backend, server))
}

fn command(step: &Step) -> Result<Command, String> {
    let state = match step.set {
        Admin::Ready => AdminState::Ready,
        Admin::Drain => AdminState::Drain,
        Admin::Maint => AdminState::Maint,
    };
    Ok(Command::SetServerState { server: path(&step.server)?, state })
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
