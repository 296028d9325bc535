//! The scenarios, as data. What is wanted stands beside what is measured.

use std::time::Duration;

use super::figure::Wanted::{AtMost, Each, Nothing, Within};
use super::path::{Down, Trouble};
use super::scenario::Measure::{
    BadSeconds, BadSecondsOf, Detection, FailoversOf, FailoversPerDay, Probes, Recovery, RunsWithSwitch,
    Switches,
};
use super::scenario::{Conditions, Row, Runs, Scenario, Section, Size, What, When};

const DAY: u64 = 24 * 3600;

/// A near exit, and a way as lossy as a bad hour's.
const USUAL: Conditions =
    Conditions { rtt: Duration::from_millis(50), loss: 0.01, whims: None, move_slow: false, control: false };

/// One fault that stays, so many times that its p99 does not depend on the seed (with 150 outages one came out at 4.5
/// and at 6.8 s).
const FAULTS: Size = Size::same(runs(1000, 60), runs(60, 60));
/// For each round trip.
const FAULTS_BY_RTT: Size = Size::same(runs(300, 60), runs(20, 60));
const OUTAGES: Size = Size::same(runs(1000, 90), runs(30, 90));
const NOISE: Size = Size { ours: runs(3, 10 * DAY), rivals: runs(2, 5 * DAY), quick: runs(1, DAY / 4) };
const TRACE: Size = Size::same(runs(1, DAY), runs(1, DAY / 4));
const HOUR: Size = Size::same(runs(1, 3600), runs(1, 3600));
const TWENTY: Size = Size::same(runs(20, 240), runs(20, 240));
/// 10,200 stalls, one a minute.
const STALLS: Size = Size::same(runs(3, 204_000), runs(1, DAY / 4));

const fn runs(number: u32, seconds: u64) -> Runs {
    Runs { number, span: Duration::from_secs(seconds) }
}

impl Size {
    const fn same(everybody: Runs, quick: Runs) -> Self {
        Self { ours: everybody, rivals: everybody, quick }
    }
}

pub(crate) const SECTIONS: &[Section] = &[
    Section {
        title: "Detection: from a lasting fault to HAProxy's acknowledgement, p50 / p99 in s",
        scenarios: DETECTION,
    },
    Section { title: "Recovery: an outage of 30 s", scenarios: RECOVERY },
    Section { title: "Detection of a black hole by round trip, p50 / p99 in s", scenarios: BY_RTT },
    Section { title: "False failovers per day, nothing but packet loss", scenarios: FALSE_FAILOVERS },
    Section { title: "Faults that pass", scenarios: PASSING },
    Section { title: "Others' faults: nothing is to be done", scenarios: OTHERS },
    Section { title: "Own faults: the judge's process does not run", scenarios: OWN },
];

const DETECTION: &[Scenario] = &[
    Scenario {
        key: "black-hole",
        conditions: USUAL,
        happens: Some((When::From, What::Primary(Trouble::BlackHole))),
        size: FAULTS,
        rows: &[Row { name: "black hole", measure: Detection, wanted: Some(Within(0.78, 1.12)) }],
    },
    Scenario {
        key: "refused",
        conditions: USUAL,
        happens: Some((When::From, What::Primary(Trouble::Refused))),
        size: FAULTS,
        rows: &[Row { name: "port refused", measure: Detection, wanted: Some(Within(0.05, 0.15)) }],
    },
    Scenario {
        key: "rejected",
        conditions: USUAL,
        happens: Some((When::From, What::Primary(Trouble::Rejecting(1)))),
        size: FAULTS,
        rows: &[Row { name: "CONNECT rejected", measure: Detection, wanted: None }],
    },
    Scenario {
        key: "mtu-hole",
        conditions: USUAL,
        happens: Some((When::From, What::Primary(Trouble::MtuHole))),
        size: FAULTS,
        rows: &[Row { name: "path-MTU hole", measure: Detection, wanted: Some(Within(3.0, 6.0)) }],
    },
    Scenario {
        key: "brown-out",
        conditions: Conditions { move_slow: true, ..USUAL },
        happens: Some((When::From, What::Primary(Trouble::Slow(10.0)))),
        size: FAULTS,
        rows: &[Row { name: "brown-out x10", measure: Detection, wanted: None }],
    },
    Scenario {
        key: "brown-out-long",
        conditions: Conditions { move_slow: true, ..USUAL },
        happens: Some((When::From, What::Primary(Trouble::Slow(10.0)))),
        size: Size::same(runs(20, 600), runs(6, 600)),
        rows: &[Row { name: "  switches in its first 10 min", measure: Switches, wanted: Some(Each(1)) }],
    },
];

