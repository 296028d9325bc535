//! The port that HAProxy's agent-checks ask: one line in, one line out, and the connection ends. What is said there was
//! decided elsewhere.
//!
//! Whoever else speaks here is told nothing: a connection that ends without a line changes nothing in HAProxy (measured).
//! Such clients are bounded, counted and told of.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use failover::Event;
use haproxy_runtime::{MAX_QUESTION, ServerPath, asked_for};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::{AgentPort, Answers, Asked};

/// Connections at a time. Each of HAProxy's takes a fraction of a millisecond, so this many are never its own.
const CLIENTS_MAX: usize = 256;

/// For a whole connection. HAProxy writes with the connection, and gives up after its check's timeout.
const CLIENT_LIMIT: Duration = Duration::from_secs(2);

/// After an accept that failed (no descriptors left): long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Characters of a foreign question that are told.
const SHOWN_MAX: usize = 60;

/// What a client did that no agent-check of these servers does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Misuse {
    /// It sent no line in time, or none at all.
    NoLine,
    /// Its line is longer than any question.
    TooLong,
    /// It asked for something that is not steered here.
    Unknown(String),
    /// It was the oldest of too many.
    Crowded,
}

/// Answers until it is dropped.
pub(super) async fn serve(
    port: AgentPort,
    answers: watch::Receiver<Answers>,
    asked: watch::Sender<Asked>,
    events: mpsc::Sender<Event>,
) {
    let mut tally = Tally { addr: port.addr, events, counts: [0; 4] };
    let mut clients = JoinSet::new();
    let mut in_order: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            stream = accept(&port.listener) => {
                in_order.retain(|client| !client.is_finished());
                if in_order.len() >= CLIENTS_MAX {
                    // HAProxy's own are over at once, so the oldest is somebody else's.
                    if let Some(oldest) = in_order.pop_front() {
                        oldest.abort();
                        tally.count(&Misuse::Crowded);
                    }
                }
                in_order.push_back(clients.spawn(client(stream, answers.clone(), asked.clone())));
            }
            Some(ended) = clients.join_next() => {
                if let Ok(Err(misuse)) = ended {
                    tally.count(&misuse);
                }
            }
        }
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::debug!(%error, "agent-check not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn client(
    stream: TcpStream,
    answers: watch::Receiver<Answers>,
    asked: watch::Sender<Asked>,
) -> Result<(), Misuse> {
    timeout(CLIENT_LIMIT, converse(stream, &answers, &asked)).await.unwrap_or(Err(Misuse::NoLine))
}

async fn converse(
    mut stream: TcpStream,
    answers: &watch::Receiver<Answers>,
    asked: &watch::Sender<Asked>,
) -> Result<(), Misuse> {
    let line = question(&mut stream).await?;
    let unknown = || Misuse::Unknown(String::from_utf8_lossy(&line).into_owned());
    let server = asked_for(&line).ok_or_else(unknown)?;
    let Some(answer) = answer(&server, &answers.borrow())? else { return Ok(()) };
    asked.send_modify(|asked| {
        asked.insert(server, Instant::now());
    });
    // If HAProxy has gone meanwhile, it asks again.
    let _: io::Result<()> = stream.write_all(answer.as_bytes()).await;
    let _: io::Result<()> = stream.shutdown().await;
    Ok(())
}

/// The answer's line; `None` where nobody knows yet.
fn answer(server: &ServerPath, answers: &Answers) -> Result<Option<String>, Misuse> {
    let Some(answers) = answers else { return Ok(None) };
    let answer = answers.get(server).ok_or_else(|| Misuse::Unknown(server.to_string()))?;
    Ok(Some(answer.to_string()))
}

/// The first line, without its LF.
async fn question(stream: &mut TcpStream) -> Result<Vec<u8>, Misuse> {
    let mut line = Vec::with_capacity(MAX_QUESTION);
    loop {
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Ok(line);
        }
        if line.len() >= MAX_QUESTION {
            return Err(Misuse::TooLong);
        }
        let left = (MAX_QUESTION - line.len()) as u64;
        match stream.take(left).read_buf(&mut line).await {
            Ok(0) | Err(_) => return Err(Misuse::NoLine),
            Ok(_) => {}
        }
    }
}

/// How often each misuse was seen. It is told at the first, the tenth, the hundredth time and so on: what lasts is seen
/// to last, and nobody can fill a log.
struct Tally {
    addr: SocketAddr,
    events: mpsc::Sender<Event>,
    counts: [u64; 4],
}

impl Tally {
    fn count(&mut self, misuse: &Misuse) {
        let index = match misuse {
            Misuse::NoLine => 0,
            Misuse::TooLong => 1,
            Misuse::Unknown(_) => 2,
            Misuse::Crowded => 3,
        };
        self.counts[index] = self.counts[index].saturating_add(1);
        let count = self.counts[index];
        if is_power_of_ten(count) {
            let what = format!("{}: {} ({count} so far)", self.addr, text(misuse));
            // A full queue is no reason to keep HAProxy waiting.
            let _: Result<(), _> = self.events.try_send(Event::AgentMisuse { what });
        }
    }
}

fn is_power_of_ten(count: u64) -> bool {
    count.checked_ilog10().is_some_and(|exponent| count == 10_u64.pow(exponent))
}

fn text(misuse: &Misuse) -> String {
    match misuse {
        Misuse::NoLine => {
            "a connection ended without a question; if it is HAProxy's, `agent-send \"BACKEND/SERVER\\n\"` is missing \
             on a server's line"
                .to_owned()
        }
        Misuse::TooLong => "a client's question is longer than any server's name; HAProxy's never are".to_owned(),
        Misuse::Unknown(asked) => {
            let shown: String = asked.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
            format!(
                "a client asked for `{shown}`, which is no server that is steered here; if it is HAProxy, correct \
                 `agent-send` to \"BACKEND/SERVER\\n\""
            )
        }
        Misuse::Crowded => format!("more than {CLIENTS_MAX} connections at once, of which the oldest is closed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_told_ever_more_seldom() {
        let told: Vec<u64> = (0..2000).filter(|count| is_power_of_ten(*count)).collect();
        assert_eq!(told, [1, 10, 100, 1000]);
    }

    #[test]
    fn a_foreign_question_is_escaped_and_cut() {
        let text = text(&Misuse::Unknown("\u{1b}[31m".to_owned() + &"x".repeat(1000)));
        assert!(text.contains("\\u{1b}[31m") && text.len() < 400, "{text}");
    }
}
