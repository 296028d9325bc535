//! A descriptor whose readiness can be waited for.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits for what can be read from `handle`, or is said by its becoming readable.
#[expect(
    deprecated,
    reason = "its successor is unsafe, for owners that could swap or close their descriptor; this one cannot"
)]
pub(super) fn ready(handle: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(handle, Interest::READABLE)
}
