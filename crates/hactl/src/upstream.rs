//! What `hactl check` is asked to test: from a word on the command line to an address.

use std::io::BufRead;
use std::net::SocketAddr;

use checker::{Credentials, Upstream};
use failover::ServerId;
use haproxy_runtime::{Address, Client, Command, Reply, ServerPath, ServerState};
use thiserror::Error;

/// Names on standard input; more than any one HAProxy has.
const LINES_MAX: usize = 100_000;

/// A line on standard input is a word.
const LINE_MAX: u64 = 1024;

/// Servers that are listed where the one asked for is not among them; a longer list helps nobody.
const LISTED_MAX: usize = 12;

/// Why an upstream cannot be tested.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum UpstreamError {
    #[error("it is no upstream")]
    Form,
    #[error("0 is not a port")]
    PortZero,
    #[error("no address found for {host}: {why}")]
    NoAddress { host: String, why: String },
    #[error("its user has no password")]
    NoPassword,
    #[error("a password does not belong on a command line, where others can read it")]
    PasswordInUrl,
    #[error(transparent)]
    Credentials(#[from] checker::CredentialsError),
    #[error("{0}")]
    Haproxy(String),
    #[error("HAProxy has no server {name}{known}")]
    NoServer { name: String, known: String },
    #[error("{name} is in several backends: {places}")]
    Ambiguous { name: String, places: String },
    #[error("HAProxy has no address for it")]
    NoAddressInHaproxy,
}

impl UpstreamError {
    /// What to do.
    pub(crate) const fn next(&self) -> &'static str {
        match self {
            Self::Form | Self::PortZero => {
                "write backend/server, server, PORT, HOST:PORT or socks5h://[USER@]HOST:PORT"
            }
            Self::NoAddress { .. } => "correct the name, or write the address",
            Self::NoPassword | Self::Credentials(_) => "set HACTL_SOCKS_PASSWORD",
            Self::PasswordInUrl => "leave it out and set HACTL_SOCKS_PASSWORD",
            Self::Haproxy(_) => {
                "name HAProxy's stats socket with --haproxy ADDR, or test HOST:PORT, which needs none"
            }
            Self::NoServer { .. } => "correct the name, or test HOST:PORT",
            Self::Ambiguous { .. } => "write backend/server",
            Self::NoAddressInHaproxy => "wait until HAProxy has resolved its name, or test HOST:PORT",
        }
    }
}

/// The words to test, those on standard input in place of `-`.
pub(crate) fn words(given: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    for word in given {
        if word == "-" {
            words.extend(lines(std::io::stdin().lock()));
        } else {
            words.push(word.clone());
        }
    }
    words
}

/// `word` without the password that does not belong there: `socks5h://user:***@host:1080`.
pub(crate) fn without_password(word: &str) -> String {
    let (scheme, rest) = word.split_once("://").map_or(("", word), |(scheme, rest)| (scheme, rest));
    let hidden = rest.rsplit_once('@').and_then(|(login, place)| Some((login.split_once(':')?.0, place)));
    match (hidden, scheme) {
        (None, _) => word.to_owned(),
        (Some((user, place)), "") => format!("{user}:***@{place}"),
        (Some((user, place)), scheme) => format!("{scheme}://{user}:***@{place}"),
    }
}

