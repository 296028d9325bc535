//! Where a runtime API listens, as people write it. Nothing is opened or resolved here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The address of one stats socket, or of the master CLI.
///
/// Written `PATH`, `unix:PATH` or `unix@PATH` for a unix socket, `master:PATH` or `master@PATH` for a master's, and
/// `tcp:HOST:PORT` for TCP, an IPv6 address in brackets: `tcp:[::1]:9999`. HAProxy does not authenticate TCP: whoever
/// reaches the port controls the proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A unix socket, `stats socket PATH` in haproxy.cfg.
    Unix(PathBuf),
    /// The master CLI, `haproxy -W -S PATH`: what is sent there reaches the present worker.
    Master(PathBuf),
    /// A TCP port, `stats socket ipv4@HOST:PORT` in haproxy.cfg.
    Tcp {
        /// A name or an address; IPv6 without brackets.
        host: String,
        /// Never 0 when parsed from text.
        port: u16,
    },
}

/// Why a text is not an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no path.
    #[error("the path of the socket is empty")]
    Empty,
    /// A control character, which no socket's path or host has.
    #[error("the address has a control character: {0:?}")]
    Control(String),
    /// `HOST:PORT` without `tcp:` would be taken for a file's name.
    #[error("`{0}` looks like a TCP address: write `tcp:{0}`, or `./{0}` for a file")]
    LooksLikeTcp(String),
    /// `tcp:` is not followed by `HOST:PORT`.
    #[error("`{0}` is not of the form tcp:HOST:PORT (IPv6: tcp:[ADDRESS]:PORT, port 1 to 65535)")]
    Tcp(String),
}

impl Address {
    /// What to do so that HAProxy opens this socket with all rights.
    #[must_use]
    pub fn admin_advice(&self) -> String {
        let line = match self {
            Self::Unix(path) => format!("{} mode 660", path.display()),
            Self::Tcp { host, port } if host.contains(':') => format!("ipv6@{host}:{port}"),
            Self::Tcp { host, port } => format!("ipv4@{host}:{port}"),
            Self::Master(path) => {
                return format!("start HAProxy with `-S {},level,admin`", path.display());
            }
        };
        format!(
            "write `stats socket {line} level admin` into the global section of haproxy.cfg and reload HAProxy"
        )
    }

    /// What opens such a socket, and where that stands.
    pub(crate) const fn opened_by(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unix(_) | Self::Tcp { .. } => ("`stats socket` line", "haproxy.cfg"),
            Self::Master(_) => ("`-S` argument", "haproxy"),
        }
    }

    /// How a group is given access there.
    pub(crate) const fn group_option(&self) -> &'static str {
        match self {
            Self::Unix(_) | Self::Tcp { .. } => "mode 660 group GROUP",
            Self::Master(_) => ",mode,660,group,GROUP",
        }
    }

    /// The socket's file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) | Self::Master(path) => Some(path),
            Self::Tcp { .. } => None,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.chars().any(char::is_control) {
            return Err(AddressError::Control(text.to_owned()));
        }
        if let Some(path) = text.strip_prefix("master:").or_else(|| text.strip_prefix("master@")) {
            return if path.is_empty() { Err(AddressError::Empty) } else { Ok(Self::Master(path.into())) };
        }
        if let Some(rest) = text.strip_prefix("tcp:") {
            return parse_tcp(rest).ok_or_else(|| AddressError::Tcp(text.to_owned()));
        }
        let marked = text.strip_prefix("unix:").or_else(|| text.strip_prefix("unix@"));
        if marked.is_none() && !text.contains('/') && parse_tcp(text).is_some() {
            return Err(AddressError::LooksLikeTcp(text.to_owned()));
        }
        match marked.unwrap_or(text) {
            "" => Err(AddressError::Empty),
            path => Ok(Self::Unix(path.into())),
        }
    }
}

fn parse_tcp(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']').filter(|host| host.contains(':'))?,
        None => Some(host).filter(|host| !host.contains(':'))?,
    };
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty()).then(|| Address::Tcp { host: host.to_owned(), port })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Master(path) => write!(f, "master:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_unix_socket_however_it_is_marked() {
        for (text, path) in [
            ("/run/haproxy/admin.sock", "/run/haproxy/admin.sock"),
            ("unix:/run/haproxy/admin.sock", "/run/haproxy/admin.sock"),
            ("unix@/run/haproxy/admin.sock", "/run/haproxy/admin.sock"),
            ("run/admin.sock", "run/admin.sock"),
            ("admin.sock", "admin.sock"),
            ("./127.0.0.1:9999", "./127.0.0.1:9999"),
        ] {
            assert_eq!(text.parse(), Ok(Address::Unix(path.into())), "{text}");
        }
    }

    #[test]
    fn a_marked_path_is_the_master_cli() {
        for text in ["master:/run/haproxy-master.sock", "master@/run/haproxy-master.sock"] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address, Address::Master("/run/haproxy-master.sock".into()));
            assert_eq!(address.to_string(), "master:/run/haproxy-master.sock");
        }
        assert_eq!("master.sock".parse(), Ok(Address::Unix("master.sock".into())));
    }

    #[test]
    fn tcp_takes_names_ipv4_and_bracketed_ipv6() {
        for (text, host, port) in [
            ("tcp:127.0.0.1:9999", "127.0.0.1", 9999),
            ("tcp:localhost:1", "localhost", 1),
            ("tcp:[::1]:65535", "::1", 65535),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address, Address::Tcp { host: host.to_owned(), port });
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn broken_tcp_addresses_are_refused() {
        for text in
            ["tcp:", "tcp:host", "tcp::1", "tcp:h:0", "tcp:h:65536", "tcp:::1:9", "tcp:[::1]", "tcp:[h]:1"]
        {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Tcp(text.to_owned())));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_an_error_that_says_what_to_write() {
        let message = |text: &str| text.parse::<Address>().unwrap_err().to_string();
        assert!(message("127.0.0.1:9999").contains("write `tcp:127.0.0.1:9999`"));
        assert_eq!("".parse::<Address>(), Err(AddressError::Empty));
        assert_eq!("unix:".parse::<Address>(), Err(AddressError::Empty));
        assert_eq!("master:".parse::<Address>(), Err(AddressError::Empty));
        assert!(!message("/run/a\nb").contains('\n'));
    }

    #[test]
    fn how_to_have_all_rights_names_the_socket() {
        let advice = |text: &str| text.parse::<Address>().unwrap().admin_advice();
        for (text, line) in [
            ("/run/a.sock", "stats socket /run/a.sock mode 660 level admin"),
            ("tcp:127.0.0.1:9999", "stats socket ipv4@127.0.0.1:9999 level admin"),
            ("tcp:[::1]:9999", "stats socket ipv6@::1:9999 level admin"),
        ] {
            let expected =
                format!("write `{line}` into the global section of haproxy.cfg and reload HAProxy");
            assert_eq!(advice(text), expected);
        }
        assert_eq!(advice("master:/run/m.sock"), "start HAProxy with `-S /run/m.sock,level,admin`");
    }
}
