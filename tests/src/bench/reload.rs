//! How long what was set is missing after HAProxy forgot it, and how many requests go wrong meanwhile: by each way of
//! reloading, and with each of the things that hactl can be given for it.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::haproxy::{BACKEND, Builder, ask};
use e2e::traffic::Sample;
use e2e::{Daemon, Fault, Haproxy, Lab, Layout, Mode};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::figure::{Figure, Measured, Quantile, Unit};
use crate::program::Program;

/// As many as the requirement names.
const RELOADS: u32 = 50;

/// A start takes longer, and shows less.
const STARTS: u32 = 10;

/// Milliseconds from the new HAProxy's first answer, as the requirement has it.
const MOST: f64 = 100.0;

/// Milliseconds: HAProxy had nothing to forget, so its first answer is the right one.
const AT_ONCE: f64 = 1.0;

/// Between two questions to HAProxy; one takes 0.1 ms of its time.
const POLL: Duration = Duration::from_millis(1);

/// Longer than this and it does not work at all.
const LIMIT: Duration = Duration::from_secs(20);

/// A second SIGUSR2 within about a second of the first is dropped (measured), and for a second after a reload hactl looks
/// more closely than it usually does.
const BETWEEN: Duration = Duration::from_millis(1300);

const CLIENTS: usize = 4;

/// `srv_admin_state`: maint by command.
const MAINT: u32 = 1;

/// How a client words the reply code 1, which only wg1 gives.
const REJECTED: &str = "General SOCKS server failure";

const APPLIED: &str = "wg1 rejects every request. From the first answer of the new HAProxy process to its showing wg1 \
    in maint, seen by asking each millisecond; 4 clients keep asking, one keeps its session. `poll` is hactl without help: it notices the new \
    process by asking every 50 ms, or by the new socket (-sf, start). Beside it: from the command (kill and start, -sf, \
    SIGUSR2 to the master, mw, without and with expose-fd) to that first answer; beside the others: `poll`.";

const WRONG: &str = "Requests that HAProxy sent to wg1 in all those reloads.";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    KillAndStart,
    TakeOver,
    Master,
    MasterWithFds,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::KillAndStart => "start",
            Self::TakeOver => "-sf",
            Self::Master => "mw",
            Self::MasterWithFds => "mw+fd",
        }
    }

    const fn has_master(self) -> bool {
        matches!(self, Self::Master | Self::MasterWithFds)
    }

    fn adapt(self, haproxy: Builder) -> Builder {
        let haproxy = haproxy.hard_stop_after("2s");
        match self {
            Self::KillAndStart | Self::TakeOver => haproxy,
            Self::Master => haproxy.mode(Mode::MasterWorker),
            Self::MasterWithFds => haproxy.mode(Mode::MasterWorker).expose_fd(),
        }
    }

    async fn carry_out(self, haproxy: &mut Haproxy) {
        match self {
            Self::KillAndStart => {
                haproxy.kill();
                haproxy.restart().await;
            }
            Self::TakeOver => haproxy.reload_sf().await,
            Self::Master | Self::MasterWithFds => haproxy.reload_master().await,
        }
    }
}

/// What hactl is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aid {
    Poll,
    MasterSocket,
    StateFile,
}

impl Aid {
    const fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::MasterSocket => "master socket",
            Self::StateFile => "state file",
        }
    }

    /// Its line for `[[instance]]`.
    fn line(self, haproxy: &Haproxy) -> String {
        match self {
            Self::Poll => String::new(),
            Self::MasterSocket => format!("master = \"{}\"\n", haproxy.master_socket().display()),
            Self::StateFile => format!("server_state_file = \"{}\"\n", haproxy.state_file().display()),
        }
    }
}

/// What was seen with one aid.
struct Seen {
    answered: Vec<Duration>,
    applied: Vec<Duration>,
    wrong: usize,
}

pub(crate) async fn measure(program: &Program) -> Vec<Figure> {
    let mut figures = Vec::new();
    for kind in [Kind::KillAndStart, Kind::TakeOver, Kind::Master, Kind::MasterWithFds] {
        figures.extend(measure_kind(program, kind).await);
    }
    figures
}

