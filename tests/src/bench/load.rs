//! What a hundred probed servers cost, in processor time and memory of the hactl process.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use e2e::haproxy::BACKEND;
use e2e::{Ca, Exit, Haproxy, Layout, Target};
use tokio::time::sleep;

use crate::figure::{Figure, Measured, Quantile, Unit};
use crate::outage::slow_down;
use crate::program::Program;

/// A figure is wanted for this many.
const SERVERS: u16 = 100;

/// What it stands beside: a usual installation.
const FEW: u16 = 3;

/// Servers share them; one alone would be asked by all.
const EXITS: [Ipv4Addr; 4] = [
    Ipv4Addr::new(127, 0, 101, 1),
    Ipv4Addr::new(127, 0, 101, 2),
    Ipv4Addr::new(127, 0, 101, 3),
    Ipv4Addr::new(127, 0, 101, 4),
];

/// Long enough that the kernel's ticks of 10 ms are far below a per cent.
const WINDOW: Duration = Duration::from_secs(20);

/// Start, first verdicts and getting to know the targets are over by then; they are no part of the processor time, but
/// of the memory.
const SETTLE: Duration = Duration::from_secs(8);

/// Per cent of one core.
const CPU_MOST: f64 = 10.0;

/// 10^6 bytes.
const MEMORY_MOST: f64 = 32.0;

const CPU_HOW: &str = "User and system time of the hactl process over 20 s in which all servers are well. eco: a canary \
    each second and a full probe each 10 s; fast: seven canaries a second and a full probe each 5 s. Beside it: the same \
    with 3 servers.";

const MEMORY_HOW: &str = "VmHWM of that process: the most that it ever held, its start included.";

const RATE_HOW: &str = "Requests that the target answered in that time.";

struct Scene {
    exits: Vec<Exit>,
    https: Target,
    http: Target,
    ca: Ca,
}

/// What one run used.
struct Cost {
    /// Per cent of one core.
    cpu: f64,
    /// In 10^6 bytes.
    memory: f64,
    /// Per second.
    rate: f64,
}

pub(crate) async fn measure(program: &Program) -> Vec<Figure> {
    let ca = Ca::new();
    let (https, http) = (Target::https(HashMap::new(), &ca), Target::http(HashMap::new()));
    let scene = Scene { exits: EXITS.into_iter().map(Exit::start).collect(), https, http, ca };
    slow_down(&scene.exits);
    let mut figures = Vec::new();
    for (name, profile, target, wanted) in [
        ("eco, https", "eco", &scene.https, Some(CPU_MOST)),
        ("eco, http", "eco", &scene.http, Some(CPU_MOST)),
        ("fast, https", "fast", &scene.https, None),
    ] {
        let few = scene.cost(program, profile, target, FEW).await;
        let many = scene.cost(program, profile, target, SERVERS).await;
        let measured =
            |what, unit, value| Measured::single(format!("{what}, {SERVERS} servers, {name}"), unit, value);
        let reference = |unit, value| Measured::single(format!("{FEW} servers"), unit, value);
        let processor = Figure::new(measured("processor", Unit::PercentOfCore, many.cpu), CPU_HOW)
            .beside(reference(Unit::PercentOfCore, few.cpu));
        figures.extend([
            match wanted {
                Some(most) => processor.at_most(most, Quantile::Max),
                None => processor,
            },
            Figure::new(measured("memory", Unit::Megabytes, many.memory), MEMORY_HOW)
                .beside(reference(Unit::Megabytes, few.memory))
                .at_most(MEMORY_MOST, Quantile::Max),
            Figure::new(measured("probes", Unit::PerSecond, many.rate), RATE_HOW)
                .beside(reference(Unit::PerSecond, few.rate)),
        ]);
    }
    figures
}

impl Scene {
    async fn cost(&self, program: &Program, profile: &str, target: &Target, count: u16) -> Cost {
        let names: Vec<String> = (0..count).map(|index| format!("s{index:03}")).collect();
        let addrs = self.exits.iter().map(Exit::addr).cycle();
        let servers: Vec<(&str, SocketAddr)> = names.iter().map(String::as_str).zip(addrs).collect();
        let haproxy = Haproxy::builder(Layout::WarpBackup, &servers).start().await;
        let config = haproxy.dir().join("hactl.toml");
        std::fs::write(&config, self.config(profile, target, &haproxy))
            .expect("the scene's directory is writable");
        let mut daemon = program.run(&config);
        sleep(SETTLE).await;
        let (start, cpu, answered) = (Instant::now(), daemon.usage().cpu, target.answered());
        sleep(WINDOW).await;
        let elapsed = start.elapsed().as_secs_f64();
        let cpu = daemon.usage().cpu.saturating_sub(cpu).as_secs_f64() / elapsed * 100.0;
        let answered =
            u32::try_from(target.answered() - answered).expect("probes are some thousands at most");
        let memory = peak_memory(daemon.pid());
        daemon.terminate().await;
        let rate = f64::from(answered) / elapsed;
        assert!(
            rate * 2.0 > f64::from(count),
            "only {rate:.1} probes a second for {count} servers: nothing was measured"
        );
        Cost { cpu, memory, rate }
    }

    fn config(&self, profile: &str, target: &Target, haproxy: &Haproxy) -> String {
        let (url, ca_file) = (target.url(), self.ca.file().display());
        let (dir, socket) = (haproxy.dir().display(), haproxy.admin_socket());
        let socket = socket.display();
        format!(
            r#"[probe]
targets = ["{url}"]
profile = "{profile}"
ca_file = "{ca_file}"

[admin]
socket = "{dir}/hactl.sock"

[state]
dir = "{dir}/hactl"

[[instance]]
haproxy = "{socket}"

[[instance.backend]]
name = "{BACKEND}"
"#
        )
    }
}

/// The most memory that the process `pid` ever held, in 10^6 bytes.
fn peak_memory(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let kibibytes: u32 = peak.and_then(|peak| peak.trim().parse().ok()).expect("Linux tells VmHWM in kB");
    f64::from(kibibytes) * 1024.0 / 1e6
}
