//! Where a probe stands, and what is to be said of it there. Does nothing and judges nobody.

use std::net::SocketAddr;

use failover::{Cause, Ending, Failure, Stage, StageTime};
use tokio::time::Instant;

use crate::fault::Fault;
use crate::outcome::Outcome;
use crate::socks::Credentials;
use crate::target::{Protocol, Target};
use crate::text;

/// How the target is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way<'a> {
    /// Through a SOCKS5 server.
    Through { address: SocketAddr, credentials: Option<&'a Credentials> },
    /// As this host reaches it.
    Direct,
}

/// The stage that a probe is in, and since when. Outlives the future that does the work, so that a deadline knows the
/// stage it struck.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position<'a> {
    pub(crate) way: Way<'a>,
    pub(crate) target: &'a Target,
    pub(crate) stage: Stage,
    pub(crate) since: Instant,
}

/// What a stage that was not passed comes to.
#[derive(Debug)]
pub(crate) enum Miss {
    Failed(Failure),
    Void(String),
}

impl Position<'_> {
    /// The stage is passed: how long it took. The next one begins.
    pub(crate) fn pass(&mut self, next: Stage) -> StageTime {
        let now = Instant::now();
        let passed = StageTime { stage: self.stage, took: now.duration_since(self.since) };
        (self.stage, self.since) = (next, now);
        passed
    }

    /// The stage has no time left.
    pub(crate) fn timed_out(&self) -> Miss {
        let waited = text::wait(self.since.elapsed());
        let what = match self.stage {
            Stage::Tcp | Stage::Greeting | Stage::Tls => "no answer",
            Stage::Connect => "no reply",
            Stage::Http => "no complete response",
            Stage::Banner => "nothing came",
        };
        self.missed(Fault::Failed(Cause::Timeout, format!("{what} in {waited}")))
    }

    /// The stage ended with `fault`.
    pub(crate) fn missed(&self, fault: Fault) -> Miss {
        let text = |why: &str| text::clean(&format!("{}: {why}", self.place()));
        match fault {
            Fault::Void(why) => Miss::Void(text(&why)),
            Fault::Failed(cause, why) => Miss::Failed(Failure { stage: self.stage, cause, text: text(&why) }),
        }
    }

    /// The stage and whom it is about, in words.
    fn place(&self) -> String {
        let host = || text::host(&self.target.host().to_string());
        let port = self.target.port();
        match (self.stage, self.way) {
            (Stage::Tcp, Way::Through { address, .. }) => format!("tcp connect to {address}"),
            (Stage::Greeting, _) => "greeting".to_owned(),
            (Stage::Tcp, Way::Direct) | (Stage::Connect, _) => format!("connect to {}:{port}", host()),
            (Stage::Tls, _) => match self.target.protocol() {
                Protocol::Https { server_name, .. } => {
                    format!("tls with {}", text::host(&server_name.to_str()))
                }
                Protocol::Http { .. } | Protocol::Tcp => format!("tls with {}", host()),
            },
            (Stage::Http, _) => format!("http from {}:{port}", host()),
            (Stage::Banner, _) => format!("banner from {}:{port}", host()),
        }
    }
}

impl From<Miss> for Outcome {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Failed(failure) => Self::Failed(failure),
            Miss::Void(why) => Self::Void(why),
        }
    }
}

impl From<Miss> for Ending {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Failed(failure) => Self::Failed(failure),
            Miss::Void(why) => Self::Void(why),
        }
    }
}
