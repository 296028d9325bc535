//! The detector's table, every state against every finding, and its properties over any sequence of rounds.

use super::*;
use crate::{Cause, Name, Outcome, ProbeOutcome, ServerId};
use proptest::prelude::*;

const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saw {
    Good,
    ClosedPort,
    DeadTunnel,
    Nothing,
}

#[test]
fn the_table_of_states_and_findings_is_as_documented() {
    use Saw::{ClosedPort, DeadTunnel, Good, Nothing};
    use State::{Condemned, Fresh, Trusted};
    let table = [
        (Fresh { failed: 0 }, Good, Trusted { failed: 0 }),
        (Fresh { failed: 0 }, ClosedPort, Fresh { failed: 1 }),
        (Fresh { failed: 0 }, DeadTunnel, Fresh { failed: 1 }),
        (Fresh { failed: 0 }, Nothing, Fresh { failed: 0 }),
        (Fresh { failed: 1 }, Good, Trusted { failed: 0 }),
        (Fresh { failed: 1 }, ClosedPort, Condemned { good: 0 }),
        (Fresh { failed: 1 }, DeadTunnel, Condemned { good: 0 }),
        (Fresh { failed: 1 }, Nothing, Fresh { failed: 1 }),
        (Trusted { failed: 0 }, Good, Trusted { failed: 0 }),
        (Trusted { failed: 0 }, ClosedPort, Trusted { failed: 1 }),
        (Trusted { failed: 0 }, DeadTunnel, Trusted { failed: 1 }),
        (Trusted { failed: 0 }, Nothing, Trusted { failed: 0 }),
        (Trusted { failed: 1 }, Good, Trusted { failed: 0 }),
        (Trusted { failed: 1 }, ClosedPort, Condemned { good: 0 }),
        (Trusted { failed: 1 }, DeadTunnel, Condemned { good: 0 }),
        (Trusted { failed: 1 }, Nothing, Trusted { failed: 1 }),
        (Condemned { good: 0 }, Good, Condemned { good: 1 }),
        (Condemned { good: 0 }, ClosedPort, Condemned { good: 0 }),
        (Condemned { good: 0 }, DeadTunnel, Condemned { good: 0 }),
        (Condemned { good: 0 }, Nothing, Condemned { good: 0 }),
        (Condemned { good: 1 }, Good, Trusted { failed: 0 }),
        (Condemned { good: 1 }, ClosedPort, Condemned { good: 0 }),
        (Condemned { good: 1 }, DeadTunnel, Condemned { good: 0 }),
        (Condemned { good: 1 }, Nothing, Condemned { good: 1 }),
    ];
    for (from, saw, to) in table {
        let mut detector = Detector::new(Thresholds::with_interval(INTERVAL), Time::ZERO);
        detector.state = from;
        let round = round(saw, 1000);
        assert_eq!(detector.after(round.finding()), to, "{from:?} and {saw:?}");
    }
}

#[test]
fn one_good_round_at_start_two_failed_ones_condemn_and_two_good_ones_redeem() {
    let mut detector = Detector::new(Thresholds::with_interval(INTERVAL), Time::ZERO);
    assert_eq!(detector.next(), Next { at: Time::ZERO, ask: Ask::All });
    assert!(detector.on_round(&round(Saw::Good, 10)));
    assert_eq!(detector.health().verdict, Verdict::Online);

    assert!(!detector.on_round(&round(Saw::DeadTunnel, 2000)));
    assert_eq!(
        detector.next(),
        Next { at: Time::from_millis(2000), ask: Ask::All },
        "the second one at once"
    );
    assert!(detector.on_round(&round(Saw::DeadTunnel, 2500)));
    assert_eq!(detector.health().verdict, Verdict::Degraded);
    assert_eq!(detector.health().since, Time::from_millis(2500));
    assert_eq!(detector.next(), Next { at: Time::from_millis(3500), ask: Ask::One });

    assert!(!detector.on_round(&round(Saw::Good, 3600)));
    assert!(detector.on_round(&round(Saw::Good, 4600)));
    assert_eq!(
        detector.health(),
        &Health { verdict: Verdict::Online, reason: None, since: Time::from_millis(4600) }
    );
}

