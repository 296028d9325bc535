//! Two lists of decisions side by side, and what each comes to in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Decided, Decision};
use crate::policy::Want;
use crate::{Event, Name, ServerId, Time, Verdict};

/// Decisions further apart than this are not the same one, taken earlier or later.
const SAME_WITHIN: Duration = Duration::from_secs(60);

/// A server that is trusted again so soon was probably condemned by mistake: outages that are worth a move last longer.
const MISTAKE_WITHIN: Duration = Duration::from_secs(10);

/// A decision that both took, or only one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared<'a> {
    /// Both.
    Both(&'a Decision, &'a Decision),
    /// The first one only.
    First(&'a Decision),
    /// The second one only.
    Second(&'a Decision),
}

impl Compared<'_> {
    /// When it was taken, first.
    #[must_use]
    pub fn at(&self) -> Time {
        match self {
            Self::Both(one, other) => one.at.min(other.at),
            Self::First(only) | Self::Second(only) => only.at,
        }
    }

    /// The decision; where both took it, as the first did.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        match self {
            Self::Both(decision, _) | Self::First(decision) | Self::Second(decision) => decision,
        }
    }
}

/// What makes two decisions the same one, whatever their reasons and figures.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sort {
    kind: &'static str,
    server: Option<ServerId>,
    backend: Option<Name>,
    /// The verdict, the wish, the target.
    which: String,
}

/// Puts together what is the same decision, each list being in the order of time. What HAProxy showed is left out: nobody
/// decided that.
#[must_use]
pub fn compare<'a>(first: &'a [Decision], second: &'a [Decision]) -> Vec<Compared<'a>> {
    let mut sorts: BTreeMap<Sort, (Vec<&Decision>, Vec<&Decision>)> = BTreeMap::new();
    for decision in first {
        sorts.entry(sort(&decision.what)).or_default().0.push(decision);
    }
    for decision in second {
        sorts.entry(sort(&decision.what)).or_default().1.push(decision);
    }
    let decided = sorts.into_iter().filter(|(sort, _)| sort.kind != "in_service");
    let mut all: Vec<Compared<'a>> = decided.flat_map(|(_, (one, other))| pair(&one, &other)).collect();
    all.sort_by_key(Compared::at);
    all
}

/// Decisions of one sort, each with the next of the others that is near enough.
fn pair<'a>(first: &[&'a Decision], second: &[&'a Decision]) -> Vec<Compared<'a>> {
    let (mut first, mut second) = (first.iter().copied().peekable(), second.iter().copied().peekable());
    let mut all = Vec::new();
    loop {
        let compared = match (first.peek().copied(), second.peek().copied()) {
            (Some(one), Some(other)) if apart(one, other) <= SAME_WITHIN => Compared::Both(one, other),
            (Some(one), Some(other)) if one.at > other.at => Compared::Second(other),
            (Some(one), _) => Compared::First(one),
            (None, Some(other)) => Compared::Second(other),
            (None, None) => return all,
        };
        if !matches!(compared, Compared::Second(_)) {
            first.next();
        }
        if !matches!(compared, Compared::First(_)) {
            second.next();
        }
        all.push(compared);
    }
}

fn apart(one: &Decision, other: &Decision) -> Duration {
    one.at.since(other.at).max(other.at.since(one.at))
}

fn sort(what: &Decided) -> Sort {
    let (server, backend, which) = match what {
        Decided::Told(event) => (event.server().cloned(), event.backend().cloned(), which(event).to_owned()),
        Decided::Wants { server, want, .. } => (Some(server.clone()), None, format!("{want:?}")),
    };
    Sort { kind: what.kind(), server, backend, which }
}

fn which(event: &Event) -> &str {
    if let Event::Health { to, .. } = event {
        to.as_str()
    } else if let Event::TargetRests { target, .. } | Event::TargetBack { target, .. } = event {
        target.as_str()
    } else if let Event::Slow { slow, .. } = event {
        if *slow { "slow" } else { "itself again" }
    } else {
        ""
    }
}

const fn is_out(want: Want) -> bool {
    matches!(want, Want::Maint | Want::Shut)
}

/// What decisions come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How often a server was wanted out.
    pub out: usize,
    /// How often one that was out was wanted back.
    pub back: usize,
    /// How often a server was condemned and trusted again within ten seconds.
    pub suspected_false_alarms: usize,
}

impl Summary {
    /// Of decisions in the order of time.
    #[must_use]
    pub fn of(decisions: &[Decision]) -> Self {
        let mut summary = Self::default();
        let mut wants: BTreeMap<&ServerId, Want> = BTreeMap::new();
        let mut condemned: BTreeMap<&ServerId, Time> = BTreeMap::new();
        for Decision { at, what } in decisions {
            match what {
                Decided::Wants { server, want, .. } => {
                    let before = wants.insert(server, *want);
                    summary.out += usize::from(is_out(*want));
                    summary.back += usize::from(*want == Want::Ready && before.is_some_and(is_out));
                }
                Decided::Told(Event::Health { server, to: Verdict::Online, .. }) => {
                    let since = condemned.remove(server);
                    let soon = since.is_some_and(|since| at.since(since) <= MISTAKE_WITHIN);
                    summary.suspected_false_alarms += usize::from(soon);
                }
                Decided::Told(Event::Health { server, from, to, .. }) => {
                    if to.is_condemned() && *from == Verdict::Online {
                        condemned.insert(server, *at);
                    }
                }
                Decided::Told(_) => {}
            }
        }
        summary
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
