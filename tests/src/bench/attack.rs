//! How soon an honest client of hactl's own socket is served while thousands mean it no good, and what they cost.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use e2e::attack::Attack;
use e2e::{Lab, Layout};
use tokio::time::sleep;

use crate::figure::{Figure, Measured, Quantile, Unit};
use crate::program::Program;

/// Statuses that are asked for, with the attack and without it.
const ASKED: usize = 300;

/// Between two of them: an honest client is not in a hurry.
const BETWEEN: Duration = Duration::from_millis(20);

/// Until the attack has all its connections.
const GETTING_GOING: Duration = Duration::from_secs(3);

/// Milliseconds of an answer, and megabytes that all of it may cost.
const ANSWER_MOST: f64 = 50.0;
const MEMORY_MOST: f64 = 24.0;

const ANSWER_HOW: &str = "From the start of `hactl status -o json` to its end, three servers, while other clients of hactl's socket \
    hold 5,000 connections open, 200 follow streams and do not read, lines and bodies of 100 MB are sent, and all that there is is \
    asked for and not waited for. All of it runs on the same two cores. Beside it: the same without them.";

const MEMORY_HOW: &str = "By how much hactl's resident memory is larger at most while that goes on.";

pub(crate) async fn measure(program: &Program) -> [Figure; 2] {
    let lab = Lab::start(Layout::AllBackup).await;
    let mut daemon = program.run(&lab.write_config(&lab.config()));
    daemon.wait_for_line("cloudflare_warp is online", Duration::from_secs(30)).await;
    let socket = lab.hactl_socket();
    let (alone, _) = answers(program, &socket, || 0).await;
    let before = daemon.usage().rss;
    let attack = Attack::begin(&socket);
    sleep(GETTING_GOING).await;
    let (attacked, most) = answers(program, &socket, || daemon.usage().rss).await;
    tokio::task::spawn_blocking(|| attack.end()).await.expect("nothing in it panics");
    daemon.terminate().await;
    let grown = most.saturating_sub(before) as f64 / 1e6;
    [
        Figure::new(Measured::trials("status under attack", &attacked), ANSWER_HOW)
            .beside(Measured::trials("without the attack", &alone))
            .at_most(ANSWER_MOST, Quantile::P99),
        Figure::new(Measured::single("memory under attack", Unit::Megabytes, grown), MEMORY_HOW)
            .at_most(MEMORY_MOST, Quantile::Max),
    ]
}

/// How long each took, and the most that `watched` came to.
async fn answers(program: &Program, socket: &Path, watched: impl Fn() -> u64) -> (Vec<Duration>, u64) {
    let (mut took, mut most) = (Vec::new(), 0);
    for _ in 0..ASKED {
        // A process of its own, as an honest client is: places are taken from the process that has most of them.
        let mut status = Command::new(program.path());
        status.args(["status", "-o", "json", "--socket"]).arg(socket);
        status.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let asked = tokio::task::spawn_blocking(move || {
            let start = Instant::now();
            (status.status().map(|status| status.code()), start.elapsed())
        });
        let (ended, elapsed) = asked.await.expect("nothing in it panics");
        assert_eq!(ended.expect("the program was run before"), Some(0), "an honest client is not served");
        took.push(elapsed);
        most = most.max(watched());
        sleep(BETWEEN).await;
    }
    (took, most)
}
