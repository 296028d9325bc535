//! What `hactl check` is asked to test: from a word on the command line to an address.

use std::io::BufRead;
use std::net::SocketAddr;

use checker::{Credentials, Upstream};
use failover::ServerId;
use failover::status::Status;
use haproxy_runtime::{Address, Client, Command, Reply, ServerState};
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
    #[error("there are several of that name: {places}")]
    Ambiguous { places: String },
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
                "name hactl's own socket with --socket PATH or HAProxy's with --haproxy ADDR, or test HOST:PORT, which \
                 needs neither"
            }
            Self::NoServer { .. } => "correct the name, or test HOST:PORT",
            Self::Ambiguous { .. } => {
                "write backend/server or INSTANCE:backend/server, or name the HAProxy with --haproxy ADDR"
            }
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

/// A server, as the daemon or HAProxy says it.
pub(crate) struct Known {
    /// Whose it is, where the daemon says it.
    instance: Option<String>,
    backend: String,
    name: String,
    address: Option<SocketAddr>,
}

impl Known {
    /// `SERVER`, `BACKEND/SERVER` or `INSTANCE:BACKEND/SERVER`.
    fn is_called(&self, word: &str) -> bool {
        let Some((backend, name)) = word.rsplit_once('/') else { return word == self.name };
        let of_instance = |instance: &String| {
            let rest = backend.strip_prefix(instance.as_str()).and_then(|rest| rest.strip_prefix(':'));
            rest == Some(self.backend.as_str())
        };
        name == self.name && (backend == self.backend || self.instance.as_ref().is_some_and(of_instance))
    }

    fn path(&self) -> String {
        format!("{}/{}", self.backend, self.name)
    }

    fn whole(&self) -> String {
        let path = self.path();
        self.instance.as_ref().map_or_else(|| path.clone(), |instance| format!("{instance}:{path}"))
    }
}

/// The servers that the daemon knows.
pub(crate) fn told(status: &Status) -> impl Iterator<Item = Known> + '_ {
    status.backends.iter().flat_map(|backend| {
        backend.servers.iter().map(|server| Known {
            instance: Some(backend.instance.clone()),
            backend: backend.name.clone(),
            name: server.name.clone(),
            address: server.address.as_ref().and_then(|address| address.parse().ok()),
        })
    })
}

/// Where servers are: what the daemon said; HAProxy is asked once, and only where a word needs it.
pub(crate) struct Servers {
    told: Vec<Known>,
    haproxies: Vec<Address>,
    asked: Option<(Vec<Known>, Option<UpstreamError>)>,
}

impl Servers {
    /// `haproxies` are asked about what is not among those that the daemon has `told`.
    pub(crate) const fn of(told: Vec<Known>, haproxies: Vec<Address>) -> Self {
        Self { told, haproxies, asked: None }
    }

    /// The address of what is called so.
    async fn find(&mut self, word: &str) -> Result<SocketAddr, UpstreamError> {
        if let Some(address) = only(word, &self.told)? {
            return Ok(address);
        }
        let (rows, failed) = match &mut self.asked {
            Some(asked) => asked,
            None => self.asked.insert(ask(&self.haproxies).await),
        };
        let none = || UpstreamError::NoServer { name: word.to_owned(), known: listed(rows) };
        only(word, rows)?.ok_or_else(|| failed.clone().unwrap_or_else(none))
    }
}

/// Where the only one is that is called so; `None` where none is.
fn only(word: &str, known: &[Known]) -> Result<Option<SocketAddr>, UpstreamError> {
    let matches: Vec<&Known> = known.iter().filter(|one| one.is_called(word)).collect();
    match matches.as_slice() {
        [] => Ok(None),
        [one] => one.address.map(Some).ok_or(UpstreamError::NoAddressInHaproxy),
        several => {
            let places = several.iter().map(|one| one.whole()).collect::<Vec<_>>().join(", ");
            Err(UpstreamError::Ambiguous { places })
        }
    }
}

/// What each HAProxy has; one that fails hides nothing of the others.
async fn ask(haproxies: &[Address]) -> (Vec<Known>, Option<UpstreamError>) {
    let (mut known, mut failed) = (Vec::new(), None);
    for haproxy in haproxies {
        match rows(haproxy.clone()).await {
            Ok(rows) => known.extend(rows.into_iter().map(Known::from)),
            Err(why) => failed = failed.or(Some(UpstreamError::Haproxy(why))),
        }
    }
    (known, failed)
}

impl From<ServerState> for Known {
    fn from(row: ServerState) -> Self {
        let ip = row.srv_addr.parse().ok().filter(|_| row.srv_port != 0);
        Self {
            instance: None,
            backend: row.be_name.to_string(),
            name: row.srv_name.to_string(),
            address: ip.map(|ip| SocketAddr::new(ip, row.srv_port)),
        }
    }
}

/// It is called by name, so that somebody has to say where it is.
pub(crate) fn is_server(word: &str) -> bool {
    let is_url = word.contains("://");
    let is_port = word.bytes().all(|byte| byte.is_ascii_digit());
    !is_url && !is_port && (word.contains('/') || !word.contains(':'))
}

/// Finds where `word` is.
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
    if is_server(word) {
        return upstream(word, servers.find(word).await?, None);
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

fn listed(rows: &[Known]) -> String {
    let names: Vec<String> = rows.iter().take(LISTED_MAX).map(Known::path).collect();
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