/// What is not UTF-8 becomes a word that nothing is called by.
fn lines(input: impl BufRead) -> Vec<String> {
    let lines = input.take(LINE_MAX * LINES_MAX as u64).split(b'\n').map_while(Result::ok).take(LINES_MAX);
    lines
        .map(|line| String::from_utf8_lossy(&line).trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// HAProxy's servers: asked for once, and only where a word needs them.
pub(crate) struct Servers {
    haproxy: Address,
    known: Option<Result<Vec<ServerState>, UpstreamError>>,
}

impl Servers {
    pub(crate) const fn of(haproxy: Address) -> Self {
        Self { haproxy, known: None }
    }

    async fn rows(&mut self) -> Result<&[ServerState], UpstreamError> {
        if self.known.is_none() {
            self.known = Some(rows(self.haproxy.clone()).await.map_err(UpstreamError::Haproxy));
        }
        match &self.known {
            Some(Ok(rows)) => Ok(rows),
            Some(Err(error)) => Err(error.clone()),
            None => Ok(&[]),
        }
    }
}

/// Finds where `word` is; HAProxy is asked where it names a server.
pub(crate) async fn resolve(word: &str, servers: &mut Servers) -> Result<Upstream, UpstreamError> {
    // Neither a name nor an address has these, and HAProxy takes none that has.
    if word.contains(|character: char| character == ',' || character.is_control()) {
        return Err(UpstreamError::Form);
    }
    if let Some(rest) = word.strip_prefix("socks5://").or_else(|| word.strip_prefix("socks5h://")) {
        return from_url(word, rest.trim_end_matches('/')).await;
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty() {
        let port: u16 = word.parse().map_err(|_| UpstreamError::Form)?;
        return upstream(word, ([127, 0, 0, 1], port).into(), None);
    }
    if !word.contains(':') {
        return from_haproxy(word, servers.rows().await?);
    }
    upstream(word, lookup(word).await?, None)
}

async fn from_url(word: &str, rest: &str) -> Result<Upstream, UpstreamError> {
    let (user, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
    let credentials = match user {
        None => None,
        Some(user) if user.contains(':') => return Err(UpstreamError::PasswordInUrl),
        Some(user) => {
            let password = std::env::var("HACTL_SOCKS_PASSWORD").map_err(|_| UpstreamError::NoPassword)?;
            Some(Credentials::new(user, &password)?)
        }
    };
    upstream(word, lookup(host).await?, credentials)
}

async fn lookup(host: &str) -> Result<SocketAddr, UpstreamError> {
    let (name, port) = host.rsplit_once(':').ok_or(UpstreamError::Form)?;
    if name.is_empty() || port.parse::<u16>().is_err() {
        return Err(UpstreamError::Form);
    }
    let none = |why: String| UpstreamError::NoAddress { host: host.to_owned(), why };
    let mut found = tokio::net::lookup_host(host).await.map_err(|error| none(error.to_string()))?;
    found.next().ok_or_else(|| none("it has none".to_owned()))
}

fn upstream(
    word: &str,
    address: SocketAddr,
    credentials: Option<Credentials>,
) -> Result<Upstream, UpstreamError> {
    if address.port() == 0 {
        return Err(UpstreamError::PortZero);
    }
    // Each word is a server of its own; the empty backend keeps it apart from HAProxy's.
    Ok(Upstream { server: ServerId::new("", word), address, credentials })
}

fn from_haproxy(word: &str, rows: &[ServerState]) -> Result<Upstream, UpstreamError> {
    let path: Option<ServerPath> = word.parse().ok();
    let matches: Vec<&ServerState> = rows
        .iter()
        .filter(|row| match &path {
            Some(path) => row.path() == *path,
            None => row.srv_name.as_str() == word,
        })
        .collect();
    match matches.as_slice() {
        [] => Err(UpstreamError::NoServer { name: word.to_owned(), known: listed(rows) }),
        [row] => {
            let none = |_| UpstreamError::NoAddressInHaproxy;
            let ip = row.srv_addr.parse().map_err(none)?;
            match row.srv_port {
                0 => Err(UpstreamError::NoAddressInHaproxy),
                port => upstream(word, SocketAddr::new(ip, port), None),
            }
        }
        several => {
            let places = several.iter().map(|row| row.path().to_string()).collect::<Vec<_>>().join(", ");
            Err(UpstreamError::Ambiguous { name: word.to_owned(), places })
        }
    }
}

fn listed(rows: &[ServerState]) -> String {
    let names: Vec<String> = rows.iter().take(LISTED_MAX).map(|row| row.path().to_string()).collect();
    let more = rows.len() - names.len();
    match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(" (it has {})", names.join(", ")),
        (false, more) => format!(" (it has {} and {more} more)", names.join(", ")),
    }
}

async fn rows(haproxy: Address) -> Result<Vec<ServerState>, String> {
    let replies = Client::new(haproxy).exchange(&[Command::ShowServersState(None)]).await;
    let text = |error: &dyn std::error::Error| match crate::report::sources(error) {
        Some(sources) => format!("{error}: {sources}"),
        None => error.to_string(),
    };
    match replies.map_err(|error| text(&error))?.into_iter().next() {
        Some(Ok(Reply::ServersState(table))) => Ok(table.rows),
        Some(Err(error)) => Err(text(&error)),
        Some(Ok(_)) | None => Err("HAProxy answered something else than its servers".to_owned()),
    }
}

#[cfg(test)]
mod tests;
