//! The hactl daemon as a library: configuration, the decision loop, the admin socket, the page, logs. Composition alone: what
//! is decided is decided in `failover`, what is sent to HAProxy is sent by `controller`.

pub mod admin;
pub mod config;
mod daemon;
mod engine;
mod exits;
mod feed;
mod fleet;
mod hooks;
pub mod incident;
mod instance;
pub mod journal;
mod log;
mod metrics;
mod notify;
mod orders;
mod record;
mod reload;
mod serving;
mod shared;
mod sleep;
pub mod text;
mod waiting;
mod web;
pub mod zone;

pub use controller::{LockError, StateError};
pub use daemon::{RunError, run};
pub use exits::EXITS_PATH;
pub use record::{RecordError, RecordFlaw};
pub use web::WebError;

/// The version that status, logs and `--version` show.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
