//! The figures as text, each beside what the path was.

use std::fmt::Write as _;
use std::time::Duration;

use e2e::wireguard::{Carried, Direction};

use crate::arguments::Arguments;
use crate::detection::Detected;
use crate::program;
use crate::scene::Scene;
use crate::soak::Soaked;
use crate::spread::{Spread, milliseconds};

/// What is measured where: figures of different machines, or of a busy one, do not compare.
pub(crate) fn header(arguments: &Arguments) -> String {
    let built = if cfg!(debug_assertions) { "dev profile" } else { "release" };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let Arguments { rtt, loss, profile, seed, .. } = arguments;
    format!(
        "{} ({built}), profile {profile}; {cores} cores, load {load}\n\
         tunnels of {rtt} ms round trip, {loss} % lost each way by seed {seed}",
        program::version()
    )
}

pub(crate) fn text(scene: &Scene, arguments: &Arguments, soaked: &Soaked, detected: &Detected) -> String {
    let mut text = header(arguments) + "\n\n";
    path(&mut text, scene, soaked, detected);
    alarms(&mut text, soaked);
    let Detected { times, missed, .. } = detected;
    let spread = Spread::of(times.clone());
    let mode = arguments.mode;
    line(&mut text, &format!("from the fault ({mode:?}) to maint"), &spread.to_string());
    if *missed > 0 {
        line(&mut text, "faults not seen in 60 s", &missed.to_string());
    }
    text
}

fn path(text: &mut String, scene: &Scene, soaked: &Soaked, detected: &Detected) {
    let both = [Direction::Out, Direction::In].map(|direction| scene.lab.carried("wg1", direction));
    for (way, carried) in ["out", "in"].iter().zip(&both) {
        line(text, &format!("relay of wg1, {way}"), &one_way(carried));
    }
    let [out, back] = both;
    let round_trip = |percent| Some(out.delay(percent)? + back.delay(percent)?);
    let shown = |percent| round_trip(percent).map_or_else(|| "none".to_owned(), milliseconds);
    line(text, "relay of wg1, round trip", &format!("p50 {}  p99 {}", shown(50), shown(99)));
    let connects = [&soaked.connects[..], &detected.connects].concat();
    line(text, "TCP connection through wg1", &Spread::of(connects).to_string());
}

fn one_way(carried: &Carried) -> String {
    let shown = |percent| carried.delay(percent).map_or_else(|| "none".to_owned(), milliseconds);
    let Carried { passed, lost, cut, overflowed, .. } = carried;
    let (p50, p99, max) = (shown(50), shown(99), shown(100));
    format!("p50 {p50}  p99 {p99}  max {max}; {passed} passed, {lost} lost, {cut} cut, {overflowed} too many")
}

fn alarms(text: &mut String, soaked: &Soaked) {
    let Soaked { length, alarms, .. } = soaked;
    for (name, bad, closed) in alarms {
        let what = format!("false alarms, {name}, in {:.0?}", Duration::from_secs(length.as_secs()));
        line(text, &what, &format!("{bad} in the log, {closed} times to maint"));
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    writeln!(text, "{name:42} {value}").expect("memory takes it");
}
