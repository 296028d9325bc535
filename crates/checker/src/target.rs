//! What a probe asks for, parsed from the text that a person configured. Opens nothing and resolves nothing: names
//! are for the proxy to resolve.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use failover::Name;
use rustls::pki_types::ServerName;
use thiserror::Error;

use crate::text;

/// RFC 1928 gives a name's length one byte.
const MAX_NAME_BYTES: usize = 255;

/// RFC 1035 section 2.3.4.
const MAX_LABEL_BYTES: usize = 63;

/// A probe asks for something small: the request stays within one segment, so that losing it is one loss.
const MAX_PATH_BYTES: usize = 1024;

/// A target: `http://HOST[:PORT][/PATH]`, `https://HOST[:PORT][/PATH]` or `tcp://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    name: Name,
    host: Host,
    port: u16,
    protocol: Protocol,
    expect: Expect,
}

/// Settings of one target beyond its text; the default fits most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetOptions {
    /// Which answers count as passed.
    pub expect: Expect,
    /// The name that `https` asks for and verifies, where it is not the host itself. Without it a host given by IP
    /// address is verified against the addresses in its certificate.
    pub sni: Option<String>,
}

/// Which answers of a target count as passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Any complete response: it came through the tunnel.
    #[default]
    AnyResponse,
    /// Only these HTTP statuses.
    Statuses(Vec<u16>),
}

/// Where a target is, in the forms that SOCKS5 knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    Name(Box<str>),
}

/// How a target is spoken to once the tunnel is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// The target speaks first.
    Tcp,
    Http {
        path: Box<str>,
    },
    Https {
        path: Box<str>,
        server_name: ServerName<'static>,
    },
}

/// A target that cannot be used, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("target `{target}`: {flaw}")]
pub struct TargetError {
    /// The target as configured, fit to print: passwords are left out.
    pub target: String,
    /// What is wrong with it.
    pub flaw: TargetFlaw,
}

/// What is wrong with a target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TargetFlaw {
    /// Only a host was given.
    #[error("no scheme; write {write}")]
    NoScheme {
        /// The same with a scheme.
        write: String,
    },
    /// Not one of the three schemes.
    #[error("scheme `{0}` is not known; use http, https or tcp")]
    Scheme(String),
    /// `user:password@`.
    #[error("a target takes no user or password; remove everything up to the `@`")]
    UserInfo,
    /// `#...`.
    #[error("a fragment is never sent to the target; remove `#` and what follows")]
    Fragment,
    /// A space, a control character or one outside ASCII.
    #[error("{0:?} may not stand in a target; percent-encode it in a path, write a name as xn--")]
    Character(char),
    /// Nothing between the scheme and the path.
    #[error("no host; write SCHEME://HOST")]
    NoHost,
    /// An IPv6 address whose end cannot be told from a port.
    #[error("an IPv6 address stands in brackets; write [{0}]")]
    Brackets(String),
    /// The host is nothing that SOCKS5 could carry.
    #[error("`{0}` is no IPv4 address, no [IPv6] address and no host name")]
    Host(String),
    /// The name does not fit into a SOCKS5 request.
    #[error("the host name is {0} bytes long; SOCKS5 carries at most 255")]
    NameTooLong(usize),
    /// `tcp` has no port of its own.
    #[error("tcp has no default port; write tcp://HOST:PORT")]
    NoPort,
    /// The port is not a number from 1 to 65535.
    #[error("port `{0}` is not a number from 1 to 65535")]
    Port(String),
    /// `tcp` with a path.
    #[error("a tcp target has no path; end it after the port")]
    TcpPath,
    /// More than a small request.
    #[error("the path is {0} bytes long; at most 1024 are sent")]
    PathTooLong(usize),
    /// The name to verify is not one.
    #[error("sni `{0}` is no host name")]
    Sni(String),
    /// Only `https` has a name to verify.
    #[error("sni is for https targets only; remove it")]
    SniWithoutTls,
    /// Only HTTP has statuses.
    #[error("expected statuses are for http and https targets only; remove them")]
    ExpectWithoutHttp,
    /// No response could ever pass.
    #[error("the list of expected statuses is empty; name one or remove it")]
    NoStatus,
    /// Not a final HTTP status.
    #[error("{0} is no final HTTP status; use 200 to 599")]
    Status(u16),
}

