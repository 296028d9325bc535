//! A listener that can be closed and opened again, and the connections that it accepted. What is said on them is the
//! caller's.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::ports::Port;

/// After a failed `accept`: short for a test, long enough not to spin while descriptors are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Accepts connections on one port and serves each in a task of its own; all of them end with it.
pub(crate) struct Service {
    addr: SocketAddr,
    wanted: watch::Sender<bool>,
    listening: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Service {
    /// Listens on `port` from now on; `serve` is called for each connection.
    pub(crate) fn start<Serve, Served>(port: Port, serve: Serve) -> Self
    where
        Serve: Fn(TcpStream) -> Served + Send + Sync + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let (wanted, orders) = watch::channel(true);
        let (report, listening) = watch::channel(true);
        let addr = port.addr();
        let first = port.listen();
        let task = tokio::spawn(async move {
            let mut listener = Some(first);
            let mut orders = orders;
            loop {
                let listener = listener.take().unwrap_or_else(|| port.listen());
                report.send_replace(true);
                accept_while_wanted(listener, &mut orders, &serve).await;
                report.send_replace(false);
                // Whose orders they were is gone: the port is not opened once more, although that was the last order.
                if orders.has_changed().is_err() || orders.wait_for(|open| *open).await.is_err() {
                    return;
                }
            }
        });
        Self { addr, wanted, listening, task }
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Opens or closes the port. When this returns it is done: a closed port refuses, and its connections are gone.
    pub(crate) async fn set_open(&self, open: bool) {
        self.wanted.send_replace(open);
        let mut listening = self.listening.clone();
        listening.wait_for(|now| *now == open).await.expect("the accepting task ended: did it panic?");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns when the port is to be closed, with the listener and all its connections closed.
async fn accept_while_wanted<Serve, Served>(
    listener: TcpListener,
    orders: &mut watch::Receiver<bool>,
    serve: &Serve,
) where
    Serve: Fn(TcpStream) -> Served,
    Served: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            stream = accept(&listener) => {
                connections.spawn(serve(stream));
            }
            Some(_) = connections.join_next() => {}
            _ = orders.wait_for(|open| !open) => break,
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            // The small packets of a handshake must not wait for each other.
            stream.set_nodelay(true).ok();
            return stream;
        }
        // The peer's error (gone already) or the machine's (no descriptor): both pass.
        sleep(ACCEPT_PAUSE).await;
    }
}
