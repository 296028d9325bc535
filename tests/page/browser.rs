//! One story that a browser looks at: all is well, a tunnel dies, somebody pauses hactl, hactl ends.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::command::{self, plain};
use e2e::{Daemon, Fault, Lab, Layout, Port};

use super::needs::Means;

const HACTL: &str = env!("CARGO_BIN_EXE_hactl-dup");

/// Long enough for a machine that does much else meanwhile; nothing here is a measurement.
const PATIENCE: Duration = Duration::from_secs(30);

/// A change is shown within a second; on a busy machine within this.
const SHOWN_LIMIT_MS: i64 = 10_000;

/// What somebody who means no good would have their colleagues' browsers run.
const HOSTILE: &str = "<img src=x onerror=alert(1)>";

pub(crate) fn play(means: &Means) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime can be had").block_on(story(means));
}

async fn story(means: &Means) {
    let lab = Lab::start(Layout::WarpBackup).await;
    let page = Port::free();
    let file = lab.write_config(&format!("[web]\nlisten = \"{}\"\n{}", page.addr(), lab.config()));
    let file = file.to_str().expect("the directory's name is plain").to_owned();
    let mut hactl = Daemon::start_command(plain(HACTL.as_ref()).args(["run", "--config", &file]));
    for server in ["wg1", "wg2", "cloudflare_warp"] {
        hactl.wait_for_line(&format!("{server} is online"), PATIENCE).await;
    }
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&shots).expect("target is writable");
    let url = format!("http://{}/", page.addr());
    let mut browser = Browser::start(means, &url, &shots);
    while let Some(word) = browser.next() {
        match word.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["break"] => {
                // Both tunnels: traffic ends on the backup.
                lab.wg2.set(Fault::Reject(5)).await;
                lab.wg1.set(Fault::Reject(5)).await;
                hactl.wait_for_line("now on cloudflare_warp", PATIENCE).await;
                browser.answer(&unix_millis().to_string());
            }
            ["pause"] => {
                let socket = lab.hactl_socket().display().to_string();
                let ran = command::run(HACTL, &["pause", "--socket", &socket, "-m", HOSTILE]).await;
                assert_eq!(ran.code, Some(0), "{ran:?}");
                browser.answer("paused");
            }
            ["end"] => {
                hactl.terminate().await;
                browser.answer("ended");
            }
            ["shown", late] => {
                let late: i64 = late.parse().expect("milliseconds");
                assert!(late < SHOWN_LIMIT_MS, "the page showed a failover {late} ms after it");
            }
            ["done"] => return,
            other => panic!("the browser says {other:?}"),
        }
    }
    panic!("the browser saw something wrong; what it says of it is above");
}

fn unix_millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_millis()
}

/// The process that looks; killed when dropped.
struct Browser {
    child: Child,
    words: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Browser {
    fn start(means: &Means, url: &str, shots: &Path) -> Self {
        let mut command = Command::new(&means.node);
        command.arg(&means.script).arg(url).arg(&means.chromium).arg(shots);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let words = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        Self { child, words }
    }

    /// Blocks this thread alone: the lab's tasks have another one.
    fn next(&mut self) -> Option<String> {
        tokio::task::block_in_place(|| self.words.next()).map(|line| line.expect("it writes UTF-8"))
    }

    fn answer(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("it was piped");
        writeln!(stdin, "{text}").expect("it reads on");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