#[test]
fn a_condemned_server_goes_between_degraded_and_offline_with_what_is_seen() {
    let mut detector = Detector::new(Thresholds::with_interval(INTERVAL), Time::ZERO);
    detector.on_round(&round(Saw::DeadTunnel, 0));
    detector.on_round(&round(Saw::DeadTunnel, 0));
    assert!(detector.on_round(&round(Saw::ClosedPort, 50)));
    assert_eq!(detector.health().verdict, Verdict::Offline);
    assert!(detector.on_round(&round(Saw::DeadTunnel, 90)));
    assert_eq!(
        (detector.health().verdict, detector.health().since),
        (Verdict::Degraded, Time::from_millis(90))
    );
}

#[test]
fn a_round_is_good_if_any_target_answered_and_its_failure_is_the_one_that_got_furthest() {
    let mut mixed = round(Saw::DeadTunnel, 0);
    mixed.probes.extend(round(Saw::ClosedPort, 0).probes);
    assert!(matches!(mixed.finding(), Finding::Failed(failure) if failure.stage == Stage::Connect));
    mixed.probes.extend(round(Saw::Good, 0).probes);
    assert_eq!(mixed.finding(), Finding::Good(Duration::from_millis(48)));
}

proptest! {
    #[test]
    fn nothing_condemns_but_failures_in_a_row_and_void_rounds_change_nothing(
        rounds in prop::collection::vec(
            prop::sample::select(vec![Saw::Good, Saw::ClosedPort, Saw::DeadTunnel, Saw::Nothing]), 0..200)
    ) {
        let mut detector = Detector::new(Thresholds::with_interval(INTERVAL), Time::ZERO);
        let mut failed_in_a_row = 0;
        for (index, saw) in rounds.into_iter().enumerate() {
            let now = index as u64 * 1000;
            let before = detector.health().clone();
            let changed = detector.on_round(&round(saw, now));
            failed_in_a_row = match saw {
                Saw::Good => 0,
                Saw::ClosedPort | Saw::DeadTunnel => failed_in_a_row + 1,
                Saw::Nothing => failed_in_a_row,
            };
            let health = detector.health();
            prop_assert_eq!(changed, health.verdict != before.verdict);
            prop_assert_eq!(health.reason.is_some(), health.verdict.is_condemned());
            if health.verdict.is_condemned() && !before.verdict.is_condemned() {
                prop_assert!(failed_in_a_row >= 2);
            }
            if saw == Saw::Nothing {
                prop_assert_eq!(health, &before);
            }
            prop_assert!(detector.next().at >= Time::from_millis(now));
            prop_assert!(detector.next().at <= Time::from_millis(now) + INTERVAL);
        }
    }
}

fn round(saw: Saw, at: u64) -> Round {
    let failed = |stage, cause| {
        Outcome::Failed(Failure { stage, cause, text: format!("{stage}: {}", cause.as_str()) })
    };
    let outcome = match saw {
        Saw::Good => Outcome::Passed(Duration::from_millis(48)),
        Saw::ClosedPort => failed(Stage::Tcp, Cause::Refused),
        Saw::DeadTunnel => failed(Stage::Connect, Cause::Timeout),
        Saw::Nothing => Outcome::Void("no descriptors left".to_owned()),
    };
    let probe = ProbeOutcome { target: Name::from("https://1.1.1.1/"), stages: Vec::new(), outcome };
    Round {
        server: ServerId::new("socks_back_7891", "wg1"),
        started: Time::from_millis(at.saturating_sub(50)),
        finished: Time::from_millis(at),
        probes: vec![probe],
    }
}