impl Target {
    /// The target as configured.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The same target with `options` instead of the defaults.
    ///
    /// # Errors
    /// Where an option does not fit the target's scheme or is malformed.
    pub fn with(mut self, options: TargetOptions) -> Result<Self, TargetError> {
        let flaw = match self.apply(options) {
            Ok(()) => return Ok(self),
            Err(flaw) => flaw,
        };
        Err(TargetError { target: shown(self.name.as_str()), flaw })
    }

    /// What makes the same target of its text again.
    #[must_use]
    pub fn options(&self) -> TargetOptions {
        let sni = match &self.protocol {
            Protocol::Https { server_name: ServerName::DnsName(name), .. } => Some(name.as_ref().to_owned()),
            Protocol::Https { .. } | Protocol::Http { .. } | Protocol::Tcp => None,
        };
        TargetOptions { expect: self.expect.clone(), sni }
    }

    /// Whom it asks: a name or an address (IPv6 without brackets), and the port.
    #[must_use]
    pub fn place(&self) -> (String, u16) {
        let host = match &self.host {
            Host::V4(address) => address.to_string(),
            Host::V6(address) => address.to_string(),
            Host::Name(name) => name.to_string(),
        };
        (host, self.port)
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    pub(crate) fn expect(&self) -> &Expect {
        &self.expect
    }

    fn apply(&mut self, options: TargetOptions) -> Result<(), TargetFlaw> {
        if let Some(sni) = options.sni {
            let Protocol::Https { server_name, .. } = &mut self.protocol else {
                return Err(TargetFlaw::SniWithoutTls);
            };
            let flaw = || TargetFlaw::Sni(text::clean(&sni));
            let Host::Name(name) = parse_host(&sni).map_err(|_| flaw())? else { return Err(flaw()) };
            *server_name = ServerName::try_from(String::from(name)).map_err(|_| flaw())?;
        }
        if let Expect::Statuses(statuses) = &options.expect {
            if self.protocol == Protocol::Tcp {
                return Err(TargetFlaw::ExpectWithoutHttp);
            }
            if let Some(status) = statuses.iter().find(|status| !(200..600).contains(*status)) {
                return Err(TargetFlaw::Status(*status));
            }
            if statuses.is_empty() {
                return Err(TargetFlaw::NoStatus);
            }
        }
        self.expect = options.expect;
        Ok(())
    }
}

impl Expect {
    /// Whether a response with this status counts as passed.
    pub(crate) fn allows(&self, status: u16) -> bool {
        match self {
            Self::AnyResponse => true,
            Self::Statuses(statuses) => statuses.contains(&status),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name, f)
    }
}

/// As it stands in a URL and in the `Host` field: IPv6 in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => fmt::Display::fmt(address, f),
            Self::V6(address) => write!(f, "[{address}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|flaw| {
            // What looks like a broken host or port may be a password with a slash in it.
            let is_secret = matches!(flaw, TargetFlaw::Host(_) | TargetFlaw::Port(_)) && text.contains('@');
            TargetError { target: shown(text), flaw: if is_secret { TargetFlaw::UserInfo } else { flaw } }
        })
    }
}

