//! What a client makes of a socket that tells, refuses, or ends.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use super::*;

#[test]
fn a_stream_is_read_to_its_end() {
    let told = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n:\n\nevent: status\ndata: {}\n\n";
    let (messages, request) = heard(told);
    assert_eq!(messages.unwrap(), [("status".to_owned(), "{}".to_owned())]);
    assert!(request.contains("last-event-id: 41\r\n"), "{request}");
}

#[test]
fn a_stream_that_is_refused_says_why() {
    let (messages, _) = heard(
        "HTTP/1.1 400 Bad Request\r\ncontent-length: 48\r\n\r\n{\"error\":{\"message\":\"interval_ms is too small\"}}",
    );
    assert_eq!(messages.unwrap_err().to_string(), "it answered 400 Bad Request: interval_ms is too small");
}

/// What is heard of a socket that answers so, and what it was asked.
fn heard(answer: &'static str) -> (Result<Vec<(String, String)>, ClientError>, String) {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("h.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let served = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = client.read(&mut request).unwrap();
        client.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let messages = runtime().unwrap().block_on(async {
        let mut stream = stream(&path, "/x", Some("41")).await?;
        let mut messages = Vec::new();
        while let Some(message) = stream.next().await? {
            messages.push((message.event, message.data));
        }
        Ok(messages)
    });
    (messages, served.join().unwrap())
}
