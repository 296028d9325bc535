//! Probes through a SOCKS5 upstream: evidence, and when it is gathered.
//!
//! Nothing here writes to HAProxy or judges health. [`Prober`] makes one probe or a race of them; [`Rounds`]
//! makes them when they are due, a round per server at a time.

mod clock;
mod fault;
mod guard;
mod http;
mod position;
mod probe;
mod race;
mod round;
mod schedule;
mod settings;
mod socks;
mod stream;
mod target;
mod text;
mod tls;
mod walk;
mod wire;

pub use clock::Clock;
pub use probe::{Prober, Upstream};
pub use schedule::Rounds;
pub use settings::{Settings, SettingsError};
pub use socks::{Credentials, CredentialsError};
pub use target::{Expect, Target, TargetError, TargetFlaw, TargetOptions};
pub use tls::{TlsError, TlsRoots};
