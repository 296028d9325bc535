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

/// Greets whoever listens at `address`, for at most `limit` in all.
pub async fn greet(address: SocketAddr, limit: Duration) -> Greeting {
    timeout(limit, converse(address)).await.unwrap_or(Greeting::Silent)
}

async fn converse(address: SocketAddr) -> Greeting {
    let mut socket = match TcpStream::connect(address).await {
        Ok(socket) => socket,
        Err(error) => return Greeting::Closed(in_words(&error)),
    };
    let broken = |error: &io::Error| Greeting::Foreign(format!("the connection broke: {}", in_words(error)));
    let mut client = Client::new(true);
    if let Err(error) = socket.write_all(client.greeting()).await {
        return broken(&error);
    }
    loop {
        let mut byte = [0];
        match socket.read(&mut byte).await {
            Ok(0) => {
                return Greeting::Foreign(
                    "the connection was closed in answer to a SOCKS greeting".to_owned(),
                );
            }
            Err(error) => return broken(&error),
            Ok(_) => {}
        }
        match client.receive(byte[0]) {
            Ok(Step::Read(next)) => client = next,
            Ok(Step::Login(_)) => return Greeting::WantsLogin,
            Ok(Step::Request(_) | Step::Connected) => return Greeting::Open,
            Err(SocksError::NoAcceptableMethod | SocksError::Method(_)) => return Greeting::WantsOther,
            Err(error) => return Greeting::Foreign(error.to_string()),
        }
    }
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
            (b"", Greeting::Foreign("the connection was closed in answer to a SOCKS greeting".to_owned())),
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
        drop(listener);
        assert_eq!(greet(address, PATIENCE).await, Greeting::Closed("connection refused".to_owned()));
    }
}
