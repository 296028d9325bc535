//! Which server took new connections, from when on.

use std::time::Duration;

use failover::Time;

use super::path::Path;

/// The server that is in service while all is well.
pub(crate) const PRIMARY: usize = 0;

/// The server that a judge of the primary alone moves to.
pub(crate) const BACKUP: usize = 1;

/// In the order of time; the primary from the beginning on.
#[derive(Clone, Debug)]
pub(crate) struct Routing(Vec<(Time, usize)>);

impl Routing {
    pub(crate) fn new() -> Self {
        Self(vec![(Time::ZERO, PRIMARY)])
    }

    pub(crate) fn to(&mut self, at: Time, server: usize) {
        if self.0.last().is_none_or(|(_, present)| *present != server) {
            self.0.push((at, server));
        }
    }

    /// When another server was put into service.
    pub(crate) fn switches(&self) -> impl Iterator<Item = (Time, usize)> {
        self.0.iter().skip(1).copied()
    }

    /// When the primary was taken out of service.
    pub(crate) fn failovers(&self) -> impl Iterator<Item = Time> {
        self.switches().filter(|(_, server)| *server != PRIMARY).map(|(at, _)| at)
    }

    /// When the primary was put into service again.
    pub(crate) fn returns(&self) -> impl Iterator<Item = Time> {
        self.switches().filter(|(_, server)| *server == PRIMARY).map(|(at, _)| at)
    }

    /// How long new connections were sent to a server that was bad just then.
    pub(crate) fn bad(&self, servers: &[Path], from: Time, to: Time) -> Duration {
        let ends = self.0.iter().skip(1).map(|(at, _)| *at).chain([to]);
        let stays = self.0.iter().zip(ends);
        stays
            .map(|((since, server), until)| servers[*server].bad_between(from.max(*since), to.min(until)))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::Trouble;
    use super::super::timeline::{Span, Timeline};
    use super::*;

    const fn second(n: u64) -> Time {
        Time::from_millis(1000 * n)
    }

    fn path(troubles: &[(u64, u64, Trouble)]) -> Path {
        let span = |(from, to, what): &(u64, u64, Trouble)| Span {
            from: second(*from),
            to: second(*to),
            what: *what,
        };
        Path::new(Duration::from_millis(50), 0.0, Timeline::new(troubles.iter().map(span).collect()))
    }

    #[test]
    fn what_changes_nothing_is_no_switch() {
        let mut routing = Routing::new();
        for (at, server) in [(1, PRIMARY), (2, BACKUP), (3, BACKUP), (4, PRIMARY), (5, BACKUP)] {
            routing.to(second(at), server);
        }
        assert_eq!(routing.switches().count(), 3);
        assert_eq!(routing.failovers().collect::<Vec<_>>(), [second(2), second(5)]);
        assert_eq!(routing.returns().collect::<Vec<_>>(), [second(4)]);
    }

    #[test]
    fn bad_is_the_time_with_a_server_while_it_is_bad() {
        let primary =
            path(&[(10, 20, Trouble::BlackHole), (30, 40, Trouble::Slow(10.0)), (50, 60, Trouble::MtuHole)]);
        let backup = path(&[(15, 17, Trouble::Refused)]);
        let mut routing = Routing::new();
        routing.to(second(12), BACKUP);
        routing.to(second(19), PRIMARY);
        let bad =
            |from, to| routing.bad(&[primary.clone(), backup.clone()], second(from), second(to)).as_secs();
        // 10 to 12 and 19 to 20 on the primary, 15 to 17 on the backup; then 10 more.
        assert_eq!([bad(0, 30), bad(0, 100), bad(11, 16), bad(55, 56)], [5, 15, 2, 1]);
    }
}
