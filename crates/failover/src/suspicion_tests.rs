//! Waves and their outcome: what confirms a suspicion, what keeps it open, and when the next wave goes out.

use super::*;

const A: TargetId = TargetId(0);
const B: TargetId = TargetId(1);
const ORIGIN: ProbeId = ProbeId(99);

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

fn failure(stage: Stage, cause: Cause) -> Failure {
    Failure { stage, cause, text: String::new() }
}

fn late() -> Standing {
    Standing::Late(failure(Stage::Connect, Cause::Timeout))
}

fn failed(cause: Cause) -> Standing {
    let stage = if cause == Cause::Refused { Stage::Tcp } else { Stage::Connect };
    Standing::Failed(failure(stage, cause))
}

fn suspicion(ride: u64) -> Suspicion {
    let confirmation = Confirmation {
        waves: 2,
        spacing: Duration::from_millis(100),
        ride: Duration::from_millis(ride),
        patience: Duration::from_millis(400),
    };
    Suspicion::new(at(1000), at(1100), Some(A), confirmation)
}

/// A suspicion whose waves have all gone out, three probes in each.
fn sent() -> Suspicion {
    let mut suspicion = suspicion(0);
    suspicion.send([(ProbeId(1), A), (ProbeId(2), B), (ProbeId(3), A)].into_iter(), at(1100));
    suspicion.send([(ProbeId(4), A), (ProbeId(5), B), (ProbeId(6), A)].into_iter(), at(1200));
    suspicion
}

fn set_all(suspicion: &mut Suspicion, standing: &Standing) {
    for id in 1..=6 {
        suspicion.set(ProbeId(id), standing.clone(), at(1300));
    }
}

#[test]
fn waves_go_out_at_their_spacing_and_not_before_the_silence_that_is_ridden_out() {
    let mut suspicion = suspicion(0);
    assert_eq!(suspicion.next_wave(), Some(at(1100)));
    suspicion.send([(ProbeId(1), A)].into_iter(), at(1100));
    assert_eq!(suspicion.next_wave(), Some(at(1400)), "it came back from such a silence before");
    suspicion.send([(ProbeId(2), A)].into_iter(), at(1400));
    assert_eq!(suspicion.next_wave(), None);

    let mut patient = self::suspicion(2500);
    patient.send([(ProbeId(1), A)].into_iter(), at(1100));
    assert_eq!(patient.next_wave(), Some(at(3500)));
    patient.set(ProbeId(1), failed(Cause::Refused), at(1101));
    assert_eq!(patient.next_wave(), Some(at(3500)), "what fails at once is ridden out, too");
}

#[test]
fn where_all_fail_at_once_the_next_wave_follows_at_once() {
    let mut suspicion = suspicion(0);
    suspicion.send([(ProbeId(1), A), (ProbeId(2), B)].into_iter(), at(1100));
    suspicion.set(ProbeId(1), failed(Cause::Refused), at(1101));
    assert_eq!(suspicion.next_wave(), Some(at(1400)));
    suspicion.set(ProbeId(2), failed(Cause::Refused), at(1101));
    assert_eq!(suspicion.next_wave(), Some(at(1111)));
}

#[test]
fn everything_has_to_be_late_or_failed_and_so_has_what_raised_it() {
    let mut suspicion = sent();
    suspicion.raised_by(ORIGIN, Kind::Canary, Stage::Http);
    set_all(&mut suspicion, &late());
    assert_eq!(suspicion.finding(), Finding::Open);
    suspicion.set(ORIGIN, late(), at(1300));
    assert!(matches!(suspicion.finding(), Finding::Beyond(_)));
    suspicion.set(ProbeId(5), Standing::Pending, at(1310));
    assert_eq!(suspicion.finding(), Finding::Open, "it came further after all");
}

