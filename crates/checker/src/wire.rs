//! The opened tunnel: a TCP connection that counts and limits what comes out of it. Judges nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What one probe takes from a target at most: a certificate chain and a response head many times over. The read that
/// crosses it is the last.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// A connection through the SOCKS server to the target.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: TcpStream,
    received: usize,
}

/// The target sent more than [`MAX_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("more than 64 KiB came")]
pub(crate) struct TooMuch;

impl Wire {
    pub(crate) const fn new(socket: TcpStream) -> Self {
        Self { socket, received: 0 }
    }

    /// Bytes that came since the connection began or was last [renewed](Self::renew).
    pub(crate) const fn received(&self) -> usize {
        self.received
    }

    /// Another probe begins on this connection: it may receive as much as the one before.
    pub(crate) const fn renew(&mut self) {
        self.received = 0;
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.received > MAX_BYTES {
            return Poll::Ready(Err(io::Error::other(TooMuch)));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        self.received += buffer.filled().len() - before;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_flood_ends_soon_after_64_kib() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut flooding, _) = listener.accept().await.unwrap();
        let flood = tokio::spawn(async move { flooding.write_all(&vec![0; 1 << 24]).await });
        let mut wire = Wire::new(socket);
        let mut buffer = [0; 4096];
        let error = loop {
            if let Err(error) = wire.read(&mut buffer).await {
                break error;
            }
        };
        assert!(error.get_ref().unwrap().is::<TooMuch>());
        assert!((MAX_BYTES + 1..=MAX_BYTES + buffer.len()).contains(&wire.received()));
        drop(wire);
        assert!(flood.await.unwrap().is_err());
    }
}
