//! The lab under test: what is broken shows to a client of the SOCKS server as it does in the field.

use std::net::SocketAddr;
use std::time::Duration;

use e2e::wireguard::{Break, CLIENTS_TARGET, Direction, Lab, target};
use libtest_mimic::Trial;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::scene::{PATIENCE, path};
use super::trial::with_tunnels;

/// microsocks gives up after two minutes: until then there is nothing to see, however long one waits.
const SILENCE: Duration = Duration::from_secs(1);

/// How far a CONNECT has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// The port is closed.
    Refused,
    /// The port accepts; the greeting is not answered.
    NoGreeting,
    /// The greeting is answered; CONNECT is not.
    NoReply,
    /// CONNECT is answered with this code.
    Reply(u8),
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![with_tunnels("each_break_shows_to_clients_as_in_the_field", each_break_shows)]
}

fn each_break_shows() {
    let cases = [
        (Break::Drop, Seen::NoReply),
        (Break::DropOneWay(Direction::Out), Seen::NoReply),
        (Break::DropOneWay(Direction::In), Seen::NoReply),
        (Break::MtuHole(700), Seen::Reply(0)),
        (Break::SocksKilled, Seen::Refused),
        (Break::SocksStopped, Seen::NoGreeting),
        (Break::TargetDown(CLIENTS_TARGET), Seen::Reply(5)),
        (Break::TargetSilent(CLIENTS_TARGET), Seen::NoReply),
    ];
    Lab::run(path(), |mut lab| async move {
        assert!(lab.connect_time("wg1") >= Some(lab.path().one_way * 2));
        for (mode, seen) in cases {
            lab.break_(mode).await;
            assert_eq!(connect(lab.socks("wg1"), SILENCE).await, seen, "{mode:?}");
            lab.heal().await;
            assert_eq!(connect(lab.socks("wg1"), PATIENCE).await, Seen::Reply(0), "after {mode:?}");
        }
        // The last one: WireGuard takes a quarter of a minute to find that its peer is another one.
        lab.break_(Break::FarPeerKilled).await;
        assert_eq!(connect(lab.socks("wg1"), SILENCE).await, Seen::NoReply);
    });
}

/// One CONNECT to a target. `patience` is for each step.
async fn connect(socks: SocketAddr, patience: Duration) -> Seen {
    let Ok(mut stream) = TcpStream::connect(socks).await else { return Seen::Refused };
    stream.write_all(&[5, 1, 0]).await.expect("the port accepts");
    let mut greeting = [0; 2];
    if timeout(patience, stream.read_exact(&mut greeting)).await.is_err() {
        return Seen::NoGreeting;
    }
    let SocketAddr::V4(target) = target(CLIENTS_TARGET) else { panic!("targets have IPv4 addresses") };
    let request = [&[5, 1, 0, 1], &target.ip().octets()[..], &target.port().to_be_bytes()].concat();
    stream.write_all(&request).await.expect("the port accepts");
    let mut reply = [0; 10];
    match timeout(patience, stream.read_exact(&mut reply)).await {
        Ok(read) => Seen::Reply(read.map(|_| reply[1]).expect("microsocks replies before it closes")),
        Err(_) => Seen::NoReply,
    }
}
