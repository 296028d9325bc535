//! Traffic leaves from another address than before.

use std::fmt;

use crate::{Name, ServerId};

/// That fact; both exits in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitChanged {
    /// The backend.
    pub backend: Name,
    /// The server; `None`: the backend's clients, by whichever server.
    pub server: Option<ServerId>,
    /// The exit until now.
    pub from: String,
    /// The exit from now on.
    pub to: String,
}

impl fmt::Display for ExitChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, server, from, to } = self;
        match server {
            Some(server) => write!(f, "{server} leaves from {to}, until now from {from}"),
            None => write!(f, "clients of {backend} leave from {to}, until now from {from}"),
        }
    }
}
