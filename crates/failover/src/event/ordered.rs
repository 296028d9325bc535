//! The words of what operators order of servers.

use std::fmt;

use jiff::Timestamp;

use crate::{Admin, Given, ServerId};

/// What a server is wanted to be, as a part of a sentence; `None`: to carry the traffic of its backend.
fn wanted(server: &ServerId, state: Option<Admin>) -> String {
    match state {
        Some(Admin::Ready) => format!("{server} is to be used whatever its probes say"),
        Some(state @ (Admin::Drain | Admin::Maint)) => format!("{server} is to be in {}", state.as_str()),
        None => format!("{} is pinned to {}", server.backend, server.server),
    }
}

pub(crate) fn until(until: Option<Timestamp>) -> String {
    until.map_or_else(|| "until somebody ends it".to_owned(), |until| format!("until {until:.0}"))
}

pub(super) fn given(
    f: &mut fmt::Formatter<'_>,
    server: &ServerId,
    state: Option<Admin>,
    given: &Given,
) -> fmt::Result {
    let force = if given.force { ", whatever is left" } else { "" };
    let (wanted, until) = (wanted(server, state), until(given.until));
    write!(f, "{wanted} {until}{force}, {} wants that: {}", given.by, given.reason)
}

pub(super) fn still(
    f: &mut fmt::Formatter<'_>,
    server: &ServerId,
    state: Option<Admin>,
    given: &Given,
) -> fmt::Result {
    let (wanted, until) = (wanted(server, state), until(given.until));
    write!(f, "{wanted} {until}, as {} wanted before this start: {}", given.by, given.reason)
}

pub(super) fn expired(
    f: &mut fmt::Formatter<'_>,
    server: &ServerId,
    state: Option<Admin>,
    by: &str,
) -> fmt::Result {
    match state {
        Some(state) => {
            write!(
                f,
                "{server} is left to its probes again: the time of the {} by {by} is over",
                state.as_str()
            )
        }
        None => write!(
            f,
            "{} is pinned to {} no more: the time of the pin by {by} is over",
            server.backend, server.server
        ),
    }
}
