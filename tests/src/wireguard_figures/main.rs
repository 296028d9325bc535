//! How soon hactl takes a server with a dead tunnel out, and how often it does so without a reason, on real WireGuard
//! tunnels: each figure beside what the path was measured to be in the same run. Owns the order and the exit code.
//!
//! `cargo build --release -p e2e --bins`, then `target/release/wireguard-figures --trials 20 --rtt 50 --loss 1 --soak 300`.

mod arguments;
mod detection;
mod program;
mod report;
mod scene;
mod soak;
mod spread;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use e2e::wireguard::{Lab, needs};

use arguments::Arguments;
use scene::Scene;

const NOT_POSSIBLE: u8 = 1;
const INTERRUPTED: u8 = 2;
const USAGE_ERROR: u8 = 64;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { USAGE_ERROR.into() } else { ExitCode::SUCCESS };
        }
    };
    if let Err(missing) = needs() {
        tell(&missing.to_string());
        return NOT_POSSIBLE.into();
    }
    tell(&report::header(&arguments));
    let start = Instant::now();
    let text = Lab::run(arguments.path(), |lab| async {
        tell(&format!("the lab is up after {:.0?}", start.elapsed()));
        tokio::select! {
            text = measure(Scene::start(lab, &arguments), &arguments) => Some(text),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    let Some(text) = text else { return INTERRUPTED.into() };
    // Where nobody reads any more there is nobody to be told.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

async fn measure(mut scene: Scene, arguments: &Arguments) -> String {
    scene.wait_until_quiet().await;
    tell(&format!("a soak of {} s", arguments.soak));
    let soaked = soak::measure(&scene, arguments.soak()).await;
    tell(&format!("{} faults", arguments.trials));
    let detected = detection::measure(&mut scene, arguments).await;
    report::text(&scene, arguments, &soaked, &detected)
}

/// What goes on, for the person who waits; the figures alone go to standard output.
fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
