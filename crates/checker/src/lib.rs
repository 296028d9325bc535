//! Probes through a SOCKS5 upstream: evidence, and when it is gathered.
//!
//! Nothing here writes to HAProxy or judges health. [`Prober`] makes one probe or a race of them; [`Probes`] makes those
//! that the core orders, and keeps connections for canaries.

mod clock;
mod driver;
mod fault;
mod greet;
mod guard;
mod http;
mod outcome;
mod page;
mod position;
mod probe;
mod race;
mod settings;
mod socks;
mod stream;
mod target;
mod text;
mod tls;
mod walk;
mod wire;

pub use clock::Clock;
pub use driver::Probes;
pub use greet::{Greeting, greet};
pub use outcome::{Finding, Outcome, ProbeOutcome};
pub use probe::{Prober, Upstream};
pub use settings::{Settings, SettingsError};
pub use socks::{Credentials, CredentialsError};
pub use target::{Expect, Target, TargetError, TargetFlaw, TargetOptions};
pub use tls::{TlsError, TlsRoots};
