//! The scene with hactl running in it, and waits that end as soon as the thing happens.

use std::time::{Duration, Instant};

use e2e::haproxy::Builder;
use e2e::{Daemon, Fault, Lab, Layout};
use tokio::time::sleep;

/// Long enough for a machine that does much else meanwhile; nothing here is a measurement.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at HAProxy.
const POLL: Duration = Duration::from_millis(5);

/// hactl beside HAProxy beside three exits.
pub(super) struct Steered {
    pub(super) lab: Lab,
    pub(super) hactl: Daemon,
}

impl Steered {
    /// Starts the scene, and hactl once all exits are as `broken` says; waits until every server was judged.
    pub(super) async fn start(layout: Layout, adapt: impl FnOnce(Builder) -> Builder) -> Self {
        Self::start_broken(layout, adapt, &[]).await
    }

    /// As `start`, with these lines in the backend's configuration.
    pub(super) async fn start_ruled(layout: Layout, rules: &str) -> Self {
        let lab = Lab::start(layout).await;
        Self::judged(lab, |config| config + rules, &[]).await
    }

    pub(super) async fn start_broken(
        layout: Layout,
        adapt: impl FnOnce(Builder) -> Builder,
        broken: &[&str],
    ) -> Self {
        Self::start_instance(layout, adapt, broken, |_| String::new()).await
    }

    /// As `start_broken`, with lines for `[[instance]]`.
    pub(super) async fn start_instance(
        layout: Layout,
        adapt: impl FnOnce(Builder) -> Builder,
        broken: &[&str],
        instance: impl FnOnce(&Lab) -> String,
    ) -> Self {
        let lab = Lab::start_with(layout, adapt).await;
        for name in broken {
            lab.exit(name).set(Fault::BlackHole).await;
        }
        let lines = format!("{}\n[[instance.backend]]", instance(&lab));
        Self::judged(lab, |config| config.replace("\n[[instance.backend]]", &lines), broken).await
    }

    async fn judged(lab: Lab, adapt: impl FnOnce(String) -> String, broken: &[&str]) -> Self {
        let hactl = start_hactl_with(&lab, adapt);
        let mut steered = Self { lab, hactl };
        for name in ["wg1", "wg2", "cloudflare_warp"] {
            let word = if broken.contains(&name) { "degraded" } else { "online" };
            steered.said(0, &format!("socks_back_7891/{name} is {word}")).await;
        }
        steered
    }

    /// Breaks these exits; the number of the next log line.
    pub(super) async fn break_with(&self, fault: Fault, names: &[&str]) -> usize {
        let next = self.hactl.lines().len();
        for name in names {
            self.lab.exit(name).set(fault).await;
        }
        next
    }

    /// Waits for a log line from number `from` on that holds `text`.
    pub(super) async fn said(&mut self, from: usize, text: &str) -> String {
        self.hactl.wait_for(from, text, |line| line.contains(text), PATIENCE).await
    }

    /// Waits until HAProxy has these servers in maint and no others.
    pub(super) async fn wait_for_maint(&self, names: &[&str]) {
        wait_for_maint(&self.lab, names).await;
    }

    /// The servers in maint; `None` while HAProxy does not answer.
    pub(super) async fn in_maint(&self) -> Option<Vec<&'static str>> {
        in_maint(&self.lab).await
    }
}

/// Waits until the scene's HAProxy has these servers in maint and no others.
pub(super) async fn wait_for_maint(lab: &Lab, names: &[&str]) {
    let start = Instant::now();
    loop {
        let maint = in_maint(lab).await;
        if maint.as_deref() == Some(names) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{maint:?} are in maint, not {names:?}");
        sleep(POLL).await;
    }
}

async fn in_maint(lab: &Lab) -> Option<Vec<&'static str>> {
    let socket = lab.haproxy.admin_socket();
    let reply = e2e::haproxy::ask(&socket, "show servers state socks_back_7891").await.ok()?;
    let mut maint = Vec::new();
    for name in ["wg1", "wg2", "cloudflare_warp"] {
        let row = reply.lines().find(|line| line.split(' ').nth(3) == Some(name))?;
        let admin: u32 = row.split(' ').nth(6)?.parse().ok()?;
        if admin & 0x23 != 0 {
            maint.push(name);
        }
    }
    Some(maint)
}

/// hactl as an operator would start it, but quick to notice and slow to give up on a busy machine.
pub(super) fn start_hactl(lab: &Lab) -> Daemon {
    start_hactl_with(lab, |config| config)
}

/// The same with these lines in the backend's configuration.
pub(super) fn start_hactl_ruled(lab: &Lab, rules: &str) -> Daemon {
    start_hactl_with(lab, |config| config + rules)
}

/// The same with another configuration. The controller says in its log what wakes it.
pub(super) fn start_hactl_with(lab: &Lab, adapt: impl FnOnce(String) -> String) -> Daemon {
    let config = adapt(patient(lab));
    let file = lab.write_config(&config);
    let file = file.to_str().expect("the directory's name is plain");
    let log = [("HACTL_LOG", "info,controller=debug")];
    Daemon::start(env!("CARGO_BIN_EXE_hactl-dup"), &["run", "--config", file], &log)
}

/// The scene's configuration, with limits that a busy machine keeps.
pub(super) fn patient(lab: &Lab) -> String {
    lab.config().replace("timeout = \"500ms\"", "timeout = \"1500ms\"")
}
