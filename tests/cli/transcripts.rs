//! The commands in README.md and the documentation, typed by a shell beside a real HAProxy, and what they print compared with
//! what is shown. One scene is lived through: before the daemon, all well, a tunnel dead, and after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::haproxy::BACKEND;
use e2e::lab::EXITS;
use e2e::target::ExitNames;
use e2e::{Daemon, Fault, Lab, Layout, Ran, Target, command, programs};

use super::alike::alike;
use super::beside::{HACTL, PATIENCE, POLL, patient};
use super::documents::{Block, blocks};

/// The scene's configuration, and the same by a socket that allows no changes.
const CONFIG: &str = "hactl.toml";
const OPERATOR: &str = "operator.toml";

/// The one that is shown; without summer time, so that it is the same all year.
const ZONE: &str = "UTC";

/// When in the scene a block is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// No daemon runs yet.
    Before,
    /// All is well.
    Well,
    /// The tunnel behind `wg1` is dead, its port open.
    Dead,
    /// The daemon has ended, and its recording is there.
    After,
}

/// What in a block says when; the first that fits. All else is typed while all is well.
const ACTS: [(&str, Act); 7] = [
    ("hactl run", Act::Before),
    ("make ", Act::Before),
    ("hactl simulate", Act::After),
    ("hactl explain socks_back_7891/wg1", Act::Dead),
    ("hactl check", Act::Dead),
    ("degraded", Act::Dead),
    ("", Act::Well),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_that_is_shown_runs_and_prints_what_is_shown() {
    let scene = Scene::new().await;
    let mut left: Vec<Block> = blocks("console").into_iter().chain(blocks("sh")).collect();
    assert!(left.len() >= 12, "there are {}", left.len());
    scene.play(Act::Before, &mut left).await;
    let mut hactl = scene.daemon();
    for (server, _) in EXITS {
        hactl.wait_for_line(&format!("{BACKEND}/{server} is online"), PATIENCE).await;
    }
    scene.exits_are_known().await;
    scene.play(Act::Well, &mut left).await;
    let so_far = hactl.lines().len();
    scene.lab.wg1.set(Fault::BlackHole).await;
    let out = |line: &str| line.contains(&format!("{BACKEND}/wg1 set to maint, read back"));
    hactl.wait_for(so_far, "wg1 out", out, PATIENCE).await;
    scene.play(Act::Dead, &mut left).await;
    let so_far = hactl.lines().len();
    scene.lab.wg1.set(Fault::None).await;
    let back = |line: &str| line.contains(&format!("{BACKEND} now on wg1"));
    hactl.wait_for(so_far, "wg1 again", back, PATIENCE).await;
    hactl.terminate().await;
    scene.play(Act::After, &mut left).await;
    assert!(left.is_empty());
}

struct Scene {
    lab: Lab,
    page: Target,
    bin: PathBuf,
}

impl Scene {
    async fn new() -> Self {
        // Cloudflare's page, as it is through each exit.
        let page = |name: &str, address: &str| {
            format!("ip={address}\ncolo=FRA\nwarp={}\n", if name == "cloudflare_warp" { "on" } else { "off" })
        };
        let names: ExitNames =
            EXITS.iter().map(|(name, source)| ((*source).into(), page(name, &source.to_string()))).collect();
        let lab = Lab::start(Layout::WarpBackup).await;
        let bin = lab.haproxy.dir().join("bin");
        fs::create_dir(&bin).expect("our directory is writable");
        std::os::unix::fs::symlink(HACTL, bin.join("hactl")).expect("our directory is writable");
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        // Nothing is built, and nobody becomes somebody else.
        for (name, what) in [
            ("sudo", "exec \"$@\"".to_owned()),
            ("cargo", format!("mkdir -p target/release && ln -sf {HACTL} target/release/hactl")),
            ("make", format!("exec /usr/bin/make --dry-run --directory={} \"$@\"", top.display())),
        ] {
            programs::write_script(&bin.join(name), &what);
        }
        Self { lab, page: Target::http(names), bin }
    }

    fn daemon(&self) -> Daemon {
        let (page, config, clients) = (self.page.url(), patient(&self.lab), self.lab.haproxy.frontend());
        let config = format!("[exit]\nurl = \"{page}\"\n\n{config}frontend = \"{clients}\"\n");
        self.lab.write_config(&config);
        let operator = config.replace("admin.sock", "operator.sock");
        fs::write(self.lab.haproxy.dir().join(OPERATOR), operator).expect("our directory is writable");
        let mut run = command::plain(HACTL.as_ref());
        run.current_dir(self.lab.haproxy.dir()).env("TZ", ZONE);
        Daemon::start_command(run.args(["run", "--config", CONFIG, "--record", "hactl.jsonl"]))
    }

    /// Types what belongs into this act, and takes it out of `left`.
    async fn play(&self, act: Act, left: &mut Vec<Block>) {
        let of = |block: &Block| ACTS.iter().find(|(word, _)| block.text.contains(word)).map(|(_, act)| *act);
        for block in left.extract_if(.., |block| of(block) == Some(act)) {
            if block.kind == "sh" {
                for line in block.text.lines() {
                    self.typed(&block, line).await;
                }
                continue;
            }
            for transcript in format!("\n{}", block.text).split("\n$ ").filter(|text| !text.is_empty()) {
                let (line, written) = transcript.split_once('\n').unwrap_or((transcript, ""));
                let ran = self.typed(&block, line).await;
                if let Err(difference) = alike(written, &self.there(&ran.stdout)) {
                    panic!("{}: `{line}` does not print what is shown.\n{difference}\n{ran:?}", block.at);
                }
            }
        }
    }

    async fn typed(&self, block: &Block, line: &str) -> Ran {
        if line.contains("hactl run") {
            self.run_for_a_while(line).await;
            return Ran { code: Some(0), stdout: String::new(), stderr: String::new() };
        }
        let ran = command::run_command(&mut self.shell(line), "").await;
        // The codes of `hactl status` and the like say how things are.
        let worst = if line.starts_with("hactl") { 2 } else { 0 };
        let is_done = ran.code.is_some_and(|code| code <= worst) && !ran.stderr.contains("error:");
        assert!(is_done, "{}: `{line}`: {ran:?}", block.at);
        ran
    }

    async fn run_for_a_while(&self, line: &str) {
        let mut hactl = Daemon::start_command(&mut self.shell(&format!("exec {line}")));
        hactl.wait_for_line(&format!("{BACKEND}/wg1 is online"), PATIENCE).await;
        assert!(hactl.terminate().await.0.success());
    }

    /// A shell that types `line`, in our places instead of those that are shown.
    fn shell(&self, line: &str) -> Command {
        // The README shows a mistake in the set-up.
        let mut here =
            if line == "hactl doctor" { format!("{line} --config {OPERATOR}") } else { line.to_owned() };
        for (there, ours) in self.places() {
            here = here.replace(&there, &ours);
        }
        let mut shell = command::plain("/bin/sh".as_ref());
        let path = std::env::var("PATH").unwrap_or_default();
        shell.current_dir(self.lab.haproxy.dir()).arg("-c").arg(&here);
        shell.env("PATH", format!("{}:{path}", self.bin.display()));
        shell.env("HACTL_SOCKET", self.lab.hactl_socket()).env("TZ", ZONE);
        // It would be stronger than a file.
        if !here.contains("--config") {
            shell.env("HACTL_HAPROXY", self.lab.haproxy.admin_socket());
        }
        if line.contains("--config") {
            // What `hactl init` has written asks targets beyond this host.
            shell.env("HACTL_PROBE__TARGETS", format!("{:?}", [self.lab.http.url(), self.lab.https.url()]));
            shell
                .env("HACTL_PROBE__CA_FILE", self.lab.ca.file())
                .env("HACTL_STATE__DIR", self.lab.hactl_state());
        }
        if line.contains("--origin") {
            shell.env("HACTL_PROBE__HOLD", "1s");
        }
        shell
    }

    /// What is shown, and what it is here.
    fn places(&self) -> Vec<(String, String)> {
        let url = self.lab.http.url();
        let ports = [("18181", &self.lab.wg1), ("18182", &self.lab.wg2)];
        let ports = ports.map(|(port, exit)| (port.to_owned(), exit.addr().port().to_string()));
        let words = [
            ("hactl check", format!("hactl check --url {url}")),
            ("hactl doctor;", format!("hactl doctor --config {CONFIG};")),
            ("BACKEND/SERVER", format!("{BACKEND}/wg1")),
            ("BACKEND", BACKEND.to_owned()),
            ("https://api.ipify.org", url),
            ("127.0.0.1:7891", self.lab.haproxy.frontend().to_string()),
            ("/run/hactl/hactl.sock", self.lab.hactl_socket().display().to_string()),
        ];
        ports.into_iter().chain(words.map(|(there, ours)| (there.to_owned(), ours))).collect()
    }

    /// What was printed, with the places that are shown.
    fn there(&self, printed: &str) -> String {
        let dir = self.lab.haproxy.dir();
        let file = |name: &str| dir.join(name).display().to_string();
        [
            (file("hactl.sock"), "/run/hactl/hactl.sock"),
            (file("admin.sock"), "/run/haproxy/admin.sock"),
            (file("operator.sock"), "/run/haproxy/admin.sock"),
            (self.lab.hactl_state().display().to_string(), "/var/lib/hactl"),
            // They are said only where they are not the usual places.
            (" --haproxy /run/haproxy/admin.sock".to_owned(), ""),
            (" --socket /run/hactl/hactl.sock".to_owned(), ""),
            // Whoever was first.
            (format!("{BACKEND}/cloudflare_warp answered"), "socks_back_7891/wg2 answered"),
        ]
        .into_iter()
        .fold(printed.to_owned(), |text, (ours, there)| text.replace(&ours, there))
    }

    async fn exits_are_known(&self) {
        let start = std::time::Instant::now();
        loop {
            let ran = command::run_command(&mut self.shell("hactl exits"), "").await;
            if ran.code == Some(0) && ran.stdout.matches(" FRA ").count() == EXITS.len() {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{ran:?}");
            tokio::time::sleep(POLL).await;
        }
    }
}
