//! One HTTP/1.1 request and the head of its response, which is hostile until parsed. Knows neither TLS nor SOCKS.

use httparse::{EMPTY_HEADER, Response, Status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::fault::Fault;
use crate::target::Host;

/// What all heads of an answer together, interim ones included, may take: twice what common servers send at most.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Most heads fit; the buffer grows for the others.
const USUAL_HEAD_BYTES: usize = 1024;

/// More than any known target sends.
const MAX_FIELDS: usize = 128;

/// Every response begins so; anything else need not be waited for.
const BEGINNING: &[u8] = b"HTTP/1.";

/// Asks for `path` and returns the status of the final response, once its head has arrived whole. `port` is given
/// where it is not the scheme's own.
pub(crate) async fn exchange<S>(
    stream: &mut S,
    host: &Host,
    port: Option<u16>,
    path: &str,
) -> Result<u16, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = request(host, port, path);
    stream.write_all(request.as_bytes()).await.map_err(|error| Fault::broken(&error, 0))?;
    stream.flush().await.map_err(|error| Fault::broken(&error, 0))?;
    let mut answer = Answer::new();
    loop {
        let room = MAX_HEAD_BYTES - answer.bytes.len();
        if room == 0 {
            return Err(Fault::protocol("the response's head is longer than 16 KiB"));
        }
        let mut limited = (&mut *stream).take(room as u64);
        let received = limited.read_buf(&mut answer.bytes).await;
        match received.map_err(|error| Fault::broken(&error, answer.bytes.len()))? {
            0 => return Err(Fault::closed(answer.bytes.len())),
            received => {
                if let Some(status) = answer.grown(received)? {
                    return Ok(status);
                }
            }
        }
    }
}

fn request(host: &Host, port: Option<u16>, path: &str) -> String {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}{port}\r\nUser-Agent: hactl/{}\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// What has come so far.
struct Answer {
    bytes: Vec<u8>,
    /// Where the head that is being received begins: behind the interim responses.
    head: usize,
}

impl Answer {
    fn new() -> Self {
        Self { bytes: Vec::with_capacity(USUAL_HEAD_BYTES), head: 0 }
    }

    /// The final status, if the last `received` bytes completed its head.
    fn grown(&mut self, received: usize) -> Result<Option<u16>, Fault> {
        // An end may have begun three bytes before; older bytes were searched before, so a slow sender costs nothing.
        let mut search = self.bytes.len().saturating_sub(received + 3).max(self.head);
        loop {
            let head = &self.bytes[self.head..];
            let known = head.len().min(BEGINNING.len());
            if head[..known] != BEGINNING[..known] {
                return Err(Fault::protocol("what came is not HTTP/1"));
            }
            if !has_end(&self.bytes[search..]) {
                return Ok(None);
            }
            match parse(head)? {
                None => return Ok(None),
                Some((status, _)) if status >= 200 => return Ok(Some(status)),
                Some((_, length)) => self.head += length,
            }
            search = self.head;
        }
    }
}

/// Whether an empty line ends the head. Bare line feeds are accepted, as RFC 9112 section 2.2 allows.
fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

/// Status and length of the head at the start of `bytes`, if it is whole.
fn parse(bytes: &[u8]) -> Result<Option<(u16, usize)>, Fault> {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut response = Response::new(&mut fields);
    match response.parse(bytes) {
        Ok(Status::Partial) => Ok(None),
        Ok(Status::Complete(length)) => match response.code {
            Some(status @ 100..=999) => Ok(Some((status, length))),
            Some(_) | None => Err(Fault::protocol("malformed response: invalid status")),
        },
        Err(error) => Err(Fault::protocol(format!("malformed response: {error}"))),
    }
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
            request(&Host::V6(std::net::Ipv6Addr::LOCALHOST), Some(8080), "/a?b"),
            format!(
                "GET /a?b HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: hactl/{version}\r\nAccept: */*\r\n\
                 Connection: close\r\n\r\n"
            )
        );
        assert!(request(&Host::Name("a.b".into()), None, "/").contains("\r\nHost: a.b\r\n"));
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
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(MAX_FIELDS + 1));
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

    /// What becomes of `answer`, sent in pieces of `chunk` bytes and then closed.
    async fn ask(answer: &[u8], chunk: usize) -> Result<u16, Fault> {
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
        let asking = async move { exchange(&mut near, &host, None, "/").await };
        tokio::join!(answering, asking).1
    }
}
