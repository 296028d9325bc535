//! Server-sent events as they are read: bytes in, messages out. It reads no socket.

use std::collections::VecDeque;

use thiserror::Error;

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// What kind of message it is.
    pub(crate) event: String,
    /// By which it is named when the stream is asked for anew.
    pub(crate) id: Option<String>,
    /// What it says.
    pub(crate) data: String,
}

/// A message that is longer than any could be.
#[derive(Debug, Error)]
#[error("a message has more than {0} bytes")]
pub(crate) struct TooLong(usize);

/// Puts messages together.
#[derive(Debug)]
pub(crate) struct Messages {
    most: usize,
    /// The beginning of a line.
    line: Vec<u8>,
    unfinished: Message,
    ready: VecDeque<Message>,
}

impl Messages {
    /// No message may have more than `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, line: Vec::new(), unfinished: Message::default(), ready: VecDeque::new() }
    }

    pub(crate) fn next(&mut self) -> Option<Message> {
        self.ready.pop_front()
    }

    /// What came next, cut anywhere.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let last = lines.next_back().unwrap_or_default();
        for end in lines {
            self.line.extend_from_slice(end);
            let line = std::mem::take(&mut self.line);
            self.take_line(line.strip_suffix(b"\r").unwrap_or(&line));
        }
        self.line.extend_from_slice(last);
        if self.line.len() + self.unfinished.data.len() > self.most {
            return Err(TooLong(self.most));
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8]) {
        if line.is_empty() {
            let message = std::mem::take(&mut self.unfinished);
            // Where nothing is said there is nothing to tell: comments end so.
            if !message.data.is_empty() {
                self.ready.push_back(message);
            }
            return;
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.unfinished.event = value.to_owned(),
            "id" => self.unfinished.id = Some(value.to_owned()),
            "data" => {
                if !self.unfinished.data.is_empty() {
                    self.unfinished.data.push('\n');
                }
                self.unfinished.data.push_str(value);
            }
            // A comment, or a field of later times.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_the_same_wherever_the_bytes_are_cut() {
        let text = ":\n\nevent: status\ndata: {\"a\":1}\n\n:\r\n\r\nid: 7\r\nevent:event\r\ndata: x\r\ndata:y\r\nretry: 5\r\n\r\ndata: cut";
        let expected = vec![
            Message { event: "status".to_owned(), id: None, data: "{\"a\":1}".to_owned() },
            Message { event: "event".to_owned(), id: Some("7".to_owned()), data: "x\ny".to_owned() },
        ];
        for size in 1..text.len() {
            let mut messages = Messages::new(100);
            for part in text.as_bytes().chunks(size) {
                messages.take(part).unwrap();
            }
            let read: Vec<Message> = std::iter::from_fn(|| messages.next()).collect();
            assert_eq!(read, expected, "in parts of {size}");
        }
    }

    #[test]
    fn a_message_without_end_is_refused() {
        let mut messages = Messages::new(10);
        messages.take(b"data: 1234").unwrap();
        assert_eq!(messages.take(b"5").unwrap_err().to_string(), "a message has more than 10 bytes");
        let mut messages = Messages::new(10);
        messages.take(b"data: 12\n").unwrap();
        assert!(messages.take(b"data: 3456").is_err());
    }
}
