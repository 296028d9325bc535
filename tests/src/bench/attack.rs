//! How soon an honest client of hactl's own socket is served while thousands mean it no good, and what they cost.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::attack::Attack;
use e2e::{Lab, Layout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
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
const MEMORY_MOST: f64 = 48.0;

const ANSWER_HOW: &str = "From connecting to hactl's own socket to the end of /api/v1/status of three servers, while other clients of it \
    hold 5,000 connections open, 200 follow streams and do not read, and lines and bodies of 100 MB are sent. All of it runs on \
    the same two cores. Beside it: the same without them.";

const MEMORY_HOW: &str = "By how much hactl's resident memory is larger at most while that goes on.";

pub(crate) async fn measure(program: &Program) -> [Figure; 2] {
    let lab = Lab::start(Layout::AllBackup).await;
    let mut daemon = program.run(&lab.write_config(&lab.config()));
    daemon.wait_for_line("cloudflare_warp is online", Duration::from_secs(30)).await;
    let socket = lab.hactl_socket();
    let (alone, _) = answers(&socket, || 0).await;
    let before = daemon.usage().rss;
    let attack = Attack::begin(&socket);
    sleep(GETTING_GOING).await;
    let (attacked, most) = answers(&socket, || daemon.usage().rss).await;
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

/// How long each answer took, and the most that `watched` came to.
async fn answers(socket: &Path, watched: impl Fn() -> u64) -> (Vec<Duration>, u64) {
    let (mut took, mut most) = (Vec::new(), 0);
    for _ in 0..ASKED {
        let start = Instant::now();
        let answer = answer(socket).await;
        took.push(start.elapsed());
        assert!(answer.contains("hactl/v1"), "this is no status: {answer}");
        most = most.max(watched());
        sleep(BETWEEN).await;
    }
    (took, most)
}

/// One request. Who has lost the place to somebody else asks again, and the time goes on.
async fn answer(socket: &Path) -> String {
    loop {
        let mut answer = String::new();
        let asked = async {
            let mut stream = UnixStream::connect(socket).await?;
            stream.write_all(b"GET /api/v1/status HTTP/1.1\r\nhost: hactl\r\n\r\n").await?;
            stream.read_to_string(&mut answer).await
        };
        if asked.await.is_ok() && !answer.is_empty() {
            return answer;
        }
    }
}
