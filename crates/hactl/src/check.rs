//! `hactl check`: all targets through each upstream, now. No daemon is needed; one that runs is asked where servers are,
//! and what it asks for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Duration;

use checker::{Finding, Outcome, ProbeOutcome, Prober, Settings, Target, TargetError, TlsRoots, Upstream};
use failover::Verdict;
use hactld::admin::Probing;
use hactld::config::DEFAULT_TARGETS;
use hactld::text::Shown;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::cli::{CheckArgs, CheckFormat};
use crate::exit::{Exit, finding, of_verdict};
use crate::report::{Report, print, sources};
use crate::steered;
use crate::table::{Column, render};
use crate::terminal::Terminal;
use crate::upstream::{Servers, UpstreamError, is_server, resolve, told, without_password, words};

/// The code of a reason that says nothing about the upstream.
const UNTESTED: &str = "untested";

/// From one round to the next, where more than one is asked for: what comes and goes gets a chance to.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(200);

/// What `hactl check -o json` prints. Within v1 keys are only added.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Check")]
pub(crate) struct Document {
    /// `hactl/v1`.
    #[serde(rename = "apiVersion")]
    api_version: String,
    /// The exit code of `hactl check`: the worst upstream's.
    exit_code: u8,
    /// `Check`.
    kind: String,
    /// One for each upstream, in the order in which they were given.
    results: Vec<Checked>,
}

