//! Whether somebody speaks SOCKS5 at an address: the greeting of RFC 1928 and nothing after it, so that nothing is asked of
//! what is behind it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::socks::{Client, SocksError, Step};

/// What was found at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// A SOCKS5 server that asks for no login.
    Open,
    /// A SOCKS5 server that asks for user and password.
    WantsLogin,
    /// A SOCKS5 server that wants a login that hactl does not know.
    WantsOther,
    /// Somebody who does not speak SOCKS5; in words.
    Foreign(String),
    /// Nobody listens, or the address cannot be reached; in words.
    Closed(String),
    /// Somebody listens and says nothing.
    Silent,
}

/// What ends the head of an HTTP request: a web server that waits for the rest of what it was sent answers to this.
const BLANK_LINE: &[u8] = b"\r\n\r\n";

const CLOSED: &str = "the connection was closed in answer to a SOCKS greeting";

/// Greets whoever listens at `address`. To connect, to hear the answer and to look twice where there is none may take
/// `step` each.
pub async fn greet(address: SocketAddr, step: Duration) -> Greeting {
    let mut socket = match timeout(step, TcpStream::connect(address)).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => return Greeting::Closed(in_words(&error)),
        Err(_) => return Greeting::Closed("no answer to a connection".to_owned()),
    };
    if let Ok(found) = timeout(step, converse(&mut socket, Client::new(true).greeting())).await {
        return found.unwrap_or_else(|error| broken(&error));
    }
    // Somebody who is silent may be waiting for the end of a line.
    match timeout(step, converse(&mut socket, BLANK_LINE)).await {
        Ok(found) => found.unwrap_or_else(|error| broken(&error)),
        Err(_) => Greeting::Silent,
    }
}

/// Says `words` and listens for the answer to the greeting.
async fn converse(socket: &mut TcpStream, words: &[u8]) -> io::Result<Greeting> {
    socket.write_all(words).await?;
    let mut client = Client::new(true);
    loop {
        let mut byte = [0];
        if socket.read(&mut byte).await? == 0 {
            return Ok(Greeting::Foreign(CLOSED.to_owned()));
        }
        match client.receive(byte[0]) {
            Ok(Step::Read(next)) => client = next,
            Ok(Step::Login(_)) => return Ok(Greeting::WantsLogin),
            Ok(Step::Request(_) | Step::Connected) => return Ok(Greeting::Open),
            Err(SocksError::NoAcceptableMethod | SocksError::Method(_)) => return Ok(Greeting::WantsOther),
            Err(error) => return Ok(Greeting::Foreign(error.to_string())),
        }
    }
}

fn broken(error: &io::Error) -> Greeting {
    Greeting::Foreign(format!("the connection broke: {}", in_words(error)))
}

/// Without the number that means nothing to people.
fn in_words(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        "connection refused".to_owned()
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Long: nothing here is a measurement.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn what_listens_is_told_by_its_first_bytes() {
        for (answer, found) in [
            (&b"\x05\x00"[..], Greeting::Open),
            (b"\x05\x02", Greeting::WantsLogin),
            (b"\x05\xff", Greeting::WantsOther),
            (b"\x05\x01", Greeting::WantsOther),
            (b"HTTP/1.1 400", Greeting::Foreign("the server does not speak SOCKS5 (version 72)".to_owned())),
            (b"", Greeting::Foreign(CLOSED.to_owned())),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let served = async {
                let (mut client, _) = listener.accept().await.unwrap();
                client.read_exact(&mut [0; 4]).await.unwrap();
                client.write_all(answer).await.unwrap();
            };
            assert_eq!(tokio::join!(greet(address, PATIENCE), served).0, found);
        }
    }

    #[tokio::test]
    async fn nobody_and_somebody_who_is_silent_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(greet(address, Duration::from_millis(50)).await, Greeting::Silent);
        // A web server that waits for the end of its request.
        let served = async {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(BLANK_LINE) {
                client.read_buf(&mut heard).await.unwrap();
            }
            client.write_all(b"HTTP/1.1 400").await.unwrap();
        };
        // The first one was left in the queue.
        drop(listener.accept().await.unwrap());
        let found = tokio::join!(greet(address, Duration::from_millis(500)), served).0;
        assert_eq!(found, Greeting::Foreign("the server does not speak SOCKS5 (version 72)".to_owned()));
        drop(listener);
        assert_eq!(greet(address, PATIENCE).await, Greeting::Closed("connection refused".to_owned()));
    }
}