fn parse(text: &str) -> Result<Target, TargetFlaw> {
    let Some((scheme, rest)) = text.split_once("://") else { return Err(no_scheme(text)) };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(TargetFlaw::UserInfo);
    }
    if path.contains('#') {
        return Err(TargetFlaw::Fragment);
    }
    if let Some(character) = text.chars().find(|character| !character.is_ascii_graphic()) {
        return Err(TargetFlaw::Character(character));
    }
    let (host, port) = split_port(authority)?;
    let host = parse_host(host)?;
    let port = port.map(parse_port).transpose()?;
    let (port, protocol) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (port.unwrap_or(80), Protocol::Http { path: parse_path(path)? }),
        "https" => (
            port.unwrap_or(443),
            Protocol::Https { path: parse_path(path)?, server_name: server_name(&host)? },
        ),
        "tcp" if !path.is_empty() => return Err(TargetFlaw::TcpPath),
        "tcp" => (port.ok_or(TargetFlaw::NoPort)?, Protocol::Tcp),
        _ => return Err(TargetFlaw::Scheme(text::clean(scheme))),
    };
    Ok(Target { name: text.into(), host, port, protocol, expect: Expect::default() })
}

/// Splits `HOST[:PORT]`; the colons of an IPv6 address are inside its brackets.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), TargetFlaw> {
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Err(TargetFlaw::Brackets(authority.to_owned()));
    }
    let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority[end_of_host..].find(':') {
        None => Ok((authority, None)),
        Some(colon) => {
            let (host, port) = authority.split_at(end_of_host + colon);
            Ok((host, Some(&port[1..])))
        }
    }
}

fn parse_host(host: &str) -> Result<Host, TargetFlaw> {
    if host.is_empty() {
        return Err(TargetFlaw::NoHost);
    }
    if host.len() > MAX_NAME_BYTES {
        return Err(TargetFlaw::NameTooLong(host.len()));
    }
    if let Ok(address) = host.parse() {
        return Ok(Host::V4(address));
    }
    let flaw = || TargetFlaw::Host(text::clean(host));
    if let Some(address) = host.strip_prefix('[').and_then(|open| open.strip_suffix(']')) {
        return address.parse().map(Host::V6).map_err(|_| flaw());
    }
    if is_name(host) { Ok(Host::Name(host.into())) } else { Err(flaw()) }
}

/// Labels of letters, digits, `-` and `_`. A last label of digits alone is a mistyped IPv4 address, not a name.
fn is_name(host: &str) -> bool {
    let relative = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    relative.split('.').all(is_label) && !relative.rsplit('.').next().is_some_and(is_number)
}

/// Digits only, so that `+80` is not a port.
fn parse_port(port: &str) -> Result<u16, TargetFlaw> {
    match port.parse() {
        Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        Ok(_) | Err(_) => Err(TargetFlaw::Port(text::clean(port))),
    }
}

/// The request target of RFC 9112 section 3.2.1, which always has a path.
fn parse_path(path: &str) -> Result<Box<str>, TargetFlaw> {
    if path.len() > MAX_PATH_BYTES {
        return Err(TargetFlaw::PathTooLong(path.len()));
    }
    Ok(if path.starts_with('/') { path.into() } else { format!("/{path}").into() })
}

fn server_name(host: &Host) -> Result<ServerName<'static>, TargetFlaw> {
    match host {
        Host::V4(address) => Ok(ServerName::from(std::net::IpAddr::V4(*address))),
        Host::V6(address) => Ok(ServerName::from(std::net::IpAddr::V6(*address))),
        Host::Name(name) => {
            ServerName::try_from(String::from(name.clone())).map_err(|_| TargetFlaw::Host(text::clean(name)))
        }
    }
}

fn no_scheme(text: &str) -> TargetFlaw {
    if text.contains('@') {
        return TargetFlaw::UserInfo;
    }
    let authority = if text.parse::<Ipv6Addr>().is_ok() { format!("[{text}]") } else { text.to_owned() };
    let slash = if authority.contains('/') { "" } else { "/" };
    TargetFlaw::NoScheme { write: text::clean(&format!("https://{authority}{slash}")) }
}

/// A rejected target without what may be a password in it.
fn shown(target: &str) -> String {
    match target.rsplit_once('@') {
        None => text::clean(target),
        Some((before, after)) => {
            let scheme = before.find("://").map_or("", |end| &before[..end + 3]);
            text::clean(&format!("{scheme}***@{after}"))
        }
    }
}

#[cfg(test)]
mod tests;
