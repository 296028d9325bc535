//! Recordings that are whole, cut off, damaged, or none.

use std::path::Path;

use failover::{Line, Recorded};
use insta::assert_snapshot;

use super::super::*;
use super::scene::{header, recording, text};

#[test]
fn what_the_daemon_decided_is_decided_again() {
    let simulated = simulated(&recording(), &[]);
    let told: Vec<String> = simulated.recorded.decisions.iter().map(|one| one.what.to_string()).collect();
    let position =
        |text: &str| told.iter().position(|line| line == text).unwrap_or_else(|| panic!("{told:#?}"));
    let out = position("wants b/wg1 maint");
    assert_eq!(told[out - 1], "b/wg1 is offline: tcp: refused");
    assert_eq!(simulated.recorded.decisions[out].what.why(), Some("tcp: refused"));
    assert!(told[out + 1..].iter().any(|line| line == "wants b/wg1 ready"));
    assert!(simulated.strangers.is_none() && simulated.lost.is_none() && !simulated.cut);
    assert!(simulated.warnings(Path::new("F")).is_empty());
}

#[test]
fn other_settings_decide_otherwise_and_are_put_beside() {
    let changed = simulated(&recording(), &["probe.ride_through=60s"]).changed.unwrap();
    assert_eq!(changed.side.summary().out, 0, "{:#?}", changed.side.decisions);
    assert_eq!(changed.asked.1, 0, "each of its probes could be answered");
    let changed = simulated(&recording(), &["probe.canary=100ms"]).changed.unwrap();
    assert_eq!(changed.side.summary().out, 1);
}