/// One upstream's result.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Checked {
    /// As it was given.
    upstream: String,
    /// Where it listens; `null` where that is not known.
    address: Option<String>,
    /// What was found.
    health: Verdict,
    /// What one request through it took; `null` where none was answered.
    latency_ms: Option<f64>,
    /// Rounds that were asked for.
    rounds: u32,
    /// Those of them that passed.
    passed: u32,
    /// Why it is not online; `null` where it is.
    reason: Option<Reason>,
    /// The probes that came to an end.
    probes: Vec<Probe>,
    /// What to do where it could not be tested; for people.
    #[serde(skip)]
    next: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Reason {
    /// The stage that failed; `null` where nothing was tested.
    stage: Option<String>,
    /// Why, as one word; `untested` where nothing was tested.
    code: String,
    /// In words.
    text: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Probe {
    /// What was asked for.
    url: String,
    /// It was answered.
    passed: bool,
    /// Why not, in words.
    text: Option<String>,
    /// The stage that failed.
    failed_stage: Option<String>,
    /// Those that were passed, in their order.
    stages: Vec<Stage>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Stage {
    /// `tcp`, `greeting`, `connect`, `tls`, `http` or `banner`.
    stage: String,
    /// What it took, in milliseconds.
    ms: f64,
}

pub(crate) fn run(args: &CheckArgs, terminal: &Terminal) -> ExitCode {
    let words = words(&args.upstreams);
    let daemon = Daemon::of(args, &words);
    let asker = match Asker::new(args, daemon.probing) {
        Ok(asker) => asker,
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
    if words.is_empty() {
        let report = Report::new("nothing to test".to_owned()).because("standard input named no upstream");
        report.next("write one upstream on each line").print(terminal);
        return Exit::Unknown.into();
    }
    let checked = runtime.block_on(check(&words, daemon.servers, &asker));
    match args.output {
        CheckFormat::Table => print(&table(&checked, args.verbose, terminal)),
        CheckFormat::Csv => print(&csv(&checked)),
        CheckFormat::Json => print(&json(&checked)),
    }
    for report in untested_reports(&checked) {
        report.print(terminal);
    }
    finding(exit_code(&checked), args.exit_zero).into()
}

/// What the daemon knows of upstreams that are called by name. It is asked for nothing else, and for nothing where HAProxy is named.
struct Daemon {
    servers: Servers,
    probing: Option<Probing>,
}

impl Daemon {
    fn of(args: &CheckArgs, words: &[String]) -> Self {
        let named = args.haproxy.clone();
        if named.is_some() || !words.iter().any(|word| is_server(word)) {
            return Self { servers: Servers::of(Vec::new(), named.into_iter().collect()), probing: None };
        }
        let status = steered::status(&args.socket);
        let haproxies = steered::haproxies(status.as_ref());
        let probing = status.as_ref().and_then(|_| steered::probing(&args.socket));
        Self { servers: Servers::of(status.iter().flat_map(told).collect(), haproxies), probing }
    }
}

/// What asks through upstreams.
struct Asker {
    prober: Prober,
    settings: Settings,
    rounds: u32,
}

impl Asker {
    /// What is not said is as the daemon has it; what it asks for belongs with its certificate authority.
    fn new(args: &CheckArgs, probing: Option<Probing>) -> Result<Self, Report> {
        let wrong = |what: &str, error: &dyn std::error::Error| {
            let why =
                sources(error).map_or_else(|| error.to_string(), |sources| format!("{error}: {sources}"));
            let next = if what.starts_with("--") {
                "correct it; see hactl check --help"
            } else {
                "name others with --url, and an authority with --ca-file"
            };
            Report::new(format!("{what} cannot be used")).because(why).next(next)
        };
        let probing = probing.filter(|_| args.url.is_empty());
        let targets = match &probing {
            Some(probing) => probing.targets().map_err(|error| wrong("a target of the daemon", &error))?,
            None => targets(&args.url).map_err(|error| wrong("--url", &error))?,
        };
        let settings = Settings::new(targets, args.timeout).map_err(|error| wrong("--url", &error))?;
        let its_authority = probing.and_then(|probing| probing.ca_file);
        let whose = if args.ca_file.is_some() { "--ca-file" } else { "the daemon's ca_file" };
        let roots = TlsRoots { ca_files: args.ca_file.clone().or(its_authority).into_iter().collect() };
        let prober = Prober::new(&roots).map_err(|error| wrong(whose, &error))?;
        Ok(Self { prober, settings, rounds: args.count })
    }

    /// `word` as it was given, with what came of it.
    fn ask(&self, word: String, upstream: Upstream) -> impl Future<Output = Checked> + Send + 'static {
        let (prober, settings, rounds) = (self.prober.clone(), self.settings.clone(), self.rounds);
        async move {
            let address = upstream.address.to_string();
            let mut results = Vec::new();
            for round in 0..rounds {
                if round > 0 {
                    sleep(BETWEEN_ROUNDS).await;
                }
                let probes = prober.race(&upstream, &settings).await;
                results.push(tested(word.clone(), address.clone(), &probes));
            }
            together(results).unwrap_or_else(|| tested(word, address, &[]))
        }
    }
}

/// Those that are named, else the usual ones.
fn targets(urls: &[String]) -> Result<Vec<Target>, TargetError> {
    if urls.is_empty() {
        return DEFAULT_TARGETS.iter().map(|url| url.parse()).collect();
    }
    urls.iter().map(|url| url.parse()).collect()
}

/// All at once; the results in the order in which they were asked for.
async fn check(words: &[String], mut servers: Servers, asker: &Asker) -> Vec<Checked> {
    let mut results: BTreeMap<String, Checked> = BTreeMap::new();
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    let mut running = JoinSet::new();
    for word in words {
        if !asked.insert(word) {
            continue;
        }
        match resolve(word, &mut servers).await {
            Ok(upstream) => {
                running.spawn(asker.ask(word.clone(), upstream));
            }
            Err(error) => {
                results.insert(word.clone(), untested(&without_password(word), &error));
            }
        }
    }
    // A panic in a probe is caught where it happens, and nobody cancels these.
    while let Some(Ok(checked)) = running.join_next().await {
        results.insert(checked.upstream.clone(), checked);
    }
    words.iter().filter_map(|word| results.get(word).cloned()).collect()
}

/// Several rounds as one result: the worst, with the median of what those took that passed, and the probes of all.
fn together(rounds: Vec<Checked>) -> Option<Checked> {
    let mut times: Vec<f64> = rounds.iter().filter_map(|round| round.latency_ms).collect();
    times.sort_unstable_by(f64::total_cmp);
    let probes: Vec<Probe> = rounds.iter().flat_map(|round| round.probes.clone()).collect();
    let (count, passed) = (rounds.len(), times.len());
    let worst = rounds.into_iter().max_by_key(|round| rank(of_verdict(round.health)))?;
    let latency_ms = times.get(passed.saturating_sub(1) / 2).copied();
    let (rounds, passed) = (u32::try_from(count).ok()?, u32::try_from(passed).ok()?);
    Some(Checked { latency_ms, rounds, passed, probes, ..worst })
}

fn untested(word: &str, error: &UpstreamError) -> Checked {
    let reason = Reason { stage: None, code: UNTESTED.to_owned(), text: error.to_string() };
    Checked {
        upstream: word.to_owned(),
        address: None,
        health: Verdict::Unknown,
        latency_ms: None,
        rounds: 1,
        passed: 0,
        reason: Some(reason),
        probes: Vec::new(),
        next: Some(error.next()),
    }
}

/// Why some could not be tested: each reason once.
fn untested_reports(checked: &[Checked]) -> Vec<Report> {
    let mut named: Vec<(&Reason, Option<&str>, Vec<&str>)> = Vec::new();
    for one in checked {
        let Some(reason) = one.reason.as_ref().filter(|reason| reason.code == UNTESTED) else { continue };
        match named.iter_mut().find(|(known, ..)| *known == reason) {
            Some((.., upstreams)) if upstreams.contains(&one.upstream.as_str()) => {}
            Some((.., upstreams)) => upstreams.push(&one.upstream),
            None => named.push((reason, one.next, vec![&one.upstream])),
        }
    }
    let report = |(reason, next, upstreams): (&Reason, Option<&str>, Vec<&str>)| {
        let report = Report::new(format!("{} could not be tested", upstreams.join(", ")));
        Report { next: next.map(str::to_owned), ..report }.because(reason.text.clone())
    };
    named.into_iter().map(report).collect()
}

fn tested(upstream: String, address: String, probes: &[ProbeOutcome]) -> Checked {
    let found = Finding::of(probes);
    let reason = match found {
        Finding::Good(_) => None,
        Finding::Failed(failure) => Some(Reason {
            stage: Some(failure.stage.to_string()),
            code: failure.cause.as_str().to_owned(),
            text: failure.text.clone(),
        }),
        Finding::Void => Some(Reason { stage: None, code: UNTESTED.to_owned(), text: void_text(probes) }),
    };
    Checked {
        upstream,
        address: Some(address),
        health: verdict(found),
        latency_ms: if let Finding::Good(took) = found { Some(millis(took)) } else { None },
        rounds: 1,
        passed: u32::from(matches!(found, Finding::Good(_))),
        reason,
        probes: probes.iter().map(probe).collect(),
        next: None,
    }
}

const fn verdict(found: Finding<'_>) -> Verdict {
    match found {
        Finding::Good(_) => Verdict::Online,
        Finding::Failed(failure) => Verdict::of_failure(failure),
        Finding::Void => Verdict::Unknown,
    }
}

fn void_text(probes: &[ProbeOutcome]) -> String {
    let text = probes.iter().find_map(|probe| match &probe.outcome {
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
    codes.max_by_key(|code| rank(*code)).unwrap_or(Exit::Unknown.code())
}

/// In which order codes matter.
const fn rank(code: u8) -> u8 {
    match code {
        2 => 3,
        1 => 2,
        3 => 1,
        _ => 0,
    }
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
            Shown(&one.upstream).to_string(),
            terminal.verdict(one.health),
            one.latency_ms.map_or_else(|| "-".to_owned(), |millis| format!("{millis:.0}ms")),
            one.why(),
        ]
    };
    render(&COLUMNS, &checked.iter().map(row).collect::<Vec<_>>(), terminal)
}

fn details(one: &Checked, terminal: &Terminal) -> String {
    let at = one.address.as_ref().filter(|address| **address != one.upstream);
    let at = at.map(|address| format!(" ({address})")).unwrap_or_default();
    let mut text = format!("{}{at}  {}\n", Shown(&one.upstream), terminal.verdict(one.health));
    if let (Some(reason), true) = (&one.reason, one.probes.is_empty()) {
        text.push_str(&format!("  {}\n", reason.in_table()));
    }
    for probe in &one.probes {
        text.push_str(&format!("  {}\n", Shown(&probe.url)));
        for stage in &probe.stages {
            text.push_str(&format!("    {:<8} {:>9.1} ms  ok\n", stage.stage, stage.ms));
        }
        if let Some(why) = &probe.text {
            let (stage, word) = match &probe.failed_stage {
                Some(stage) => (stage.as_str(), "failed"),
                None => ("-", "not made"),
            };
            text.push_str(&format!("    {stage:<8} {word:>12}  {}\n", Shown(why)));
        }
    }
    text
}

impl Checked {
    /// Why it is not online, and how often it was where it was asked more than once.
    fn why(&self) -> String {
        let reason = self.reason.as_ref().map(Reason::in_table);
        let rounds = (self.rounds > 1).then(|| format!("{} of {} passed", self.passed, self.rounds));
        let parts: Vec<String> = rounds.into_iter().chain(reason).collect();
        if parts.is_empty() { "-".to_owned() } else { parts.join("; ") }
    }
}

impl Reason {
    /// Why one was not tested is told apart, with what to do.
    fn in_table(&self) -> String {
        let text = if self.code == UNTESTED { "could not be tested" } else { &self.text };
        Shown(text).to_string()
    }
}

/// The seed's own form: `18181,degraded,N/A`. Quotes are not in it, so a comma in what was given is escaped: every
/// line has three columns, and no upstream has a comma.
fn csv(checked: &[Checked]) -> String {
    let line = |one: &Checked| {
        let took = one.latency_ms.filter(|_| one.health == Verdict::Online);
        let millis = took.map_or_else(|| "N/A".to_owned(), |millis| format!("{millis:.0}"));
        let upstream = Shown(&one.upstream).to_string().replace(',', "\\u{2c}");
        format!("{upstream},{},{millis}\n", one.health)
    };
    checked.iter().map(line).collect()
}

fn json(checked: &[Checked]) -> String {
    let document = Document {
        api_version: failover::status::API_VERSION.to_owned(),
        exit_code: exit_code(checked),
        kind: "Check".to_owned(),
        results: checked.to_vec(),
    };
    // Made of texts and numbers: it can be written.
    format!("{}\n", serde_json::to_string(&document).unwrap_or_default())
}

#[cfg(test)]
mod tests;
