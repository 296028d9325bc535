//! What is to be measured.

use std::time::Duration;

use clap::{Parser, ValueEnum};
use e2e::wireguard::{Break, Dice, Direction, Path, Probing};

/// As long as the first hold: faults that follow each other are what is wanted here, and nobody is held for them.
const HOLD: &str = "1.5s";

/// Measures how soon hactl takes a server with a dead tunnel out, and how often it does so without a reason.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Faults, each at a random moment.
    #[arg(long, default_value_t = 20)]
    pub(crate) trials: usize,
    /// What is broken.
    #[arg(long = "break", value_enum, default_value_t = Mode::Drop)]
    pub(crate) mode: Mode,
    /// Round trip of the tunnels, in milliseconds.
    #[arg(long, default_value_t = 50)]
    pub(crate) rtt: u32,
    /// Datagrams lost by chance, in per cent, each way.
    #[arg(long, default_value_t = 0.0, value_parser = per_cent)]
    pub(crate) loss: f64,
    /// Seconds without any fault before the trials, in which false alarms are counted.
    #[arg(long, default_value_t = 60)]
    pub(crate) soak: u32,
    /// hactl's profile: fast, eco or adaptive.
    #[arg(long, default_value = "fast")]
    pub(crate) profile: String,
    /// Decides losses and moments.
    #[arg(long, default_value_t = Dice::any_seed())]
    pub(crate) seed: u64,
}

/// The faults in `wg1` that end in its being taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    Drop,
    DropOut,
    DropIn,
    FarPeerKilled,
    MtuHole,
    SocksKilled,
    SocksStopped,
}

impl Arguments {
    pub(crate) fn path(&self) -> Path {
        Path {
            one_way: Duration::from_millis(self.rtt.into()) / 2,
            loss_per_mille: per_mille(self.loss),
            seed: self.seed,
        }
    }

    pub(crate) fn soak(&self) -> Duration {
        Duration::from_secs(self.soak.into())
    }

    pub(crate) fn probing(&self) -> Probing {
        Probing { profile: self.profile.clone(), hold_max: HOLD.to_owned() }
    }
}

impl Mode {
    pub(crate) const fn to_break(self) -> Break {
        match self {
            Self::Drop => Break::Drop,
            Self::DropOut => Break::DropOneWay(Direction::Out),
            Self::DropIn => Break::DropOneWay(Direction::In),
            Self::FarPeerKilled => Break::FarPeerKilled,
            Self::MtuHole => Break::MtuHole(700),
            Self::SocksKilled => Break::SocksKilled,
            Self::SocksStopped => Break::SocksStopped,
        }
    }
}

fn per_cent(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
    if (0.0..=100.0).contains(&value) { Ok(value) } else { Err(format!("{text} is not from 0 to 100")) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 100")]
fn per_mille(per_cent: f64) -> u32 {
    (per_cent * 10.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_as_it_was_asked_for() {
        let given = ["wireguard-figures", "--rtt", "51", "--loss", "1.5", "--seed", "7"];
        let path = Arguments::try_parse_from(given).unwrap().path();
        let one_way = Duration::from_micros(25_500);
        assert_eq!(path, Path { one_way, loss_per_mille: 15, seed: 7 });
        assert!(Arguments::try_parse_from(["wireguard-figures", "--loss", "101"]).is_err());
    }
}