async fn measure_kind(program: &Program, kind: Kind) -> Vec<Figure> {
    let applied = |aid: Aid, seen: &Seen| {
        Measured::trials(format!("{}: applied, {}", kind.name(), aid.name()), &seen.applied)
    };
    let wrong = |aid: Aid, seen: &Seen| {
        let name = format!("{}: wrong, {}", kind.name(), aid.name());
        Measured::single(name, Unit::Count, f64::from(u32::try_from(seen.wrong).unwrap_or(u32::MAX)))
    };
    let poll = seen(program, kind, Aid::Poll).await;
    let mut figures = vec![
        Figure::new(applied(Aid::Poll, &poll), APPLIED)
            .beside(Measured::trials("the new HAProxy answers", &poll.answered))
            .at_most(MOST, Quantile::Max),
        Figure::new(wrong(Aid::Poll, &poll), WRONG),
    ];
    if kind.has_master() {
        let master = seen(program, kind, Aid::MasterSocket).await;
        figures.push(
            Figure::new(applied(Aid::MasterSocket, &master), APPLIED)
                .beside(applied(Aid::Poll, &poll))
                .at_most(MOST, Quantile::Max),
        );
        figures.push(Figure::new(wrong(Aid::MasterSocket, &master), WRONG).beside(wrong(Aid::Poll, &poll)));
    }
    let file = seen(program, kind, Aid::StateFile).await;
    figures.push(
        Figure::new(applied(Aid::StateFile, &file), APPLIED)
            .beside(applied(Aid::Poll, &poll))
            .at_most(AT_ONCE, Quantile::Max),
    );
    figures.push(
        Figure::new(wrong(Aid::StateFile, &file), WRONG)
            .beside(wrong(Aid::Poll, &poll))
            .at_most(0.0, Quantile::Max),
    );
    figures
}

async fn seen(program: &Program, kind: Kind, aid: Aid) -> Seen {
    let adapt = |haproxy: Builder| {
        let haproxy = kind.adapt(haproxy);
        if aid == Aid::StateFile { haproxy.state_file() } else { haproxy }
    };
    let mut lab = Lab::start_with(Layout::AllBackup, adapt).await;
    lab.wg1.set(Fault::Reject(1)).await;
    let line = aid.line(&lab.haproxy);
    let config = lab.config().replace("\n[[instance.backend]]", &format!("{line}\n[[instance.backend]]"));
    let config = lab.write_config(&config);
    let mut daemon: Daemon = program.run(&config);
    let socket = lab.haproxy.admin_socket();
    until_maint(&socket, None).await;
    let traffic = lab.traffic(CLIENTS);
    let (mut answered, mut applied) = (Vec::new(), Vec::new());
    for _ in 0..if kind == Kind::KillAndStart { STARTS } else { RELOADS } {
        let old = lab.haproxy.worker_pid().await;
        // As with real tunnels: the old worker stays for its sessions, so that its end tells nothing.
        let session = TcpStream::connect(lab.haproxy.frontend()).await;
        let start = Instant::now();
        let ((first, done), ()) =
            tokio::join!(until_maint(&socket, Some(old)), kind.carry_out(&mut lab.haproxy));
        answered.push(first.duration_since(start));
        applied.push(done.duration_since(first));
        sleep(BETWEEN).await;
        drop(session);
    }
    let wrong = traffic.stop().await.iter().filter(|sample| is_wrong(sample)).count();
    daemon.terminate().await;
    Seen { answered, applied, wrong }
}

fn is_wrong(sample: &Sample) -> bool {
    sample.result.as_ref().map_or_else(|error| error.contains(REJECTED), |exit| exit != "wg2")
}

/// When a process other than `old` first answered, and when it first showed wg1 in maint.
async fn until_maint(socket: &Path, old: Option<u32>) -> (Instant, Instant) {
    let start = Instant::now();
    let mut first = None;
    loop {
        assert!(start.elapsed() < LIMIT, "nothing was applied within {LIMIT:?}");
        if let Some(maint) = ask_new(socket, old).await {
            let now = Instant::now();
            let first = *first.get_or_insert(now);
            if maint {
                return (first, now);
            }
        }
        sleep(POLL).await;
    }
}

/// Whether wg1 is in maint; `None` where no process other than `old` answers.
async fn ask_new(socket: &Path, old: Option<u32>) -> Option<bool> {
    let reply = ask(socket, &format!("show info;show servers state {BACKEND}")).await.ok()?;
    let pid: u32 = reply.lines().find_map(|line| line.strip_prefix("Pid: "))?.parse().ok()?;
    if Some(pid) == old {
        return None;
    }
    let wg1 = reply.lines().find(|line| line.split(' ').nth(3) == Some("wg1"))?;
    let admin: u32 = wg1.split(' ').nth(6)?.parse().ok()?;
    Some(admin & MAINT != 0)
}
