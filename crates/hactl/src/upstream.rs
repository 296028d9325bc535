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

/// Why an upstream cannot be tested.
#[derive(Debug, Error)]
pub(crate) enum UpstreamError {
    #[error("write backend/server, server, PORT, HOST:PORT or socks5h://[USER@]HOST:PORT")]
    Form,
    #[error("0 is not a port")]
    PortZero,
    #[error("no address found for {0}")]
    NoAddress(String),
    #[error("no password: set HACTL_SOCKS_PASSWORD")]
    NoPassword,
    #[error(
        "a password does not belong on a command line, where others can read it: set HACTL_SOCKS_PASSWORD"
    )]
    PasswordInUrl,
    #[error(transparent)]
    Credentials(#[from] checker::CredentialsError),
    #[error("{0}")]
    Haproxy(String),
    #[error("HAProxy has no server {name}{known}")]
    NoServer { name: String, known: String },
    #[error("{name} is in several backends: {places}; write backend/server")]
    Ambiguous { name: String, places: String },
    #[error("HAProxy has no address for {0}")]
    NotProbed(String),
}

/// The words to test, those on standard input in place of `-`.
pub(crate) fn words(given: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    for word in given {
        if word == "-" {
            let lines = std::io::Read::take(std::io::stdin(), LINE_MAX * LINES_MAX as u64);
            let lines = std::io::BufReader::new(lines).lines().map_while(Result::ok);
            words.extend(
                lines.take(LINES_MAX).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()),
            );
        } else {
            words.push(word.clone());
        }
    }
    words
}

/// Finds where `word` is; HAProxy is asked where it names a server.
pub(crate) async fn resolve(word: &str, haproxy: &str) -> Result<Upstream, UpstreamError> {
    if let Some(rest) = word.strip_prefix("socks5://").or_else(|| word.strip_prefix("socks5h://")) {
        return from_url(word, rest.trim_end_matches('/')).await;
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty() {
        let port: u16 = word.parse().map_err(|_| UpstreamError::Form)?;
        return upstream(word, ([127, 0, 0, 1], port).into(), None);
    }
    if !word.contains(':') {
        return from_haproxy(word, haproxy).await;
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
    let none = || UpstreamError::NoAddress(host.to_owned());
    tokio::net::lookup_host(host).await.map_err(|_| none())?.next().ok_or_else(none)
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

async fn from_haproxy(word: &str, haproxy: &str) -> Result<Upstream, UpstreamError> {
    let rows = rows(haproxy).await.map_err(UpstreamError::Haproxy)?;
    let path: Option<ServerPath> = word.parse().ok();
    let matches: Vec<&ServerState> = rows
        .iter()
        .filter(|row| match &path {
            Some(path) => row.path() == *path,
            None => row.srv_name.as_str() == word,
        })
        .collect();
    match matches.as_slice() {
        [] => {
            let names: Vec<String> = rows.iter().take(12).map(|row| row.path().to_string()).collect();
            let known =
                if names.is_empty() { String::new() } else { format!("; it has {}", names.join(", ")) };
            Err(UpstreamError::NoServer { name: word.to_owned(), known })
        }
        [row] => {
            let none = || UpstreamError::NotProbed(word.to_owned());
            let ip = row.srv_addr.parse().map_err(|_| none())?;
            upstream(word, SocketAddr::new(ip, row.srv_port), None).map_err(|_| none())
        }
        several => {
            let places = several.iter().map(|row| row.path().to_string()).collect::<Vec<_>>().join(", ");
            Err(UpstreamError::Ambiguous { name: word.to_owned(), places })
        }
    }
}

async fn rows(haproxy: &str) -> Result<Vec<ServerState>, String> {
    let address: Address = haproxy.parse().map_err(|error| format!("--haproxy: {error}"))?;
    let replies = Client::new(address).exchange(&[Command::ShowServersState(None)]).await;
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