#[test]
fn a_last_line_that_is_not_whole_is_left_out() {
    let whole = recording();
    let simulated = simulated(&whole[..whole.len() - 10], &[]);
    assert_eq!(simulated.inputs, whole.lines().count() as u64 - 2);
    assert_snapshot!(warnings(&simulated), @"
    the last line of F is not whole and was left out
      why:  hactl was killed while it wrote it, or is writing it now
    ");
    let without_newline = self::simulated(whole.trim_end(), &[]);
    assert_eq!(without_newline.inputs, whole.lines().count() as u64 - 1);
}

#[test]
fn a_gap_ends_the_replay() {
    let whole = recording();
    let half: String = whole.lines().take(100).map(|line| format!("{line}\n")).collect();
    let gap = format!("{half}{}{}", text(&Line::Lost { lost: 7 }), whole.lines().last().unwrap());
    let simulated = simulated(&gap, &[]);
    assert_eq!(simulated.inputs, 99);
    assert!(warnings(&simulated).contains("what follows it was not replayed"));
    assert!(warnings(&simulated).contains("the disk did not keep up: 7 inputs missing"));
}

#[test]
fn a_core_that_does_otherwise_is_told_apart() {
    let evidence = r#"{"at":7,"input":{"evidence":{"probe":99,"at":7,"saw":"began"}}}"#;
    let stranger = format!("{}{evidence}\n", text(&header()));
    assert_snapshot!(warnings(&simulated(&stranger, &[])), @"
    from +0.000 s on this is not what the daemon decided
      why:  1 input of probes that were not ordered here
    ");
    let older = Header { hactl: "0.0.1".to_owned(), ..header() };
    assert_snapshot!(warnings(&simulated(&text(&older), &[])), @"
    the daemon may have decided otherwise
      why:  it was recorded by hactl 0.0.1, this is 0.1.0
    ");
    assert_snapshot!(warnings(&simulated(&format!("{}{evidence}\n", text(&older)), &[])), @"
    from +0.000 s on this is not what the daemon decided
      why:  it was recorded by hactl 0.0.1, this is 0.1.0; 1 input of probes that were not ordered here
    ");
}

#[test]
fn what_is_no_recording_is_refused_with_what_to_do() {
    let head = text(&header());
    assert_snapshot!(refused(""), @"
    1 cannot replay F
      why:  it is empty
      next: name a file that was written by `hactl run --record FILE`
    ");
    assert_snapshot!(refused("{}\n"), @"
    1 cannot replay F
      why:  its first line is not that of a recording: missing field `format` (column 2)
      next: name a file that was written by `hactl run --record FILE`
    ");
    assert_snapshot!(refused("\u{7f}ELF\0\0"), @"
    1 cannot replay F
      why:  its first line is not that of a recording: expected value (column 1)
      next: name a file that was written by `hactl run --record FILE`
    ");
    assert_snapshot!(refused("{\"format\":1}"), @"
    1 cannot replay F
      why:  it was made by another version of hactl: missing field `hactl` (column 12)
      next: use the hactl that recorded it
    ");
    assert_snapshot!(refused(&head.replace("\"format\":1", "\"format\":2,\"new\":[]")), @"
    1 cannot replay F
      why:  it is of format 2, and this hactl reads format 1
      next: use the hactl that recorded it
    ");
    assert_snapshot!(refused(&head.replace("\"ride_through\"", "\"ride_thru\"")), @"
    1 cannot replay F
      why:  it was made by another version of hactl: unknown field `ride_thru`, expected one of `targets`, `profile`, `fast`, `eco`, `timeout`, `false_alarm_every`, `ride_through`, `hold`, `hold_max`, `control`, ` (column 315)
      next: use the hactl that recorded it
    ");
    assert_snapshot!(refused(&head.replace("[\"https://192.0.2.1/\"]", "[]")), @"
    1 cannot replay F
      why:  its settings cannot be replayed: it has 0 targets; from 1 to 32 can be configured
      next: name a recording that nobody has changed
    ");
    assert_snapshot!(refused(&head.replace("\"canary\":150000", "\"canary\":1")), @"
    1 cannot replay F
      why:  its settings cannot be replayed: its probes are made more often than can be configured
      next: name a recording that nobody has changed
    ");
}

#[test]
fn a_damaged_line_is_named_with_its_number() {
    let head = text(&header());
    let due =
        |millis| text(&Line::Input(Recorded { at: Time::from_millis(millis), input: failover::Input::Due }));
    assert_snapshot!(refused(&format!("{head}{}garbage\n{}", due(1), due(2))), @"
    1 cannot replay F
      why:  line 3 is not one of a recording: expected value (column 1)
      next: what is above it can be replayed: head -n 2 F > FILE
    ");
    assert_snapshot!(refused(&format!("{head}{}\n\n", due(1))), @"
    1 cannot replay F
      why:  line 3 is not one of a recording: EOF while parsing a value (column 0)
      next: what is above it can be replayed: head -n 2 F > FILE
    ");
    assert_snapshot!(refused(&format!("{head}{}{}", due(2), due(1))), @"
    1 cannot replay F
      why:  line 3 is earlier than the one above it
      next: what is above it can be replayed: head -n 2 F > FILE
    ");
    assert_snapshot!(refused(&format!("{head}{{\"at\":1,\"input\":\"\\u001b[2J\"}}\n")), @r"
    1 cannot replay F
      why:  line 2 is not one of a recording: unknown variant `\u{1b}[2J`, expected one of `observed`, `evidence`, `due`, `gap`, `failback`, `settings`, `probe`, `override` (column 27)
      next: what is above it can be replayed: head -n 1 F > FILE
    ");
    assert_snapshot!(refused(&format!("{head}{{\"at\":1,\"input\":\"{}\"}}\n", "x".repeat(1000))), @"
    1 cannot replay F
      why:  line 2 is not one of a recording: unknown variant `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx (column 1018)
      next: what is above it can be replayed: head -n 1 F > FILE
    ");
    assert_snapshot!(refused(&format!("{head}{}", " ".repeat(17 << 20))), @"
    1 cannot replay F
      why:  line 2 has more than 16777216 bytes
      next: what is above it can be replayed: head -n 1 F > FILE
    ");
    assert_snapshot!(refused(&format!("{head}{{\"at\":18446744073709551616,\"input\":\"due\"}}\n")), @"
    1 cannot replay F
      why:  line 2 is not one of a recording: invalid type: floating point `1.8446744073709552e+19`, expected u64 (column 26)
      next: what is above it can be replayed: head -n 1 F > FILE
    ");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let args =
        |file: &str| SimulateArgs { file: file.into(), set: Vec::new(), output: SimulateFormat::Table };
    let told = |file: &str| {
        let refusal = simulate(&args(file)).err().unwrap();
        let (exit, report, _) = told(Path::new(file), &refusal);
        format!("{} {report}", exit.code())
    };
    assert_snapshot!(told("/nonexistent/recording"), @"
    1 cannot replay /nonexistent/recording
      why:  No such file or directory (os error 2)
      next: name a file that you may read
    ");
    assert_snapshot!(told("/"), @"
    1 cannot replay /
      why:  Is a directory (os error 21)
      next: name a file that you may read
    ");
    assert_snapshot!(told("/dev/null"), @"
    1 cannot replay /dev/null
      why:  it is empty
      next: name a file that was written by `hactl run --record FILE`
    ");
}

#[test]
fn whatever_is_set_wrong_is_a_usage_error() {
    let refusal = replayed(&recording(), &["probe.timeout=2", "x=y"]).err().unwrap();
    let (exit, report, texts) = told(Path::new("F"), &refusal);
    assert_eq!(exit, Exit::Usage);
    assert_snapshot!(texts.join("\n"), @r#"
    --set: unknown key `x`; known: probe.profile, probe.canary, probe.interval, probe.timeout, probe.false_alarm_every, probe.ride_through, probe.hold, probe.hold_max, policy, failback, allow_exit_change, when_all_down, on_slow
    --set probe.timeout: 2 has no unit; write "2s"
    "#);
    assert_eq!(report.why, Some(texts.join("\n")));
}

/// Bytes that are changed at random, and lines that are left out, twice in or in another order.
#[test]
fn no_damage_makes_it_panic() {
    let whole = recording();
    let lines: Vec<&str> = whole.lines().collect();
    let mut chance = Chance(1);
    for _ in 0..300 {
        let mut damaged: Vec<&str> = lines[..1 + chance.below(lines.len() - 1)].to_vec();
        for _ in 0..chance.below(4) {
            let (from, to) = (chance.below(damaged.len()), chance.below(damaged.len()));
            damaged[to] = damaged[from];
        }
        let mut bytes = damaged.join("\n").into_bytes();
        for _ in 0..chance.below(3) {
            let index = chance.below(bytes.len());
            bytes[index] = b"0123456789{}\"x\n\xff"[chance.below(16)];
        }
        if let Ok((header, lines)) = read::begin(bytes.as_slice()) {
            let _ = replay(header, lines, &["probe.profile=eco".to_owned()]);
        }
    }
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

fn replayed(recording: &str, sets: &[&str]) -> Result<Simulated, Refusal> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let (header, lines) = read::begin(recording.as_bytes())?;
    replay(header, lines, &sets)
}

fn simulated(recording: &str, sets: &[&str]) -> Simulated {
    replayed(recording, sets).unwrap_or_else(|refusal| panic!("{}", told(Path::new("F"), &refusal).1))
}

fn warnings(simulated: &Simulated) -> String {
    let warnings = simulated.warnings(Path::new("F"));
    warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn refused(recording: &str) -> String {
    let refusal = replayed(recording, &[]).err().unwrap();
    let (exit, report, _) = told(Path::new("F"), &refusal);
    format!("{} {report}", exit.code())
}
