//! What can stop a stage, and what each I/O error says: about the peer, or only about this host. Knows no stage.

use std::io::{self, ErrorKind};

use failover::Cause;
use rustix::io::Errno;

use crate::socks::SocksError;

/// Why a stage was not passed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Evidence: the peer's doing, or the path's.
    Failed(Cause, String),
    /// This host lacked something of its own; says nothing about the peer.
    Void(String),
}

impl Fault {
    /// The peer closed the connection after `received` bytes of this stage.
    pub(crate) fn closed(received: usize) -> Self {
        Self::Failed(Cause::Closed, format!("closed after {}", bytes(received)))
    }

    /// The bytes are not what the protocol says.
    pub(crate) fn protocol(what: impl Into<String>) -> Self {
        Self::Failed(Cause::Protocol, what.into())
    }

    /// A connection to the SOCKS server that did not come about.
    pub(crate) fn connecting(error: &io::Error) -> Self {
        if lacks_own_resource(error) {
            return Self::Void(error.to_string());
        }
        if error.kind() == ErrorKind::ConnectionRefused {
            return Self::Failed(Cause::Refused, "connection refused".into());
        }
        if error.kind() == ErrorKind::TimedOut {
            return Self::Failed(Cause::Timeout, "no answer; the kernel gave up".into());
        }
        if has_ended(error) {
            return Self::Failed(Cause::Closed, "reset".into());
        }
        if let Some(fault) = Self::unreachable(error) {
            return fault;
        }
        // Forbidden by a local rule, interface down, address family missing: there is no way from here to there.
        Self::Failed(Cause::Unreachable, error.to_string())
    }

    /// An established connection that broke after `received` bytes of this stage.
    pub(crate) fn broken(error: &io::Error, received: usize) -> Self {
        if lacks_own_resource(error) {
            return Self::Void(error.to_string());
        }
        let kind = error.kind();
        if kind == ErrorKind::UnexpectedEof {
            return Self::closed(received);
        }
        if kind == ErrorKind::TimedOut {
            return Self::Failed(Cause::Timeout, "no answer; the kernel gave up".into());
        }
        if let Some(fault) = Self::unreachable(error) {
            return fault;
        }
        if has_ended(error) {
            return Self::Failed(Cause::Closed, format!("reset after {}", bytes(received)));
        }
        if error.raw_os_error().is_none() {
            // Not the kernel's but a layer's above it: TLS, or our own limit.
            return Self::protocol(error.to_string());
        }
        Self::Failed(Cause::Closed, format!("broke after {}: {error}", bytes(received)))
    }

    fn unreachable(error: &io::Error) -> Option<Self> {
        let what = match Errno::from_io_error(error)? {
            Errno::HOSTUNREACH => "no route to host",
            Errno::NETUNREACH => "network unreachable",
            _ => return None,
        };
        Some(Self::Failed(Cause::Unreachable, what.into()))
    }
}

impl From<SocksError> for Fault {
    fn from(error: SocksError) -> Self {
        Self::Failed(error.cause(), error.to_string())
    }
}

/// Errors of this host's own making: out of descriptors, buffers, memory or local ports.
fn lacks_own_resource(error: &io::Error) -> bool {
    const OWN: [Errno; 6] =
        [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL, Errno::AGAIN];
    Errno::from_io_error(error).is_some_and(|errno| OWN.contains(&errno))
}

fn has_ended(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
    )
}

fn bytes(count: usize) -> String {
    match count {
        1 => "1 byte".to_owned(),
        _ => format!("{count} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_this_host_are_never_evidence() {
        for errno in
            [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL, Errno::AGAIN]
        {
            let error = io::Error::from(errno);
            assert!(matches!(Fault::connecting(&error), Fault::Void(_)), "{errno:?}");
            assert!(matches!(Fault::broken(&error, 0), Fault::Void(_)), "{errno:?}");
        }
    }

    #[test]
    fn a_failed_connect_is_told_apart_by_its_errno() {
        for (errno, expected) in [
            (Errno::CONNREFUSED, Cause::Refused),
            (Errno::HOSTUNREACH, Cause::Unreachable),
            (Errno::NETUNREACH, Cause::Unreachable),
            (Errno::NETDOWN, Cause::Unreachable),
            (Errno::ACCESS, Cause::Unreachable),
            (Errno::AFNOSUPPORT, Cause::Unreachable),
            (Errno::TIMEDOUT, Cause::Timeout),
            (Errno::CONNRESET, Cause::Closed),
        ] {
            let fault = Fault::connecting(&io::Error::from(errno));
            assert!(matches!(fault, Fault::Failed(cause, _) if cause == expected), "{errno:?}: {fault:?}");
        }
    }

    #[test]
    fn a_broken_connection_says_after_how_many_bytes() {
        let text = |error: io::Error, received| match Fault::broken(&error, received) {
            Fault::Failed(cause, text) => format!("{}: {text}", cause.as_str()),
            Fault::Void(text) => text,
        };
        assert_eq!(text(ErrorKind::UnexpectedEof.into(), 0), "closed: closed after 0 bytes");
        assert_eq!(text(Errno::CONNRESET.into(), 1), "closed: reset after 1 byte");
        assert_eq!(text(Errno::PIPE.into(), 3), "closed: reset after 3 bytes");
        assert_eq!(text(Errno::TIMEDOUT.into(), 3), "timeout: no answer; the kernel gave up");
        assert_eq!(text(Errno::HOSTUNREACH.into(), 3), "unreachable: no route to host");
        assert_eq!(text(io::Error::other("too much"), 3), "protocol: too much");
        assert!(text(Errno::IO.into(), 3).starts_with("closed: broke after 3 bytes: "));
    }
}
