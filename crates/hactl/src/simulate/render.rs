//! Decisions for people and for programs.

use failover::Time;
use failover::replay::{Compared, Decided, Decision, Summary, compare};
use hactld::text::Shown;
use serde_json::{Value, json};

use super::{Changed, Simulated};
use crate::exit::Exit;
use crate::table::{Column, render, wrap};
use crate::terminal::{Terminal, span};

const AS_RECORDED: [Column; 3] = [
    Column { heading: "TIME", right: true, dispensable: None },
    Column { heading: "DECISION", right: false, dispensable: None },
    Column { heading: "WHY", right: false, dispensable: None },
];

const SIDE_BY_SIDE: [Column; 5] = [
    Column { heading: "RECORDED", right: true, dispensable: None },
    Column { heading: "CHANGED", right: true, dispensable: None },
    Column { heading: "LATER BY", right: true, dispensable: Some(1) },
    Column { heading: "DECISION", right: false, dispensable: None },
    Column { heading: "WHY", right: false, dispensable: None },
];

pub(super) fn table(simulated: &Simulated, terminal: &Terminal) -> String {
    let mut text = wrap("", &head(simulated), terminal.width);
    if let Some(changed) = &simulated.changed {
        let line = format!("changed: {}; what comes of it is an estimate", changed.sets.join(", "));
        text.push_str(&wrap("", &Shown(&line).to_string(), terminal.width));
    }
    text.push('\n');
    let (rows, columns): (Vec<Vec<String>>, &[Column]) = match &simulated.changed {
        None => (simulated.recorded.decisions.iter().map(row).collect(), &AS_RECORDED),
        Some(changed) => (compared(simulated, changed).iter().map(row_of_two).collect(), &SIDE_BY_SIDE),
    };
    if rows.is_empty() {
        text.push_str("nothing was decided\n");
    } else {
        text.push_str(&render(columns, &rows, terminal));
    }
    text.push('\n');
    let recorded = simulated.recorded.summary();
    match &simulated.changed {
        None => text.push_str(&wrap("", &summary(recorded), terminal.width)),
        Some(changed) => {
            let line = format!("as recorded: {}", summary(recorded));
            text.push_str(&wrap("", &line, terminal.width));
            let line = format!("as changed:  {}{}", summary(changed.side.summary()), unknown(changed.asked));
            text.push_str(&wrap("", &line, terminal.width));
        }
    }
    text
}

fn head(simulated: &Simulated) -> String {
    let header = &simulated.header;
    let text = format!(
        "{}, recorded by hactl {} from {} on: {} in {}",
        header.instance.name,
        header.hactl,
        header.started,
        count(simulated.inputs, "input"),
        span(seconds(simulated.until))
    );
    Shown(&text).to_string()
}

fn row(decision: &Decision) -> Vec<String> {
    let [what, why] = words(&decision.what);
    vec![offset(decision.at), what, why]
}

fn row_of_two(compared: &Compared<'_>) -> Vec<String> {
    let dash = || "-".to_owned();
    let [what, why] = words(&compared.decision().what);
    let [recorded, changed, later] = match compared {
        Compared::Both(one, other) => {
            [offset(one.at), offset(other.at), format!("{:+.3} s", seconds(other.at) - seconds(one.at))]
        }
        Compared::First(only) => [offset(only.at), dash(), dash()],
        Compared::Second(only) => [dash(), offset(only.at), dash()],
    };
    vec![recorded, changed, later, what, why]
}

fn words(what: &Decided) -> [String; 2] {
    [Shown(&what.without_why()).to_string(), Shown(what.why().unwrap_or("-")).to_string()]
}

fn summary(summary: Summary) -> String {
    let Summary { out, back, suspected_false_alarms } = summary;
    let alarms = count(suspected_false_alarms as u64, "suspected false alarm");
    format!("{out} wanted out, {back} wanted back, {alarms}")
}

/// `1 input`, `2 inputs`.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn unknown((asked, unknown): (u64, u64)) -> String {
    if unknown == 0 { String::new() } else { format!("; of {unknown} of {asked} probes nothing is known") }
}

fn compared<'a>(simulated: &'a Simulated, changed: &'a Changed) -> Vec<Compared<'a>> {
    compare(&simulated.recorded.decisions, &changed.side.decisions)
}

/// Since the start: `+12.345 s`.
pub(super) fn offset(at: Time) -> String {
    format!("{:+.3} s", seconds(at))
}

fn seconds(at: Time) -> f64 {
    at.since_origin().as_secs_f64()
}

/// The document that programs get; its fields are as stable as those of the status.
pub(super) fn json(simulated: &Simulated, warnings: &[String]) -> String {
    let header = &simulated.header;
    let changed = simulated.changed.as_ref().map(|changed| {
        json!({
            "set": changed.sets,
            "decisions": decisions(&changed.side.decisions),
            "summary": summary_json(changed.side.summary()),
            "probes": changed.asked.0,
            "probes_unknown": changed.asked.1,
        })
    });
    let compared = simulated
        .changed
        .as_ref()
        .map(|changed| compared(simulated, changed).iter().map(compared_json).collect::<Vec<Value>>());
    let document = json!({
        "apiVersion": failover::status::API_VERSION,
        "kind": "Simulation",
        "exit_code": Exit::Ok.code(),
        "instance": header.instance.name,
        "version": header.hactl,
        "started": header.started,
        "inputs": simulated.inputs,
        "seconds": seconds(simulated.until),
        "recorded": {
            "decisions": decisions(&simulated.recorded.decisions),
            "summary": summary_json(simulated.recorded.summary()),
        },
        "changed": changed,
        "compared": compared,
        "warnings": warnings,
    });
    format!("{document}\n")
}

fn decisions(decisions: &[Decision]) -> Vec<Value> {
    let one = |decision: &Decision| {
        let mut value = decision_json(&decision.what);
        value["at_seconds"] = json!(seconds(decision.at));
        value
    };
    decisions.iter().map(one).collect()
}

fn compared_json(compared: &Compared<'_>) -> Value {
    let (recorded, changed) = match compared {
        Compared::Both(one, other) => (Some(one.at), Some(other.at)),
        Compared::First(only) => (Some(only.at), None),
        Compared::Second(only) => (None, Some(only.at)),
    };
    let mut value = decision_json(&compared.decision().what);
    value["recorded_at_seconds"] = json!(recorded.map(seconds));
    value["changed_at_seconds"] = json!(changed.map(seconds));
    value
}

fn decision_json(what: &Decided) -> Value {
    let (backend, server) = match what {
        Decided::Told(event) => (event.backend(), event.server().map(|id| &id.server)),
        Decided::Wants { server, .. } => (Some(&server.backend), Some(&server.server)),
    };
    json!({
        "kind": what.kind(),
        "backend": backend,
        "server": server,
        "text": what.to_string(),
        "why": what.why(),
    })
}

fn summary_json(summary: Summary) -> Value {
    let Summary { out, back, suspected_false_alarms } = summary;
    json!({ "wanted_out": out, "wanted_back": back, "suspected_false_alarms": suspected_false_alarms })
}
