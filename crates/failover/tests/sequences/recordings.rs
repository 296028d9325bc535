//! A sequence of bytes as a recording, made by nobody: what hactl reads may have been written by hand.

use std::time::Duration;

use failover::replay::{Replay, Rerun, Summary, compare};
use failover::*;

use crate::harness;

/// The beginnings of lines in which probes that were ordered are answered, and time passes by little.
pub(crate) const PLAUSIBLE: [u8; 16] = [0, 1, 2, 3, 16, 17, 18, 19, 32, 48, 64, 80, 96, 112, 128, 129];

/// Spans, some of which nobody configures.
const SPANS: [u64; 6] = [0, 1, 1_000, 250_000, 5_000_000, u64::MAX];

/// The quickest that can be configured: what is quicker only takes longer.
const CADENCE_MIN: Duration = Duration::from_millis(50);
const TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// Replays it, and reruns it with other settings; panics where something cannot be counted on.
pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let mut byte = || bytes.next();
    let mut settings = || settings(byte().unwrap_or(0), byte().unwrap_or(0));
    let (recorded, changed) = (settings(), settings());
    let (mut replay, mut rerun) = (Replay::new(recorded), Rerun::new(changed));
    let (mut decisions, mut ordered, mut now) = (Vec::new(), Vec::new(), Time::ZERO);
    while let (Some(what), Some(argument)) = (byte(), byte()) {
        now = now + pause(what, argument);
        let recorded = Recorded { at: now, input: input(what, argument, now, &ordered) };
        let mut turn = replay.take(&recorded);
        ordered.extend(turn.orders.iter().filter_map(|order| match order {
            Order::Probe(probe) => Some(probe.id),
            Order::Drop(_) => None,
        }));
        rerun.see(recorded, &turn);
        decisions.append(&mut turn.decisions);
    }
    rerun.finish();
    let others = rerun.take_decisions();
    assert!(
        decisions.is_sorted_by_key(|decision| decision.at) && others.is_sorted_by_key(|decision| decision.at)
    );
    assert!(compare(&decisions, &others).len() <= decisions.len() + others.len());
    assert!(Summary::of(&others).suspected_false_alarms <= others.len());
}

fn settings(flavour: u8, odd: u8) -> Settings {
    let mut settings = harness::settings(flavour);
    let span = Duration::from_micros(SPANS[usize::from(odd) % SPANS.len()]);
    match odd / 32 {
        0 => settings.fast = Cadence { canary: span.max(CADENCE_MIN), full: span.max(CADENCE_MIN) },
        1 => settings.eco = Cadence { canary: span.max(CADENCE_MIN), full: span.max(CADENCE_MIN) },
        2 => settings.timeout = span.max(TIMEOUT_MIN),
        3 => settings.false_alarm_every = span,
        4 => settings.ride_through = span,
        _ => {}
    }
    settings
}

fn pause(what: u8, argument: u8) -> Duration {
    let number = u64::from(argument);
    match what >> 4 {
        0..=7 => Duration::from_micros(number),
        8..=11 => Duration::from_millis(number),
        12 => Duration::from_millis(number * 20),
        13 => Duration::from_secs(number / 16),
        14 if argument > 250 => Duration::from_micros(u64::MAX),
        _ => Duration::ZERO,
    }
}

fn input(what: u8, argument: u8, now: Time, ordered: &[ProbeId]) -> Input {
    let recent =
        ordered.len().checked_sub(1 + usize::from(argument) % 16).and_then(|index| ordered.get(index));
    let probe = match what & 0x0f {
        15 => ProbeId(u64::from(argument) << 56),
        _ => recent.copied().unwrap_or(ProbeId(0)),
    };
    let took = Duration::from_micros(if argument == 255 { u64::MAX } else { u64::from(argument) * 1_000 });
    let saw = match what & 0x07 {
        0 | 1 => Saw::Began,
        2 => Saw::Passed(StageTime { stage: harness::stage(argument), took }),
        3 | 4 => {
            let last = StageTime { stage: Stage::Http, took };
            let status = if argument == 77 { Some(429) } else { Some(200) };
            Saw::Ended(Ending::Success(Success { last, status, received: 1, kept: argument & 1 == 0 }))
        }
        5 => Saw::Ended(harness::failure(harness::stage(argument), Cause::Timeout)),
        6 => Saw::Ended(harness::failure(Stage::Tcp, Cause::Refused)),
        _ if argument & 1 == 0 => Saw::Ended(Ending::Void("no descriptors".to_owned())),
        _ => Saw::Closed,
    };
    match what >> 4 {
        6 | 10 => Input::Due,
        7 if argument == 0 => Input::Gap(took),
        7 if argument == 1 => Input::FailBack(Name::from("one")),
        7 if argument == 2 => Input::Probe(ServerId::new("one", "a")),
        7 if argument < 32 => {
            let wall = jiff::Timestamp::UNIX_EPOCH;
            Input::Override(Box::new(OverrideInput { wall, change: harness::order(argument, wall) }))
        }
        7 | 11 => Input::Observed(Box::new(sight(argument))),
        _ => Input::Evidence(Evidence { probe, at: now, saw }),
    }
}

fn sight(argument: u8) -> Observed {
    let mut observed = harness::observed();
    if argument & 1 != 0 {
        observed.backends.pop_first();
    }
    for server in observed.backends.values_mut().flat_map(|backend| &mut backend.servers) {
        server.busy = argument & 2 != 0;
        server.managed = argument & 4 == 0 || server.backup;
        server.address = server.address.filter(|address| argument & 8 == 0 || address.port() % 2 == 0);
    }
    observed
}
