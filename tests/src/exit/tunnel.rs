//! The bytes inside an established tunnel: delayed, or standing still while the exit is broken.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::Fault;

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// Chunks under way in one direction; beyond it the sender has to wait, as on a real path.
const UNDER_WAY: usize = 64;

type Chunk = (Instant, Vec<u8>);

/// Carries both directions until both have ended.
pub(super) async fn carry(
    client: TcpStream,
    server: TcpStream,
    fault: watch::Receiver<Fault>,
    delay: watch::Receiver<Duration>,
) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        one_way(from_client, to_server, fault.clone(), delay.clone()),
        one_way(from_server, to_client, fault, delay),
    );
}

async fn one_way(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    fault: watch::Receiver<Fault>,
    delay: watch::Receiver<Duration>,
) {
    let (entrance, exit) = mpsc::channel(UNDER_WAY);
    tokio::join!(take_in(from, entrance, delay), give_out(exit, to, fault));
}

/// Reads until the end; dropping `entrance` tells it to the other side, behind the last chunk.
async fn take_in(mut from: OwnedReadHalf, entrance: mpsc::Sender<Chunk>, delay: watch::Receiver<Duration>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let due = Instant::now() + *delay.borrow();
        if entrance.send((due, buffer[..read].to_vec())).await.is_err() || read == 0 {
            return;
        }
    }
}

/// Writes what is due, an empty chunk being the end; both wait while the exit is broken.
async fn give_out(
    mut exit: mpsc::Receiver<Chunk>,
    mut to: OwnedWriteHalf,
    mut fault: watch::Receiver<Fault>,
) {
    while let Some((due, bytes)) = exit.recv().await {
        // The timer counts whole milliseconds: a tunnel without delay must not wait for its next tick.
        if due > Instant::now() {
            sleep_until(due).await;
        }
        if fault.wait_for(|fault| *fault == Fault::None).await.is_err() {
            return;
        }
        if bytes.is_empty() || to.write_all(&bytes).await.is_err() {
            to.shutdown().await.ok();
            return;
        }
    }
}
