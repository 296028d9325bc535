//! HTTP/1.1 as a client: one request after the other on a connection, and their responses, which are hostile until
//! parsed. Knows neither TLS nor SOCKS.

mod body;
mod head;

use std::io::ErrorKind;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::fault::Fault;
use crate::target::Host;

use body::Body;
use head::Head;

/// What all heads of an answer together, interim ones included, may take: twice what common servers send at most.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Most heads fit; the buffer grows for the others.
const USUAL_HEAD_BYTES: usize = 1024;

/// A page that is kept: what it is read for has some hundred bytes.
const MAX_PAGE_BYTES: usize = 4 * 1024;

/// Every response begins so; anything else need not be waited for.
const BEGINNING: &[u8] = b"HTTP/1.";

/// How often a connection is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// `GET`, and the server may close.
    Once,
    /// `HEAD`, time and again.
    Often,
    /// `GET` of HTTP/1.0, so that the body comes as it is: without chunks.
    Plainly,
}

/// The client's side of one connection. The same request and the same buffer serve each time.
#[derive(Debug)]
pub(crate) struct Exchange {
    request: Vec<u8>,
    /// What has come of the present answer.
    bytes: Vec<u8>,
    /// Where in it the head that is being received begins: behind the interim responses.
    head: usize,
    /// How much of the answer is in `bytes` no longer.
    before: usize,
}

impl Exchange {
    /// Will ask for `path`. `port` is given where it is not the scheme's own.
    pub(crate) fn new(asking: Asking, host: &Host, port: Option<u16>, path: &str) -> Self {
        let request = request(asking, host, port, path).into_bytes();
        Self { request, bytes: Vec::with_capacity(USUAL_HEAD_BYTES), head: 0, before: 0 }
    }

    /// Asks, and returns the head of the final response once it has arrived whole.
    pub(crate) async fn ask<S>(&mut self, stream: &mut S) -> Result<Head, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.bytes.clear();
        (self.head, self.before) = (0, 0);
        stream.write_all(&self.request).await.map_err(|error| Fault::broken(&error, 0))?;
        stream.flush().await.map_err(|error| Fault::broken(&error, 0))?;
        loop {
            let room = MAX_HEAD_BYTES - self.bytes.len();
            if room == 0 {
                return Err(Fault::protocol("the response's head is longer than 16 KiB"));
            }
            let mut limited = (&mut *stream).take(room as u64);
            let received = limited.read_buf(&mut self.bytes).await;
            match received.map_err(|error| Fault::broken(&error, self.bytes.len()))? {
                0 => return Err(Fault::closed(self.bytes.len())),
                received => {
                    if let Some(head) = self.grown(received)? {
                        return Ok(head);
                    }
                }
            }
        }
    }

    /// Whether the connection serves for another request behind the answer that began with `head`. What came behind it
    /// unasked could be taken for the next one.
    pub(crate) fn may_ask_again(&self, head: &Head) -> bool {
        head.keeps_open && self.rest().is_empty()
    }

    /// Reads on behind the head that [`ask`](Self::ask) returned, until its `body` has ended or `is_enough`.
    pub(crate) async fn read_body<S>(
        &mut self,
        stream: &mut S,
        mut body: Body,
        is_enough: impl Fn(&S) -> bool,
    ) -> Result<(), Fault>
    where
        S: AsyncRead + Unpin,
    {
        loop {
            if is_enough(stream) {
                return Ok(());
            }
            body = body.receive(self.rest())?;
            if body == Body::Ended {
                return Ok(());
            }
            self.before += self.bytes.len();
            self.bytes.clear();
            self.head = 0;
            match stream.read_buf(&mut self.bytes).await {
                Ok(0) if body == Body::UntilClose => return Ok(()),
                Ok(0) => return Err(Fault::closed(self.before)),
                Ok(_) => {}
                // Many close without the alert that TLS wants.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof && body == Body::UntilClose => {
                    return Ok(());
                }
                Err(error) => return Err(Fault::broken(&error, self.before)),
            }
        }
    }

    /// The body behind the head that [`ask`](Self::ask) returned, once it is whole.
    pub(crate) async fn read_page<S>(&mut self, stream: &mut S, body: Body) -> Result<Vec<u8>, Fault>
    where
        S: AsyncRead + Unpin,
    {
        let length = match body {
            Body::Ended => return Ok(Vec::new()),
            Body::Length(length) => Some(usize::try_from(length).unwrap_or(usize::MAX)),
            Body::UntilClose => None,
            Body::Chunked(_) => return Err(Fault::protocol("the body is in chunks, which HTTP/1.0 has not")),
        };
        let mut page = self.rest().to_vec();
        loop {
            if page.len() > MAX_PAGE_BYTES || length.is_some_and(|length| length > MAX_PAGE_BYTES) {
                return Err(Fault::protocol("the body is longer than 4 KiB"));
            }
            if let Some(length) = length.filter(|length| page.len() >= *length) {
                page.truncate(length);
                return Ok(page);
            }
            match stream.read_buf(&mut page).await {
                Ok(0) if length.is_none() => return Ok(page),
                Ok(0) => return Err(Fault::closed(page.len())),
                Ok(_) => {}
                // Many close without the alert that TLS wants.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof && length.is_none() => {
                    return Ok(page);
                }
                Err(error) => return Err(Fault::broken(&error, page.len())),
            }
        }
    }

    /// What came behind the head.
    fn rest(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    /// The final head, if the last `received` bytes completed it. Then `head` is where it ends.
    fn grown(&mut self, received: usize) -> Result<Option<Head>, Fault> {
        // An end may have begun three bytes before; older bytes were searched before, so a slow sender costs nothing.
        let mut search = self.bytes.len().saturating_sub(received + 3).max(self.head);
        loop {
            let bytes = &self.bytes[self.head..];
            let known = bytes.len().min(BEGINNING.len());
            if bytes[..known] != BEGINNING[..known] {
                return Err(Fault::protocol("what came is not HTTP/1"));
            }
            if !has_end(&self.bytes[search..]) {
                return Ok(None);
            }
            let Some(head) = head::parse(bytes)? else { return Ok(None) };
            self.head += head.length;
            if head.status >= 200 {
                return Ok(Some(head));
            }
            search = self.head;
        }
    }
}

