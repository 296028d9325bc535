//! The head of one HTTP/1 response: its status, where its body ends, and whether the connection may be used again.

use httparse::{EMPTY_HEADER, Header, Response, Status};

use crate::fault::Fault;
use crate::http::body::Body;

/// More than any known target sends.
const MAX_FIELDS: usize = 128;

/// What a whole head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Its own bytes, the empty line included.
    pub(super) length: usize,
    /// The sender goes on listening behind this response.
    pub(crate) keeps_open: bool,
    /// What follows, where the request was a `GET`.
    pub(crate) body: Body,
}

/// The head at the start of `bytes`, if it is whole.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Head>, Fault> {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut response = Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(Status::Partial) => return Ok(None),
        Ok(Status::Complete(length)) => length,
        Err(error) => return Err(Fault::protocol(format!("malformed response: {error}"))),
    };
    let Some(status @ 100..=999) = response.code else {
        return Err(Fault::protocol("malformed response: invalid status"));
    };
    let keeps_open = keeps_open(response.version, response.headers);
    Ok(Some(Head { status, length, keeps_open, body: body(status, response.headers) }))
}

/// RFC 9112 section 9.3: `close` ends the connection, HTTP/1.0 does so unless it says otherwise.
fn keeps_open(version: Option<u8>, fields: &[Header<'_>]) -> bool {
    let says = |option| tokens(fields, "connection").any(|token| token.eq_ignore_ascii_case(option));
    !says(b"close") && (version == Some(1) || says(b"keep-alive"))
}

/// RFC 9112 section 6.3. Who contradicts himself about the length is read until he closes.
fn body(status: u16, fields: &[Header<'_>]) -> Body {
    if matches!(status, 204 | 304) {
        return Body::Ended;
    }
    if let Some(coding) = tokens(fields, "transfer-encoding").last() {
        let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        return if is_chunked { Body::chunked() } else { Body::UntilClose };
    }
    let mut lengths = tokens(fields, "content-length").map(length);
    match lengths.next() {
        Some(Some(length)) if lengths.all(|other| other == Some(length)) => Body::of_length(length),
        Some(_) | None => Body::UntilClose,
    }
}

/// Digits only, so that `+5` is not a length.
fn length(token: &[u8]) -> Option<u64> {
    if !token.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(token).ok()?.parse().ok()
}

/// The members of a comma-separated list that may be spread over several fields.
fn tokens<'a>(fields: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let named = fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.flat_map(|field| field.value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_stays_open_where_version_and_field_allow_it() {
        for (head, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nCONNECTION: a , close\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nConnection: a\r\nConnection: close\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nConnection: closed\r\n\r\n", true),
            ("HTTP/1.0 200 OK\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", true),
        ] {
            assert_eq!(whole(head).keeps_open, expected, "{head}");
        }
    }

    #[test]
    fn the_body_ends_where_rfc_9112_says() {
        for (head, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Body::UntilClose),
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Body::Ended),
            ("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", Body::of_length(7)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 7, 7\r\nContent-Length: 7\r\n\r\n", Body::of_length(7)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 7, 8\r\n\r\n", Body::UntilClose),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Body::UntilClose),
            ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", Body::UntilClose),
            ("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", Body::UntilClose),
            ("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: Chunked\r\n\r\n", Body::chunked()),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Body::chunked()),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", Body::UntilClose),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", Body::Ended),
            ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", Body::Ended),
        ] {
            assert_eq!(whole(head).body, expected, "{head}");
        }
    }

    #[test]
    fn a_head_ends_with_its_empty_line() {
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nA: b\r\n").unwrap(), None);
        assert_eq!(whole("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody").length, 25);
    }

    fn whole(head: &str) -> Head {
        parse(head.as_bytes()).unwrap().unwrap()
    }
}