#[test]
fn only_what_the_socks_server_does_itself_is_local() {
    for (cause, stage, local) in [
        (Cause::Refused, Stage::Tcp, true),
        (Cause::Auth, Stage::Greeting, true),
        (Cause::Protocol, Stage::Greeting, true),
        (Cause::Closed, Stage::Greeting, true),
        (Cause::Timeout, Stage::Tcp, false),
        (Cause::Unreachable, Stage::Tcp, false),
        (Cause::Timeout, Stage::Greeting, false),
        (Cause::Reply(1), Stage::Connect, false),
        (Cause::Certificate, Stage::Tls, false),
        (Cause::Closed, Stage::Http, false),
        (Cause::Status(302), Stage::Http, false),
        (Cause::Closed, Stage::Banner, false),
    ] {
        let mut suspicion = sent();
        set_all(&mut suspicion, &Standing::Failed(failure(stage, cause)));
        let finding = suspicion.finding();
        assert_eq!(matches!(finding, Finding::Local(_)), local, "{stage} {cause:?}");
        assert_eq!(matches!(finding, Finding::Beyond(_)), !local, "{stage} {cause:?}");
        assert_eq!(suspicion.looks_beyond(), !local);
    }
}

#[test]
fn one_failure_beyond_makes_all_of_it_beyond_and_the_furthest_is_told() {
    let mut suspicion = sent();
    set_all(&mut suspicion, &failed(Cause::Refused));
    suspicion.set(ProbeId(3), late(), at(1300));
    assert_eq!(suspicion.finding(), Finding::Beyond(failure(Stage::Connect, Cause::Timeout)));
}

#[test]
fn a_target_that_refuses_through_the_tunnel_speaks_against_the_server_only_if_all_do() {
    let mut suspicion = sent();
    set_all(&mut suspicion, &failed(Cause::Reply(5)));
    assert_eq!(suspicion.finding(), Finding::Beyond(failure(Stage::Connect, Cause::Reply(5))));
    suspicion.set(ProbeId(1), late(), at(1300));
    assert_eq!(suspicion.finding(), Finding::Beyond(failure(Stage::Connect, Cause::Timeout)));
    assert_eq!(suspicion.silent_targets().len(), 2);
}

#[test]
fn what_this_host_could_not_ask_is_asked_again_and_confirms_nothing() {
    let mut suspicion = sent();
    for id in 1..=3 {
        suspicion.forget(ProbeId(id));
        suspicion.fill_up(at(1250));
    }
    assert_eq!(suspicion.next_wave(), None, "half of them will do");
    suspicion.forget(ProbeId(4));
    suspicion.fill_up(at(1250));
    set_all(&mut suspicion, &late());
    assert_eq!(suspicion.finding(), Finding::Open);
    assert_eq!(suspicion.next_wave(), Some(at(1750)));
    suspicion.send([(ProbeId(7), A)].into_iter(), at(1750));
    assert_eq!(suspicion.next_wave(), None);
}

#[test]
fn a_small_answer_does_not_speak_for_large_ones() {
    for (kind, stage, small_will_do) in [
        (Kind::Canary, Stage::Http, true),
        (Kind::Full, Stage::Connect, true),
        (Kind::Full, Stage::Tls, false),
        (Kind::Open, Stage::Http, false),
    ] {
        let mut raised = suspicion(0);
        raised.raised_by(ORIGIN, kind, stage);
        let mut blamed = suspicion(0);
        blamed.blame(kind, failure(stage, Cause::Timeout));
        for suspicion in [raised, blamed] {
            assert_eq!(suspicion.is_refuted_by(Kind::Canary), small_will_do, "{kind:?} {stage}");
            assert!(suspicion.is_refuted_by(Kind::Full));
        }
    }
}

#[test]
fn a_kept_connection_does_not_speak_for_fresh_ones_that_are_refused() {
    for (kind, cause, kept_will_do) in [
        (Kind::Full, Cause::Reply(1), false),
        (Kind::Open, Cause::Closed, false),
        (Kind::Full, Cause::Timeout, true),
        (Kind::Canary, Cause::Closed, true),
    ] {
        let mut blamed = suspicion(0);
        blamed.blame(kind, failure(Stage::Connect, cause));
        assert_eq!(blamed.is_refuted_by(Kind::Canary), kept_will_do, "{kind:?} {cause:?}");
        assert!(blamed.is_refuted_by(Kind::Full));
    }
}
