//! The client's side of SOCKS5 (RFC 1928) with user/password (RFC 1929), without any I/O: what to send, and what each
//! received byte means. Knows nothing of time.

use std::fmt;

use failover::Cause;
use thiserror::Error;

use crate::target::Host;

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const COMMAND_CONNECT: u8 = 1;
const RESERVED: u8 = 0;

const NO_AUTHENTICATION: u8 = 0;
const USER_PASSWORD: u8 = 2;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

const PORT_BYTES: u16 = 2;

/// The most that [`Client::wanted`] ever asks for: the longest name and a port.
pub(crate) const MAX_WANTED: usize = 255 + PORT_BYTES as usize;

/// User and password for a SOCKS5 server. The password is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: Box<str>,
    password: Box<str>,
}

/// Credentials that RFC 1929 cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// RFC 1929 wants 1 to 255 bytes.
    #[error("the SOCKS user is {0} bytes long; RFC 1929 carries 1 to 255")]
    User(usize),
    /// RFC 1929 gives the length one byte. An empty one is sent as such: logins by token need it.
    #[error("the SOCKS password is {0} bytes long; RFC 1929 carries at most 255")]
    Password(usize),
}

impl Credentials {
    /// Checks that both fit into a login message.
    ///
    /// # Errors
    /// Where one is too long, or the user is empty.
    pub fn new(user: &str, password: &str) -> Result<Self, CredentialsError> {
        if !(1..=255).contains(&user.len()) {
            return Err(CredentialsError::User(user.len()));
        }
        if password.len() > 255 {
            return Err(CredentialsError::Password(password.len()));
        }
        Ok(Self { user: user.into(), password: password.into() })
    }

    /// The login message of RFC 1929 section 2.
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(3 + self.user.len() + self.password.len());
        message.push(LOGIN_VERSION);
        push_counted(&mut message, &self.user);
        push_counted(&mut message, &self.password);
        message
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The handshake, fed with one received byte after the other.
///
/// ```text
///  greeting sent ─> MethodVersion ─> Method ──0──────────────────────────┐
///                                      └──2─> LoginVersion ─> LoginStatus ┴─> Step::Request
///  request sent ──> ReplyVersion ─> ReplyCode ─> Reserved ─> AddressType ─1,4─> Rest ─> Step::Connected
///                                                                └──3─> NameLength ─┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    state: State,
    offers_login: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    MethodVersion,
    Method,
    LoginVersion,
    LoginStatus,
    ReplyVersion,
    ReplyCode,
    Reserved,
    AddressType,
    NameLength,
    /// This many bytes of the bound address and port, at least one, are still to come. They say nothing about the
    /// tunnel and are not kept.
    Rest(u16),
}

/// What the byte just received leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Read on.
    Read(Client),
    /// Send [`Credentials::message`], then read on.
    Login(Client),
    /// The method is agreed upon: send [`request`], then read on.
    Request(Client),
    /// The server says that the tunnel is open. Whatever follows comes from the target.
    Connected,
}

/// What a SOCKS5 server did wrong or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum SocksError {
    #[error("the server does not speak SOCKS5 (version {0})")]
    Version(u8),
    #[error("the SOCKS server wants another authentication (method 0xff)")]
    NoAcceptableMethod,
    #[error("the SOCKS server wants a user and a password (method 0x02)")]
    WantsLogin,
    #[error("the SOCKS server chose a method that was not offered (method {0:#04x})")]
    Method(u8),
    #[error("the SOCKS server does not speak RFC 1929 (login version {0})")]
    LoginVersion(u8),
    #[error("the SOCKS server refused user and password (status {0})")]
    LoginRefused(u8),
    #[error("refused by the SOCKS server: {}", ReplyCode(*.0))]
    Refused(u8),
    #[error("malformed reply of the SOCKS server (reserved byte {0:#04x})")]
    Reserved(u8),
    #[error("malformed reply of the SOCKS server (address type {0})")]
    AddressType(u8),
}

impl SocksError {
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::NoAcceptableMethod | Self::WantsLogin | Self::Method(_) | Self::LoginRefused(_) => {
                Cause::Auth
            }
            Self::Refused(code) => Cause::Reply(code),
            Self::Version(_) | Self::LoginVersion(_) | Self::Reserved(_) | Self::AddressType(_) => {
                Cause::Protocol
            }
        }
    }
}

/// A reply code in the words of RFC 1928 section 6.
struct ReplyCode(u8);

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0 {
            1 => "general SOCKS server failure",
            2 => "connection not allowed by ruleset",
            3 => "network unreachable",
            4 => "host unreachable",
            5 => "connection refused",
            6 => "TTL expired",
            7 => "command not supported",
            8 => "address type not supported",
            _ => "unknown reason",
        };
        write!(f, "{words} (reply {})", self.0)
    }
}