const RECOVERY: &[Scenario] = &[Scenario {
    key: "recovery",
    conditions: USUAL,
    happens: Some((When::For(Duration::from_secs(30)), What::Primary(Trouble::BlackHole))),
    size: OUTAGES,
    rows: &[
        Row {
            name: "healed to traffic back, p50 / p99 in s",
            measure: Recovery,
            wanted: Some(Within(3.7, 4.6)),
        },
        Row { name: "bad seconds per outage", measure: BadSeconds, wanted: None },
    ],
}];

const fn by_rtt(key: &'static str, rtt: u64, rows: &'static [Row]) -> Scenario {
    Scenario {
        key,
        conditions: Conditions { rtt: Duration::from_millis(rtt), ..USUAL },
        happens: Some((When::From, What::Primary(Trouble::BlackHole))),
        size: FAULTS_BY_RTT,
        rows,
    }
}

const BY_RTT: &[Scenario] = &[
    by_rtt("rtt-10", 10, &[Row { name: "10 ms", measure: Detection, wanted: None }]),
    by_rtt("rtt-50", 50, &[Row { name: "50 ms", measure: Detection, wanted: None }]),
    by_rtt("rtt-100", 100, &[Row { name: "100 ms", measure: Detection, wanted: None }]),
    by_rtt("rtt-200", 200, &[Row { name: "200 ms", measure: Detection, wanted: None }]),
    by_rtt("rtt-400", 400, &[Row { name: "400 ms", measure: Detection, wanted: None }]),
];

const fn noise(key: &'static str, loss: f64, rows: &'static [Row]) -> Scenario {
    Scenario { key, conditions: Conditions { loss, ..USUAL }, happens: None, size: NOISE, rows }
}

const FALSE_FAILOVERS: &[Scenario] = &[
    noise(
        "loss-0",
        0.0,
        &[
            Row { name: "no loss", measure: FailoversPerDay, wanted: Some(Nothing) },
            Row { name: "  probes/s: canaries + others", measure: Probes, wanted: None },
        ],
    ),
    noise(
        "loss-1",
        0.01,
        &[
            Row { name: "1 % each way", measure: FailoversPerDay, wanted: Some(Nothing) },
            Row { name: "  probes/s: canaries + others", measure: Probes, wanted: None },
        ],
    ),
    noise(
        "loss-3",
        0.03,
        &[
            Row { name: "3 % each way", measure: FailoversPerDay, wanted: Some(Nothing) },
            Row { name: "  probes/s: canaries + others", measure: Probes, wanted: None },
        ],
    ),
    noise(
        "loss-5",
        0.05,
        &[
            Row { name: "5 % each way", measure: FailoversPerDay, wanted: Some(Nothing) },
            Row { name: "  probes/s: canaries + others", measure: Probes, wanted: None },
        ],
    ),
    Scenario {
        key: "whims",
        conditions: Conditions { whims: Some(Duration::from_secs(60)), ..USUAL },
        happens: None,
        size: TRACE,
        rows: &[Row {
            name: "1 %, kept connections closed",
            measure: FailoversPerDay,
            wanted: Some(Nothing),
        }],
    },
];

const BURSTS: When = When::Scattered {
    lasts: Duration::from_secs(2),
    gap_least: Duration::from_secs(60),
    gap_mean: Duration::from_secs(600),
};

