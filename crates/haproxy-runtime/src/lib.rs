//! HAProxy's runtime API (the "stats socket") as types: commands, replies and a transport that keeps clear of the traps
//! of HAProxy 2.6 to 3.4.
//!
//! - [`Command`] is a closed list. Names are validated newtypes, so no command line can be injected. [`RawCommand`] is what
//!   a person typed, of a closed list as well.
//! - [`Client::exchange`] sends commands as one line on a fresh connection, reads to the end within a deadline, and gives
//!   each command its own reply. HAProxy has no status codes: what is not understood is an error, never a success.
//! - [`ExchangeError`] tells apart why there are no replies, [`CommandError`] why one command was refused, both with what
//!   to do about it. Texts from HAProxy are escaped and shortened wherever they get into messages.
//! - Replies in rows ([`Rows`]) go by column names and keep what does not parse apart.
//! - [`AgentAnswer`] is what may be said to HAProxy's agent-check.
//!
//! It knows nothing of health or policy, keeps no connection, retries nothing that may have been carried out, and writes
//! no logs.
//!
//! ```no_run
//! use haproxy_runtime::{AdminState, Client, Command, Reply};
//!
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new("/run/haproxy/admin.sock".parse()?);
//! client.set_server_state(&"socks_back/wg1".parse()?, AdminState::Maint).await?;
//!
//! // One connection, hence one process: what is read belongs to the pid that is read with it.
//! let backend = "socks_back".parse()?;
//! let replies = client.exchange(&[Command::ShowInfo, Command::ShowServersState(Some(backend))]).await?;
//! let [Ok(Reply::Info(info)), Ok(Reply::ServersState(state))] = &replies[..] else {
//!     return Err("refused".into());
//! };
//! assert!(!info.stopping, "an old process after a reload");
//! for server in &state.rows {
//!     println!("{} {:?} {:#x}", server.path(), server.srv_op_state, server.srv_admin_state.bits());
//! }
//! # Ok(())
//! # }
//! ```

mod address;
mod agent;
mod client;
mod command;
mod error;
#[doc(hidden)]
pub mod failpoint;
mod framing;
mod info;
mod name;
mod raw;
mod reply;
mod servers_state;
mod stat;
mod table;
mod text;

pub use address::{Address, AddressError};
pub use agent::{AgentAnswer, MAX_QUESTION, asked_for};
pub use client::{Client, Limits};
pub use command::{AdminState, Command, MAX_LINE, Weight, WeightError, batches};
pub use error::{CallError, ExchangeError, Phase, SocketOwner};
pub use framing::FramingError;
pub use info::Info;
pub use name::{BackendName, MAX_NAME, NameError, ServerName, ServerPath, ServerPathError};
pub use raw::{RawCommand, RawError};
pub use reply::{CommandError, Level, Reply};
pub use servers_state::{AdminBits, OpState, ServerState};
pub use stat::{StatKind, StatRow};
pub use table::{FormatError, MAX_COLUMNS, MAX_REJECTED, RejectedRow, RowError, Rows};