impl Client {
    /// A handshake whose [`greeting`](Self::greeting) is about to be sent.
    pub(crate) const fn new(offers_login: bool) -> Self {
        Self { state: State::MethodVersion, offers_login }
    }

    /// The version identifier and method selection message (RFC 1928 section 3).
    pub(crate) const fn greeting(self) -> &'static [u8] {
        if self.offers_login {
            &[VERSION, 2, NO_AUTHENTICATION, USER_PASSWORD]
        } else {
            &[VERSION, 1, NO_AUTHENTICATION]
        }
    }

    /// How many bytes may be read without taking any that belong to the next message; 1 to [`MAX_WANTED`].
    pub(crate) const fn wanted(self) -> usize {
        match self.state {
            State::MethodVersion | State::LoginVersion | State::Reserved => 2,
            State::Method | State::LoginStatus | State::AddressType | State::NameLength => 1,
            State::ReplyVersion => 4,
            State::ReplyCode => 3,
            State::Rest(left) => left as usize,
        }
    }

    /// Takes the next byte that the server sent.
    pub(crate) const fn receive(self, byte: u8) -> Result<Step, SocksError> {
        match (self.state, byte) {
            (State::MethodVersion, VERSION) => Ok(self.read(State::Method)),
            (State::Method, NO_AUTHENTICATION) => Ok(Step::Request(self.to(State::ReplyVersion))),
            (State::Method, USER_PASSWORD) if self.offers_login => {
                Ok(Step::Login(self.to(State::LoginVersion)))
            }
            (State::Method, USER_PASSWORD) => Err(SocksError::WantsLogin),
            (State::Method, NO_ACCEPTABLE_METHOD) => Err(SocksError::NoAcceptableMethod),
            (State::Method, method) => Err(SocksError::Method(method)),
            (State::LoginVersion, LOGIN_VERSION) => Ok(self.read(State::LoginStatus)),
            (State::LoginVersion, version) => Err(SocksError::LoginVersion(version)),
            (State::LoginStatus, 0) => Ok(Step::Request(self.to(State::ReplyVersion))),
            (State::LoginStatus, status) => Err(SocksError::LoginRefused(status)),
            (State::ReplyVersion, VERSION) => Ok(self.read(State::ReplyCode)),
            (State::MethodVersion | State::ReplyVersion, version) => Err(SocksError::Version(version)),
            (State::ReplyCode, 0) => Ok(self.read(State::Reserved)),
            // The code says all; a server that refuses may close without the rest.
            (State::ReplyCode, code) => Err(SocksError::Refused(code)),
            (State::Reserved, RESERVED) => Ok(self.read(State::AddressType)),
            (State::Reserved, other) => Err(SocksError::Reserved(other)),
            (State::AddressType, IPV4) => Ok(self.read(State::Rest(4 + PORT_BYTES))),
            (State::AddressType, IPV6) => Ok(self.read(State::Rest(16 + PORT_BYTES))),
            (State::AddressType, NAME) => Ok(self.read(State::NameLength)),
            (State::AddressType, other) => Err(SocksError::AddressType(other)),
            (State::NameLength, length) => Ok(self.read(State::Rest(length as u16 + PORT_BYTES))),
            (State::Rest(0 | 1), _) => Ok(Step::Connected),
            (State::Rest(left), _) => Ok(self.read(State::Rest(left - 1))),
        }
    }

    const fn to(self, state: State) -> Self {
        Self { state, ..self }
    }

    const fn read(self, state: State) -> Step {
        Step::Read(self.to(state))
    }
}

/// The CONNECT request (RFC 1928 section 4). A name is sent as such: the proxy resolves it.
pub(crate) fn request(host: &Host, port: u16) -> Vec<u8> {
    let mut message = Vec::with_capacity(5 + MAX_WANTED);
    message.extend([VERSION, COMMAND_CONNECT, RESERVED]);
    match host {
        Host::V4(address) => {
            message.push(IPV4);
            message.extend(address.octets());
        }
        Host::V6(address) => {
            message.push(IPV6);
            message.extend(address.octets());
        }
        Host::Name(name) => {
            message.push(NAME);
            push_counted(&mut message, name);
        }
    }
    message.extend(port.to_be_bytes());
    message
}

/// Appends `text` behind its length in one byte. Whoever made `text` has checked that it fits.
fn push_counted(message: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    message.push(length);
    message.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
}

#[cfg(test)]
mod tests;
