//! What is going to happen, in the order in which the one who judges will see it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use failover::Time;

/// What will happen.
#[derive(Clone, Debug)]
pub(crate) struct Agenda<T> {
    entries: BinaryHeap<Reverse<Entry<T>>>,
    pushed: u64,
}

/// What is seen at the same time, after a stall, is seen in the order in which it happened.
#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    seen: Time,
    happens: Time,
    /// Of two things at once, what was known first comes first: chance has no part in it.
    number: u64,
    what: T,
}

impl<T> Agenda<T> {
    pub(crate) const fn new() -> Self {
        Self { entries: BinaryHeap::new(), pushed: 0 }
    }

    pub(crate) fn push(&mut self, seen: Time, happens: Time, what: T) {
        self.pushed += 1;
        self.entries.push(Reverse(Entry { seen, happens, number: self.pushed, what }));
    }

    /// When the next thing is seen.
    pub(crate) fn next(&self) -> Option<Time> {
        self.entries.peek().map(|Reverse(entry)| entry.seen)
    }

    /// The next thing, if it is seen by then.
    pub(crate) fn pop(&mut self, by: Time) -> Option<T> {
        if self.next()? > by {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| entry.what)
    }
}

impl<T> Entry<T> {
    const fn order(&self) -> (Time, Time, u64) {
        (self.seen, self.happens, self.number)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_as_they_are_seen_then_as_they_happened_then_as_they_were_known() {
        let ms = Time::from_millis;
        let mut agenda = Agenda::new();
        for (seen, happens, what) in
            [(9, 9, 'e'), (5, 4, 'b'), (5, 3, 'a'), (5, 5, 'c'), (5, 5, 'd'), (20, 20, 'f')]
        {
            agenda.push(ms(seen), ms(happens), what);
        }
        assert_eq!(agenda.next(), Some(ms(5)));
        let order: String = std::iter::from_fn(|| agenda.pop(ms(9))).collect();
        assert_eq!((order.as_str(), agenda.next()), ("abcde", Some(ms(20))));
    }
}
