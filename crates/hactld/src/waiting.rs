//! Claiming what instances need for themselves on this host, and those that could not have it yet. Nothing is started here.

use std::path::Path;
use std::time::Duration;

use failover::status::{Context, Status};
use failover::{Core, Observed, Time};
use haproxy_runtime::Address;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::VERSION;
use crate::config::{Instance, Probe};
use crate::engine::rfc3339;
use crate::instance::Claims;

/// To find out that nobody else steers a new HAProxy: a question to the kernel, and to who has it, in half a second each,
/// behind one to a name server, which has two.
const CLAIM_LIMIT: Duration = Duration::from_secs(4);

/// What came of claiming what the instance of a HAProxy needs, or why it cannot have it.
pub(crate) struct Claimed {
    pub(crate) haproxy: Address,
    pub(crate) claims: Result<Claims, String>,
}

/// Claims it for all of them at once; who looks for the holder is pointed to `admin_socket`.
pub(crate) async fn claim(instances: Vec<Instance>, admin_socket: &Path) -> Vec<Claimed> {
    let mut claiming = JoinSet::new();
    for instance in instances {
        let socket = admin_socket.to_owned();
        claiming.spawn(async move {
            let claims = match timeout(CLAIM_LIMIT, Claims::take(&instance, &socket)).await {
                Ok(claims) => claims.map_err(|error| chain(&error)),
                Err(_) => Err("it took too long to find out whether another hactl steers it".to_owned()),
            };
            Claimed { haproxy: instance.haproxy, claims }
        });
    }
    let mut claimed = Vec::new();
    while let Some(one) = claiming.join_next().await {
        claimed.extend(one.ok());
    }
    claimed
}

/// An instance that is configured and could not be started.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) instance: Instance,
    /// What is to be seen of it meanwhile.
    pub(crate) status: Status,
}

impl Waiting {
    pub(crate) fn new(instance: &Instance, probe: &Probe, why: &str) -> Self {
        let now = jiff::Timestamp::now();
        let system = rustix::system::uname();
        let context = Context {
            version: VERSION,
            node: &system.nodename().to_string_lossy(),
            instance: instance.name.as_str(),
            socket: &instance.haproxy.to_string(),
            now: Time::from_origin(Duration::ZERO),
            unix_now: 0,
            unkept: None,
            unwritten: None,
            wall: &|_| rfc3339(now, Duration::ZERO),
        };
        let status = Core::new(instance.settings(probe)).status(&Observed::nothing(), &context);
        let problem = format!("could not be started and steers nothing: {why}; it is tried again by itself");
        Self { instance: instance.clone(), status: status.not_started(problem) }
    }
}

/// An error with all its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
