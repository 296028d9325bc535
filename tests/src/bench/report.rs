//! The figures as text for people and as JSON lines for programs.

use std::fmt::Write as _;
use std::process::Command;

use e2e::Haproxy;
use serde_json::{Value, json};

use crate::figure::{Figure, Measured, Quantile, Unit, Wanted};
use crate::outage::ONE_WAY;
use crate::program::{Program, first_line};

/// With fewer values they would be the maximum under another name.
const P95_FROM: usize = 20;
const P99_FROM: usize = 100;

/// Width of a figure's name.
const NAME: usize = 36;

/// Width of the explanations.
const WIDTH: usize = 100;

/// What was measured where: figures of different machines, or of a busy one, do not compare.
pub(crate) fn header(program: &Program) -> String {
    let haproxy = Haproxy::binary().unwrap_or_else(|error| panic!("{error}"));
    let haproxy = first_line(Command::new(haproxy).arg("-v"));
    let haproxy = haproxy.split(' ').nth(2).unwrap_or("of an unknown version").to_owned();
    let profile =
        if cfg!(debug_assertions) { "dev profile: build with --release for figures" } else { "release" };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let round_trip = (ONE_WAY * 2).as_millis();
    format!(
        "{} ({profile}) beside HAProxy {haproxy}; round trip through an exit {round_trip} ms; \
         {cores} cores, load {load} before the run\n",
        program.version()
    )
}

/// All figures, what each of them is, and the verdicts.
pub(crate) fn text(figures: &[Figure]) -> String {
    let mut text = String::new();
    line(&mut text, "", &["N", "P50", "P95", "P99", "MAX", "RATIO OF P50"]);
    for figure in figures {
        row(&mut text, &figure.measured.name, &figure.measured, None);
        if let Some(beside) = &figure.beside {
            row(&mut text, &format!("  beside: {}", beside.name), beside, figure.ratio());
        }
    }
    explanations(&mut text, figures);
    text.push('\n');
    line(&mut text, "FIGURE", &["", "MEASURED", "WANTED", "VERDICT", "", ""]);
    for figure in figures {
        if let Some(wanted) = figure.wanted {
            verdict(&mut text, figure, wanted);
        }
    }
    text
}

/// One object per figure.
pub(crate) fn json_lines(figures: &[Figure]) -> String {
    figures.iter().map(|figure| format!("{}\n", object(figure))).collect()
}

fn row(text: &mut String, name: &str, measured: &Measured, ratio: Option<f64>) {
    let at = |quantile| amount(measured.at(quantile), measured.unit);
    let single = measured.count() == 1;
    let p50 = if single { String::new() } else { at(Quantile::P50) };
    let from = |least, quantile| if measured.count() < least { String::new() } else { at(quantile) };
    let (p95, p99) = (from(P95_FROM, Quantile::P95), from(P99_FROM, Quantile::P99));
    let count = if single { String::new() } else { measured.count().to_string() };
    let ratio = ratio.map_or_else(String::new, |ratio| format!("{}x", number(ratio)));
    line(text, name, &[&count, &p50, &p95, &p99, &at(Quantile::Max), &ratio]);
}

fn verdict(text: &mut String, figure: &Figure, wanted: Wanted) {
    let Measured { unit, name, .. } = &figure.measured;
    let of = if figure.measured.count() == 1 { "" } else { wanted.quantile.as_str() };
    let measured = amount(figure.measured.at(wanted.quantile), *unit);
    let most = format!("<= {}", amount(wanted.most, *unit));
    let verdict = if figure.is_missed() { "MISSED" } else { "ok" };
    line(text, name, &[of, &measured, &most, verdict, "", ""]);
}

fn line(text: &mut String, name: &str, cells: &[&str; 6]) {
    let [a, b, c, d, e, f] = cells;
    let line = format!("{name:NAME$} {a:>5} {b:>10} {c:>10} {d:>10} {e:>10} {f:>14}");
    writeln!(text, "{}", line.trim_end()).expect("memory takes it");
}

/// Each explanation once, under the names that it is about.
fn explanations(text: &mut String, figures: &[Figure]) {
    let mut told: Vec<&str> = Vec::new();
    for figure in figures {
        if told.contains(&figure.how) {
            continue;
        }
        told.push(figure.how);
        let names: Vec<&str> = figures
            .iter()
            .filter(|other| other.how == figure.how)
            .map(|other| other.measured.name.as_str())
            .collect();
        write!(text, "\n{}\n{}", names.join("; "), wrapped(figure.how)).expect("memory takes it");
    }
}

/// The words in lines of at most `WIDTH`, indented.
fn wrapped(paragraph: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from(" ");
    for word in paragraph.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            lines = lines + &line + "\n";
            line = String::from(" ");
        }
        line = line + " " + word;
    }
    lines + &line + "\n"
}

fn object(figure: &Figure) -> Value {
    let wanted =
        figure.wanted.map(|wanted| json!({ "quantile": wanted.quantile.as_str(), "most": wanted.most }));
    let verdict = figure.wanted.map(|_| if figure.is_missed() { "missed" } else { "ok" });
    json!({
        "figure": values(&figure.measured),
        "beside": figure.beside.as_ref().map(values),
        "ratio": figure.ratio(),
        "wanted": wanted,
        "verdict": verdict,
        "how": figure.how,
    })
}

fn values(measured: &Measured) -> Value {
    json!({
        "name": measured.name,
        "unit": measured.unit.suffix().trim(),
        "n": measured.count(),
        "p50": measured.at(Quantile::P50),
        "p95": measured.at(Quantile::P95),
        "p99": measured.at(Quantile::P99),
        "max": measured.at(Quantile::Max),
    })
}

fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => format!("{value:.0}"),
        Unit::Milliseconds | Unit::PercentOfCore | Unit::Megabytes | Unit::PerSecond => {
            number(value) + unit.suffix()
        }
    }
}

/// Two or three digits that count.
fn number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