const PASSING: &[Scenario] = &[
    Scenario {
        key: "bursts",
        conditions: USUAL,
        happens: Some((BURSTS, What::Primary(Trouble::BlackHole))),
        size: TRACE,
        rows: &[
            Row { name: "bursts of 2 s, 1 day: failovers", measure: FailoversOf, wanted: None },
            Row { name: "  bad seconds", measure: BadSecondsOf, wanted: None },
        ],
    },
    Scenario {
        key: "bursts-everywhere",
        conditions: USUAL,
        happens: Some((BURSTS, What::AllServers(Trouble::BlackHole))),
        size: TRACE,
        rows: &[Row {
            name: "the same on both ways: failovers",
            measure: FailoversOf,
            wanted: Some(Nothing),
        }],
    },
    Scenario {
        key: "blips",
        conditions: USUAL,
        happens: Some((
            When::Scattered {
                lasts: Duration::from_millis(300),
                gap_least: Duration::from_secs(60),
                gap_mean: Duration::from_secs(180),
            },
            What::Primary(Trouble::BlackHole),
        )),
        size: TRACE,
        rows: &[Row { name: "blips of 0.3 s, 1 day: failovers", measure: FailoversOf, wanted: None }],
    },
    Scenario {
        key: "flapping",
        conditions: USUAL,
        happens: Some((
            When::Cycle { lasts: Duration::from_secs(10), every: Duration::from_secs(20) },
            What::Primary(Trouble::BlackHole),
        )),
        size: HOUR,
        rows: &[
            Row { name: "flapping 10 s / 10 s, 1 h: switches", measure: Switches, wanted: Some(AtMost(6)) },
            Row { name: "  bad seconds", measure: BadSecondsOf, wanted: None },
        ],
    },
];

const OTHERS: &[Scenario] = &[
    Scenario {
        key: "target-refused",
        conditions: USUAL,
        happens: Some((When::From, What::Target(Down::Refusing))),
        size: TWENTY,
        rows: &[Row {
            name: "one target refuses: runs with a switch",
            measure: RunsWithSwitch,
            wanted: Some(Nothing),
        }],
    },
    Scenario {
        key: "target-silent",
        conditions: USUAL,
        happens: Some((When::From, What::Target(Down::Silent))),
        size: TWENTY,
        rows: &[Row { name: "one target is silent", measure: RunsWithSwitch, wanted: Some(Nothing) }],
    },
    Scenario {
        key: "uplink",
        conditions: USUAL,
        happens: Some((When::For(Duration::from_secs(60)), What::Uplink)),
        size: TWENTY,
        rows: &[Row { name: "uplink down for 60 s", measure: RunsWithSwitch, wanted: Some(Nothing) }],
    },
    Scenario {
        key: "uplink-control",
        conditions: Conditions { control: true, ..USUAL },
        happens: Some((When::For(Duration::from_secs(60)), What::Uplink)),
        size: TWENTY,
        rows: &[Row {
            name: "the same with a control target",
            measure: RunsWithSwitch,
            wanted: Some(Nothing),
        }],
    },
];

const STALL: (When, What) = (
    When::Scattered {
        lasts: Duration::from_secs(3),
        gap_least: Duration::from_secs(30),
        gap_mean: Duration::from_secs(60),
    },
    What::Stall,
);

const OWN: &[Scenario] = &[
    Scenario {
        key: "stalls",
        conditions: Conditions { loss: 0.0, ..USUAL },
        happens: Some(STALL),
        size: STALLS,
        rows: &[Row {
            name: "stalls of 3 s, no loss: failovers",
            measure: FailoversOf,
            wanted: Some(Nothing),
        }],
    },
    Scenario {
        key: "stalls-loss",
        conditions: USUAL,
        happens: Some(STALL),
        size: STALLS,
        rows: &[Row {
            name: "stalls of 3 s, 1 % loss: failovers",
            measure: FailoversOf,
            wanted: Some(Nothing),
        }],
    },
    Scenario {
        key: "throttled",
        conditions: Conditions { loss: 0.0, ..USUAL },
        happens: Some((
            When::Cycle { lasts: Duration::from_millis(600), every: Duration::from_millis(700) },
            What::Stall,
        )),
        size: HOUR,
        rows: &[Row { name: "throttled to 1/7, 1 h: switches", measure: Switches, wanted: Some(Nothing) }],
    },
];