fn request(asking: Asking, host: &Host, port: Option<u16>, path: &str) -> String {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let (method, version, connection) = match asking {
        Asking::Once => ("GET", "1.1", "close"),
        Asking::Often => ("HEAD", "1.1", "keep-alive"),
        Asking::Plainly => ("GET", "1.0", "close"),
    };
    format!(
        "{method} {path} HTTP/{version}\r\nHost: {host}{port}\r\nUser-Agent: hactl/{}\r\nAccept: */*\r\n\
         Connection: {connection}\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// Whether an empty line ends the head. Bare line feeds are accepted, as RFC 9112 section 2.2 allows.
fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

#[cfg(test)]
mod tests {
    use failover::Cause;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn the_request_names_host_port_and_who_asks() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            request(Asking::Once, &Host::V6(std::net::Ipv6Addr::LOCALHOST), Some(8080), "/a?b"),
            format!(
                "GET /a?b HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: hactl/{version}\r\nAccept: */*\r\n\
                 Connection: close\r\n\r\n"
            )
        );
        assert_eq!(
            request(Asking::Often, &Host::Name("a.b".into()), None, "/"),
            format!(
                "HEAD / HTTP/1.1\r\nHost: a.b\r\nUser-Agent: hactl/{version}\r\nAccept: */*\r\n\
                 Connection: keep-alive\r\n\r\n"
            )
        );
    }

    #[tokio::test]
    async fn a_complete_head_is_a_response_whatever_its_status() {
        for (answer, status) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", 200),
            ("HTTP/1.0 503\r\n\r\nbody", 503),
            ("HTTP/1.1 302 Found\nLocation: x\n\n", 302),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 404 No\r\n\r\n", 404),
        ] {
            assert_eq!(ask(answer.as_bytes(), 4096).await.unwrap(), status);
            assert_eq!(ask(answer.as_bytes(), 1).await.unwrap(), status);
        }
    }

    #[tokio::test]
    async fn anything_short_of_a_complete_head_is_none() {
        let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000);
        let long = format!("HTTP/1.1 200 OK\r\nA: {}", "x".repeat(1 << 20));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(200));
        for (answer, cause, text) in [
            ("", Cause::Closed, "closed after 0 bytes"),
            ("H", Cause::Closed, "closed after 1 byte"),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", Cause::Closed, "closed after 23 bytes"),
            ("HTTP/1.1 100 Continue\r\n\r\n", Cause::Closed, "closed after 25 bytes"),
            ("SSH-2.0-x\r\n", Cause::Protocol, "what came is not HTTP/1"),
            ("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Cause::Protocol, "what came is not HTTP/1"),
            ("HTTP/2 200\r\n\r\n", Cause::Protocol, "what came is not HTTP/1"),
            ("HTTP/1.1 099 X\r\n\r\n", Cause::Protocol, "malformed response: invalid status"),
            ("HTTP/1.1 abc X\r\n\r\n", Cause::Protocol, "malformed response: invalid response status"),
            ("HTTP/1.1 200 OK\r\n\0: b\r\n\r\n", Cause::Protocol, "malformed response: invalid header name"),
            (&flood, Cause::Protocol, "the response's head is longer than 16 KiB"),
            (&long, Cause::Protocol, "the response's head is longer than 16 KiB"),
            (&many, Cause::Protocol, "malformed response: too many headers"),
        ] {
            match ask(answer.as_bytes(), 4096).await {
                Err(Fault::Failed(found, why)) => assert_eq!((found, why.as_str()), (cause, text)),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_page_is_taken_whole_or_not_at_all() {
        let long = format!("HTTP/1.0 200 OK\r\n\r\n{}", "x".repeat(MAX_PAGE_BYTES + 1));
        for (answer, expected) in [
            ("HTTP/1.0 200 OK\r\n\r\nip=1.2.3.4\n", Ok("ip=1.2.3.4\n")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd", Ok("abc")),
            ("HTTP/1.1 204 No Content\r\n\r\n", Ok("")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", Err("closed after 2 bytes")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", Err("the body is longer than 4 KiB")),
            (&long, Err("the body is longer than 4 KiB")),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                Err("the body is in chunks, which HTTP/1.0 has not"),
            ),
        ] {
            for chunk in [1, 4096] {
                let page = match page(answer.as_bytes(), chunk).await {
                    Ok(page) => Ok(String::from_utf8(page).unwrap()),
                    Err(Fault::Failed(_, why) | Fault::Void(why)) => Err(why),
                };
                assert_eq!(page.as_deref().map_err(String::as_str), expected, "{answer}");
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_answers_never_panic_and_chunks_change_nothing(
            prefix in prop::sample::select(vec!["", "HTTP/1.1 ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 C\r\n\r\n"]),
            rest in prop::collection::vec(any::<u8>(), 0..64),
            chunk in 1..64_usize,
        ) {
            let answer = [prefix.as_bytes(), &rest].concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let in_chunks = runtime.block_on(ask(&answer, chunk));
            let at_once = runtime.block_on(ask(&answer, 4096));
            prop_assert_eq!(in_chunks.is_ok(), at_once.is_ok());
        }
    }

    async fn ask(answer: &[u8], chunk: usize) -> Result<u16, Fault> {
        Ok(asked(Asking::Once, answer, chunk).await?.0)
    }

    async fn page(answer: &[u8], chunk: usize) -> Result<Vec<u8>, Fault> {
        Ok(asked(Asking::Plainly, answer, chunk).await?.1)
    }

    /// What becomes of `answer`, sent in pieces of `chunk` bytes and then closed: its status, and where a page is wanted
    /// that.
    async fn asked(asking: Asking, answer: &[u8], chunk: usize) -> Result<(u16, Vec<u8>), Fault> {
        let (mut near, mut far) = tokio::io::duplex(chunk);
        let answering = async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                far.read_buf(&mut request).await.unwrap();
            }
            // The asker may hang up before it has taken everything.
            let _ = far.write_all(answer).await;
        };
        let host = Host::Name("a".into());
        let asking = async move {
            let mut exchange = Exchange::new(asking, &host, None, "/");
            let head = exchange.ask(&mut near).await?;
            let page = match asking {
                Asking::Plainly => exchange.read_page(&mut near, head.body).await?,
                Asking::Once | Asking::Often => Vec::new(),
            };
            Ok((head.status, page))
        };
        tokio::join!(answering, asking).1
    }
}
