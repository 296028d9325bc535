//! A path to the targets: how long its packets take, how many it loses, what is the matter with it; and TCP's patience
//! with that. An exchange is one packet each way.

use std::time::Duration;

use failover::Time;

use super::rng::Rng;
use super::timeline::Timeline;

/// Deviation of the logarithm of a round trip.
const SIGMA: f64 = 0.25;

/// First wait of a connecting TCP for an answer; doubled from then on (RFC 6298).
const SYN_RTO: Duration = Duration::from_secs(1);

/// Least first wait of an established TCP for an acknowledgement (Linux).
const RTO_MIN: Duration = Duration::from_millis(200);

/// Longest wait between two transmissions (Linux).
const RTO_MAX: Duration = Duration::from_secs(120);

/// Transmissions of a SYN: the connection is given up after 127 s (Linux, `tcp_syn_retries`).
const SYN_TRIES: u32 = 7;

/// Transmissions of data: the connection is given up after about 15 minutes (Linux, `tcp_retries2`).
const DATA_TRIES: u32 = 16;

/// What can be the matter with the way through a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    /// Packets vanish.
    BlackHole,
    /// The SOCKS server is gone: its port refuses, and its connections were closed at once.
    Refused,
    /// The SOCKS server answers each CONNECT with this code at once; packets of older connections vanish.
    Rejecting(u8),
    /// Big packets vanish.
    MtuHole,
    /// Round trips take this many times as long.
    Slow(f64),
}

/// What can be the matter with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// Its host answers with a reset.
    Refusing,
    /// Nothing answers.
    Silent,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    /// The first one of a connection.
    Syn,
    /// One that fits through anything.
    Small,
    /// One as big as they get, at least in one direction.
    Big,
}

/// What came of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The answer came.
    Whole,
    /// A reset came: the target's host lives, the target does not.
    Reset,
    /// Nothing came, and TCP has given up.
    GivenUp,
}

/// One path.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// Of an ordinary round trip.
    rtt: Duration,
    /// Part of the packets that vanish, in each direction.
    loss: f64,
    troubles: Timeline<Trouble>,
    ever_refused: bool,
}

impl Path {
    pub(crate) fn new(rtt: Duration, loss: f64, troubles: Timeline<Trouble>) -> Self {
        let ever_refused = troubles.spans().iter().any(|span| span.what == Trouble::Refused);
        Self { rtt, loss, troubles, ever_refused }
    }

    #[cfg(test)]
    pub(crate) fn with(self, troubles: Timeline<Trouble>) -> Self {
        Self::new(self.rtt, self.loss, troubles)
    }

    pub(crate) fn trouble(&self, at: Time) -> Option<Trouble> {
        self.troubles.at(at).map(|span| span.what)
    }

    /// The first moment, from this one on, at which the SOCKS server is gone.
    pub(crate) fn refused_from(&self, from: Time) -> Option<Time> {
        if !self.ever_refused {
            return None;
        }
        self.troubles.next(from, |trouble| trouble == Trouble::Refused)
    }

    /// How much of the time between the two clients were served badly who came this way. Slow is not bad.
    pub(crate) fn bad_between(&self, from: Time, to: Time) -> Duration {
        let bad = self.troubles.spans().iter().filter(|span| !matches!(span.what, Trouble::Slow(_)));
        bad.map(|span| span.to.min(to).since(span.from.max(from))).sum()
    }

    /// Sends at `sent` and, as TCP does, again until something comes back: what, and when.
    pub(crate) fn exchange(
        &self,
        rng: &mut Rng,
        sent: Time,
        packet: Packet,
        target: &Timeline<Down>,
    ) -> (Answer, Time) {
        let (mut rto, tries) = match packet {
            Packet::Syn => (SYN_RTO, SYN_TRIES),
            Packet::Small | Packet::Big => (RTO_MIN.max(3 * self.rtt), DATA_TRIES),
        };
        let mut at = sent;
        for _ in 0..tries {
            let down = target.at(at).map(|span| span.what);
            match (down, self.round_trip(rng, at, packet)) {
                (None, Some(arrival)) => return (Answer::Whole, arrival),
                (Some(Down::Refusing), Some(arrival)) => return (Answer::Reset, arrival),
                (Some(Down::Silent), _) | (_, None) => {}
            }
            at = at + rto;
            rto = RTO_MAX.min(2 * rto);
        }
        (Answer::GivenUp, at)
    }

    /// When the answer to a packet is back; `None` where one of the two vanished.
    fn round_trip(&self, rng: &mut Rng, sent: Time, packet: Packet) -> Option<Time> {
        let slower = self.passes(sent, packet)?;
        if rng.chance(self.loss) || rng.chance(self.loss) {
            return None;
        }
        let arrival = sent + self.rtt.mul_f64(slower * rng.lognormal(SIGMA));
        self.passes(arrival, packet).map(|_| arrival)
    }

    /// By how much the path is slower than usual; `None` where such a packet vanishes.
    fn passes(&self, at: Time, packet: Packet) -> Option<f64> {
        match self.trouble(at) {
            None => Some(1.0),
            Some(Trouble::Slow(factor)) => Some(factor),
            Some(Trouble::MtuHole) => (packet != Packet::Big).then_some(1.0),
            Some(Trouble::BlackHole | Trouble::Refused | Trouble::Rejecting(_)) => None,
        }
    }
}
