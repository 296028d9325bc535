//! The daemon: its status and events as they come, its explanations and its answers to changes. All of it may be slow or
//! gone; the screen never waits for it.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use hactld::admin::{EVENTS_PATH, EVENTS_STREAM_PATH, EXPLAIN_PATH, STATUS_STREAM_PATH};
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::change::{Answer, Change};
use super::model::{Ask, EventLine, Explanation, Input, News};
use super::rows::Target;
use crate::client::encoded;
use crate::client::{self, ClientError, Message};
use crate::moment;
use crate::report::sources;

/// Between two attempts to be told: soon enough to be seen as at once, no load on anybody.
const AGAIN: Duration = Duration::from_millis(500);

/// Events that are asked for at a time.
const EVENTS_LIMIT: usize = 200;

/// Starts what asks the daemon and sends its answers to `inputs`: threads that end with the process.
pub(super) fn start(socket: &Path, interval: Duration, inputs: &SyncSender<Input>, asks: Receiver<Ask>) {
    let ends = || (socket.to_owned(), inputs.clone());
    let (socket_of, to) = ends();
    std::thread::spawn(move || follow_status(&socket_of, interval, &to));
    let (socket_of, to) = ends();
    std::thread::spawn(move || follow_events(&socket_of, &to));
    let (socket_of, to) = ends();
    std::thread::spawn(move || answer_all(&socket_of, &asks, &to));
}

/// A new stream is asked for after each end of one: the daemon may be starting again.
fn follow_status(socket: &Path, interval: Duration, inputs: &SyncSender<Input>) {
    let path = format!("{STATUS_STREAM_PATH}?interval_ms={}", interval.as_millis());
    loop {
        let ended = listen(socket, &path, |message| {
            let status = serde_json::from_str(&message.data);
            let status = status.map_err(|source| words(&ClientError::Contract { source }));
            inputs.send(Input::Status(status)).is_ok()
        });
        let why = ended.err().map_or_else(|| "hactl has ended it".to_owned(), |error| words(&error));
        if inputs.send(Input::Status(Err(why))).is_err() {
            return;
        }
        std::thread::sleep(AGAIN);
    }
}

#[derive(Deserialize)]
struct EventList {
    events: Vec<EventLine>,
}

/// After each end everything is asked for again: another daemon may count anew.
fn follow_events(socket: &Path, inputs: &SyncSender<Input>) {
    loop {
        if let Some(EventList { events }) = latest(socket) {
            let after = events.last().map_or(0, |event| event.seq);
            if inputs.send(Input::Events(News { afresh: true, events })).is_err() {
                return;
            }
            // The status tells of a daemon that is gone.
            let _ = listen(socket, &format!("{EVENTS_STREAM_PATH}?after={after}"), |message| {
                serde_json::from_str(&message.data).ok().is_none_or(|event| {
                    inputs.send(Input::Events(News { afresh: false, events: vec![event] })).is_ok()
                })
            });
        }
        std::thread::sleep(AGAIN);
    }
}

fn latest(socket: &Path) -> Option<EventList> {
    let text = client::get(socket, &format!("{EVENTS_PATH}?limit={EVENTS_LIMIT}")).ok()?;
    serde_json::from_str(&text).ok()
}

/// Hands on each message until the stream ends or `heard` wants no more.
fn listen(socket: &Path, path: &str, mut heard: impl FnMut(Message) -> bool) -> Result<(), ClientError> {
    client::runtime()?.block_on(async {
        let mut stream = client::stream(socket, path, None).await?;
        while let Some(message) = stream.next().await? {
            if !heard(message) {
                break;
            }
        }
        Ok(())
    })
}

fn answer_all(socket: &Path, asks: &Receiver<Ask>, inputs: &SyncSender<Input>) {
    for ask in asks {
        let input = match ask {
            Ask::Explain(target) => {
                let explained = explain(socket, &target);
                Input::Explained(target, explained)
            }
            Ask::Change(change) => {
                let answer = request(socket, &change);
                Input::Answered(change, answer)
            }
        };
        if inputs.send(input).is_err() {
            return;
        }
    }
}

fn explain(socket: &Path, target: &Target) -> Result<Explanation, String> {
    let (backend, server) = (encoded(&target.backend), encoded(&target.server));
    let path = format!("{EXPLAIN_PATH}/{backend}/{server}{}", moment::query());
    let text = client::get(socket, &path).map_err(|error| words(&error))?;
    serde_json::from_str(&text).map_err(|error| format!("hactl's answer is no explanation: {error}"))
}

fn request(socket: &Path, change: &Change) -> Answer {
    match client::post(socket, &change.path(), &change.body()) {
        Ok(answer) => outcome(&serde_json::from_str(&answer).unwrap_or_default()),
        Err(ClientError::Refused { status: StatusCode::FORBIDDEN, text, .. }) => Answer::Forbidden(text),
        Err(ClientError::Refused { status: StatusCode::CONFLICT, text, document, .. }) => {
            Answer::Withheld(refusal(text, &document))
        }
        Err(ClientError::Refused { text, document, .. }) => Answer::Refused(refusal(text, &document)),
        Err(error) => Answer::Refused(words(&error)),
    }
}

/// What was refused, and why where the daemon says so.
fn refusal(text: String, document: &Value) -> String {
    match document["error"]["why"].as_str() {
        Some(why) => format!("{text}: {why}"),
        None => text,
    }
}

/// What a change came to by the daemon's answer: done, and read back from HAProxy, or not yet.
fn outcome(answer: &Value) -> Answer {
    if answer["asked"] == false {
        return Answer::Refused(answer["why"].as_str().unwrap_or("not now").to_owned());
    }
    if answer["exit_code"] != 1 {
        return Answer::Done;
    }
    let why =
        answer["servers"].as_array().and_then(|servers| servers.iter().find_map(|one| one["why"].as_str()));
    Answer::Later(why.unwrap_or("see `hactl status`").to_owned())
}

/// An error in one line.
fn words(error: &ClientError) -> String {
    sources(error).map_or_else(|| error.to_string(), |sources| format!("{error}: {sources}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_taken_and_is_not_done_yet_says_why() {
        let later = json!({ "exit_code": 1, "servers": [{ "why": "HAProxy is away" }] });
        assert_eq!(outcome(&later), Answer::Later("HAProxy is away".to_owned()));
        assert_eq!(outcome(&json!({ "exit_code": 0, "servers": [] })), Answer::Done);
        assert_eq!(outcome(&json!({ "kind": "Paused" })), Answer::Done);
        let probing = json!({ "asked": false, "why": "it is being probed already" });
        assert_eq!(outcome(&probing), Answer::Refused("it is being probed already".to_owned()));
        assert_eq!(outcome(&json!({ "asked": true, "why": null })), Answer::Done);
        let refused = json!({ "error": { "message": "refused", "why": "it is the only one" } });
        assert_eq!(refusal("refused".to_owned(), &refused), "refused: it is the only one");
        assert_eq!(refusal("no such path".to_owned(), &json!({ "error": {} })), "no such path");
    }
}
