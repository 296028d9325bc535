//! `hactl check`: one round through each upstream, now and without the daemon.

use std::collections::BTreeMap;
use std::process::ExitCode;

use checker::{Clock, Prober, Rounds, Settings, Target, TlsRoots};
use failover::{Ask, Finding, Outcome, ProbeOutcome, Round, Time, Verdict};
use serde::Serialize;
use tokio::time::Instant;

use crate::cli::{CheckArgs, CheckFormat};
use crate::exit::{Exit, finding, of_verdict};
use crate::report::{Report, print, sources};
use crate::table::{Column, render};
use crate::terminal::Terminal;
use crate::upstream::{resolve, words};

/// One upstream's result.
#[derive(Debug, Serialize)]
struct Checked {
    upstream: String,
    address: Option<String>,
    health: Verdict,
    latency_ms: Option<f64>,
    reason: Option<Reason>,
    probes: Vec<Probe>,
}

#[derive(Debug, Serialize)]
struct Reason {
    stage: Option<String>,
    code: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Probe {
    url: String,
    passed: bool,
    text: Option<String>,
    failed_stage: Option<String>,
    stages: Vec<Stage>,
}

#[derive(Debug, Serialize)]
struct Stage {
    stage: String,
    ms: f64,
}

pub(crate) fn run(args: &CheckArgs, terminal: &Terminal) -> ExitCode {
    let rounds = match rounds(args) {
        Ok(rounds) => rounds,
        Err(report) => {
            report.print(terminal);
            return Exit::Usage.into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            Report::new("this command could not run".to_owned()).because(error.to_string()).print(terminal);
            return Exit::Unknown.into();
        }
    };
    let checked = runtime.block_on(check(&words(&args.upstreams), args, rounds));
    match args.output {
        CheckFormat::Table => print(&table(&checked, args.verbose, terminal)),
        CheckFormat::Csv => print(&csv(&checked)),
        CheckFormat::Json => print(&json(&checked)),
    }
    finding(exit_code(&checked), args.exit_zero).into()
}

fn rounds(args: &CheckArgs) -> Result<Rounds, Report> {
    let usage = |error: &dyn std::error::Error| {
        Report { why: sources(error), ..Report::new(error.to_string()) }.next("see hactl check --help")
    };
    let targets: Result<Vec<Target>, _> = args.url.iter().map(|url| url.parse()).collect();
    let settings = Settings::new(targets.map_err(|error| usage(&error))?, args.timeout);
    let roots = TlsRoots { ca_files: args.ca_file.iter().cloned().collect() };
    let prober = Prober::new(&roots).map_err(|error| usage(&error))?;
    Ok(Rounds::new(prober, settings.map_err(|error| usage(&error))?, Clock::new(Instant::now())))
}

/// All at once; the results in the order in which they were asked for.
async fn check(words: &[String], args: &CheckArgs, mut rounds: Rounds) -> Vec<Checked> {
    let mut results: BTreeMap<String, Checked> = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for word in words {
        match resolve(word, &args.haproxy).await {
            Ok(upstream) => {
                addresses.insert(word.clone(), upstream.address.to_string());
                rounds.schedule(upstream, Time::ZERO, Ask::All);
            }
            Err(error) => {
                results.insert(word.clone(), untested(word, &error.to_string()));
            }
        }
    }
    while results.len() < words.iter().collect::<std::collections::BTreeSet<_>>().len() {
        let round = rounds.next().await;
        let word = round.server.server.to_string();
        let address = addresses.get(&word).cloned();
        results.insert(word.clone(), tested(word, address, &round));
    }
    words.iter().filter_map(|word| results.remove(word)).collect()
}

fn untested(word: &str, why: &str) -> Checked {
    let reason = Reason { stage: None, code: "untested".to_owned(), text: why.to_owned() };
    Checked {
        upstream: word.to_owned(),
        address: None,
        health: Verdict::Unknown,
        latency_ms: None,
        reason: Some(reason),
        probes: Vec::new(),
    }
}

fn tested(upstream: String, address: Option<String>, round: &Round) -> Checked {
    let found = round.finding();
    let reason = match found {
        Finding::Good(_) => None,
        Finding::Failed(failure) => Some(Reason {
            stage: Some(failure.stage.to_string()),
            code: failure.cause.as_str().to_owned(),
            text: failure.text.clone(),
        }),
        Finding::Void => Some(Reason { stage: None, code: "untested".to_owned(), text: void_text(round) }),
    };
    Checked {
        upstream,
        address,
        health: found.verdict(),
        latency_ms: if let Finding::Good(took) = found { Some(millis(took)) } else { None },
        reason,
        probes: round.probes.iter().map(probe).collect(),
    }
}

fn void_text(round: &Round) -> String {
    let text = round.probes.iter().find_map(|probe| match &probe.outcome {
        Outcome::Void(why) => Some(why.clone()),
        Outcome::Passed(_) | Outcome::Failed(_) => None,
    });
    text.unwrap_or_else(|| "this host could not ask".to_owned())
}

fn probe(probe: &ProbeOutcome) -> Probe {
    let (text, failed_stage) = match &probe.outcome {
        Outcome::Passed(_) => (None, None),
        Outcome::Failed(failure) => (Some(failure.text.clone()), Some(failure.stage.to_string())),
        Outcome::Void(why) => (Some(why.clone()), None),
    };
    let stages =
        probe.stages.iter().map(|passed| Stage { stage: passed.stage.to_string(), ms: millis(passed.took) });
    Probe {
        url: probe.target.to_string(),
        passed: matches!(probe.outcome, Outcome::Passed(_)),
        text,
        failed_stage,
        stages: stages.collect(),
    }
}

/// Milliseconds, to the tenth.
fn millis(took: std::time::Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

/// The worst one's, in the order in which they matter: offline, degraded, untested, online.
fn exit_code(checked: &[Checked]) -> u8 {
    let codes = checked.iter().map(|one| of_verdict(one.health));
    codes
        .max_by_key(|code| match code {
            2 => 3,
            1 => 2,
            3 => 1,
            _ => 0,
        })
        .unwrap_or(Exit::Unknown.code())
}

fn table(checked: &[Checked], verbose: bool, terminal: &Terminal) -> String {
    const COLUMNS: [Column; 4] = [
        Column { heading: "UPSTREAM", right: false, dispensable: None },
        Column { heading: "HEALTH", right: false, dispensable: None },
        Column { heading: "LATENCY", right: true, dispensable: Some(1) },
        Column { heading: "REASON", right: false, dispensable: None },
    ];
    if verbose {
        return checked.iter().map(|one| details(one, terminal)).collect::<Vec<_>>().join("\n");
    }
    let row = |one: &Checked| {
        vec![
            one.upstream.clone(),
            terminal.verdict(one.health),
            one.latency_ms.map_or_else(|| "-".to_owned(), |millis| format!("{millis:.0}ms")),
            one.reason.as_ref().map_or_else(|| "-".to_owned(), |reason| reason.text.clone()),
        ]
    };
    render(&COLUMNS, &checked.iter().map(row).collect::<Vec<_>>(), terminal)
}

fn details(one: &Checked, terminal: &Terminal) -> String {
    let at = one.address.as_ref().filter(|address| **address != one.upstream);
    let at = at.map(|address| format!(" ({address})")).unwrap_or_default();
    let mut text = format!("{}{at}  {}\n", one.upstream, terminal.verdict(one.health));
    if let (Some(reason), true) = (&one.reason, one.probes.is_empty()) {
        text.push_str(&format!("  {}\n", reason.text));
    }
    for probe in &one.probes {
        text.push_str(&format!("  {}\n", probe.url));
        for stage in &probe.stages {
            text.push_str(&format!("    {:<8} {:>9.1} ms  ok\n", stage.stage, stage.ms));
        }
        if let Some(why) = &probe.text {
            let stage = probe.failed_stage.as_deref().unwrap_or("-");
            text.push_str(&format!("    {stage:<8} {:>12}  {why}\n", "failed"));
        }
    }
    text
}

/// The seed's own form: `18181,degraded,N/A`.
fn csv(checked: &[Checked]) -> String {
    let line = |one: &Checked| {
        let millis = one.latency_ms.map_or_else(|| "N/A".to_owned(), |millis| format!("{millis:.0}"));
        format!("{},{},{millis}\n", one.upstream, one.health)
    };
    checked.iter().map(line).collect()
}

fn json(checked: &[Checked]) -> String {
    let document = serde_json::json!({
        "apiVersion": failover::status::API_VERSION,
        "kind": "Check",
        "exit_code": exit_code(checked),
        "results": checked,
    });
    format!("{document}\n")
}
