//! Exits and targets without HAProxy between.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_socks::tcp::Socks5Stream;

use crate::client::{get_through, get_within};
use crate::{Ca, Condition, Exit, ExitOptions, Fault, Target};

const SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 101, 1);

/// Long enough for an answer that was on its way to have come.
const SILENCE: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_target_tells_which_exit_asked_it() {
    let exit = Exit::start(SOURCE);
    let named = Target::http(HashMap::from([(IpAddr::from(SOURCE), "wg1".to_owned())]));
    let nameless = Target::http(HashMap::new());
    assert_eq!(get_through(exit.addr(), named.addr()).await.unwrap(), "wg1");
    assert_eq!(get_through(exit.addr(), nameless.addr()).await.unwrap(), "127.0.101.1");
    assert_eq!((exit.accepted(), exit.served(), named.answered()), (2, 2, 1));
}

#[tokio::test]
async fn every_fault_shows_at_its_own_stage_and_heals() {
    let (exit, target) = (Exit::start(SOURCE), Target::http(HashMap::new()));
    let cases = [
        (Fault::BlackHole, "no answer within"),
        (Fault::Mute, "no answer within"),
        (Fault::Silence, "no answer within"),
        (Fault::Reject(3), "Network unreachable"),
        (Fault::Reject(200), "Unknown"),
        (Fault::FakeSuccess, "response: closed after 0 bytes"),
        (Fault::Refuse, "refused"),
    ];
    for (fault, expected) in cases {
        exit.set(fault).await;
        let served = exit.served();
        let error = get_within(SILENCE, exit.addr(), target.addr()).await.unwrap_err();
        assert!(error.to_lowercase().contains(&expected.to_lowercase()), "{fault:?}: {error}");
        assert_eq!(exit.served(), served, "{fault:?} opened a tunnel");
        exit.set(Fault::None).await;
        assert_eq!(get_through(exit.addr(), target.addr()).await.unwrap(), "127.0.101.1", "after {fault:?}");
    }
}

#[tokio::test]
async fn a_black_hole_answers_the_greeting_and_connect_only_when_healed() {
    let (exit, target) = (Exit::start(SOURCE), Target::http(HashMap::new()));
    exit.set(Fault::BlackHole).await;
    let mut client = TcpStream::connect(exit.addr()).await.unwrap();
    client.write_all(&[5, 1, 0]).await.unwrap();
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting, [5, 0]);
    client.write_all(&connect_request(target.addr())).await.unwrap();
    let mut reply = [0; 10];
    assert!(timeout(SILENCE, client.read_exact(&mut reply)).await.is_err());
    exit.set(Fault::None).await;
    client.read_exact(&mut reply).await.unwrap();
    assert_eq!(reply[..2], [5, 0]);
}

#[tokio::test]
async fn a_client_that_gave_up_on_a_black_hole_is_not_connected_later() {
    let (exit, target) = (Exit::start(SOURCE), Target::http(HashMap::new()));
    exit.set(Fault::BlackHole).await;
    get_within(SILENCE, exit.addr(), target.addr()).await.unwrap_err();
    tokio::time::sleep(SILENCE).await;
    exit.set(Fault::None).await;
    tokio::time::sleep(SILENCE).await;
    assert_eq!(exit.served(), 0);
}

#[tokio::test]
async fn established_tunnels_stand_still_while_broken_and_go_on_when_healed() {
    let (exit, target) = (Exit::start(SOURCE), Target::http(HashMap::new()));
    for fault in [Fault::BlackHole, Fault::Mute, Fault::Reject(4), Fault::FakeSuccess, Fault::Silence] {
        let mut tunnel = Socks5Stream::connect(exit.addr(), target.addr()).await.unwrap();
        ask_again(&mut tunnel).await;
        exit.set(fault).await;
        tunnel.write_all(REQUEST).await.unwrap();
        let mut answer = [0; 1];
        assert!(timeout(SILENCE, tunnel.read(&mut answer)).await.is_err(), "{fault:?} let something through");
        exit.set(Fault::None).await;
        assert_eq!(tunnel.read(&mut answer).await.unwrap(), 1, "after {fault:?}");
    }
}

#[tokio::test]
async fn a_target_that_closes_behind_a_black_hole_is_not_noticed() {
    let (exit, target) = (Exit::start(SOURCE), Target::http(HashMap::new()));
    let mut tunnel = Socks5Stream::connect(exit.addr(), target.addr()).await.unwrap();
    exit.set(Fault::BlackHole).await;
    target.set(Condition::Down).await;
    assert!(timeout(SILENCE, tunnel.read(&mut [0; 1])).await.is_err());
    exit.set(Fault::None).await;
    assert_eq!(tunnel.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_crash_closes_established_tunnels() {
    let (exit, target) = (Exit::start(SOURCE), Target::http(HashMap::new()));
    let mut tunnel = Socks5Stream::connect(exit.addr(), target.addr()).await.unwrap();
    exit.set(Fault::Refuse).await;
    assert_eq!(tunnel.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn delay_is_paid_twice_by_connect_and_twice_by_an_exchange() {
    let (exit, target) = (Exit::start(SOURCE), Target::http(HashMap::new()));
    exit.set_delay(Duration::from_millis(60));
    let start = Instant::now();
    get_through(exit.addr(), target.addr()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(240));
}

#[tokio::test]
async fn credentials_are_asked_for() {
    let credentials = Some(("user".to_owned(), "secret".to_owned()));
    let exit = Exit::start_with(SOURCE, ExitOptions { credentials, ..ExitOptions::default() });
    let target = Target::http(HashMap::new());
    assert!(Socks5Stream::connect_with_password(exit.addr(), target.addr(), "user", "secret").await.is_ok());
    assert!(Socks5Stream::connect_with_password(exit.addr(), target.addr(), "user", "wrong").await.is_err());
    assert!(Socks5Stream::connect(exit.addr(), target.addr()).await.is_err());
}

#[tokio::test]
async fn names_are_the_exits_own_and_nothing_leaves_loopback() {
    let names = HashMap::from([
        ("target.test".to_owned(), IpAddr::from(Ipv4Addr::LOCALHOST)),
        ("outside.test".to_owned(), IpAddr::from([192, 0, 2, 1])),
    ]);
    let exit = Exit::start_with(SOURCE, ExitOptions { names, ..ExitOptions::default() });
    let target = Target::http(HashMap::new());
    let port = target.addr().port();
    for name in ["localhost", "target.test"] {
        assert_eq!(get_through(exit.addr(), (name, port)).await.unwrap(), "127.0.101.1");
    }
    let unknown = get_through(exit.addr(), ("unknown.test", port)).await.unwrap_err();
    assert!(unknown.contains("Host unreachable"), "{unknown}");
    let outside = SocketAddr::from(([192, 0, 2, 1], 80));
    for error in [
        get_through(exit.addr(), ("outside.test", port)).await.unwrap_err(),
        get_through(exit.addr(), outside).await.unwrap_err(),
    ] {
        assert!(error.contains("not allowed"), "{error}");
    }
    let closed = get_through(exit.addr(), crate::Port::free().addr()).await.unwrap_err();
    assert!(closed.contains("refused"), "{closed}");
}

#[tokio::test]
async fn ipv6_targets_are_reached() {
    let exit = Exit::start(SOURCE);
    let listener = tokio::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap();
    let tunnel = Socks5Stream::connect(exit.addr(), listener.local_addr().unwrap()).await;
    assert!(tunnel.is_ok());
    assert_eq!(exit.served(), 1);
}

#[tokio::test]
async fn targets_fail_as_told() {
    let (exit, target) = (Exit::start(SOURCE), Target::http(HashMap::new()));
    for (condition, expected) in [
        (Condition::Status(503), "status 503"),
        (Condition::Mute, "no answer within"),
        (Condition::Down, "refused"),
    ] {
        target.set(condition).await;
        let error = get_within(SILENCE, exit.addr(), target.addr()).await.unwrap_err();
        assert!(error.contains(expected), "{condition:?}: {error}");
    }
    target.set(Condition::Up).await;
    assert!(get_through(exit.addr(), target.addr()).await.is_ok());
}

#[tokio::test]
async fn https_verifies_against_its_own_authority_only() {
    let ca = Ca::new();
    let target = Target::https(HashMap::new(), &ca);
    assert_eq!(target.url(), format!("https://{}/", target.addr()));
    assert!(shake_hands(&target, &ca, "localhost").await.is_ok());
    assert!(shake_hands(&target, &ca, "127.0.0.1").await.is_ok());
    assert!(shake_hands(&target, &ca, "other.test").await.is_err());
    assert!(shake_hands(&target, &Ca::new(), "localhost").await.is_err());
}

#[tokio::test]
async fn a_tcp_target_says_its_banner() {
    let (exit, target) = (Exit::start(SOURCE), Target::tcp());
    let mut tunnel = Socks5Stream::connect(exit.addr(), target.addr()).await.unwrap();
    let mut banner = [0; 4];
    tunnel.read_exact(&mut banner).await.unwrap();
    assert_eq!(&banner, b"220 ");
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n";

/// One exchange that leaves the connection open.
async fn ask_again(tunnel: &mut Socks5Stream<TcpStream>) {
    tunnel.write_all(REQUEST).await.unwrap();
    let mut answer = [0; 4096];
    let mut got = 0;
    while !answer[..got].ends_with(b"127.0.101.1\n") {
        got += tunnel.read(&mut answer[got..]).await.unwrap();
    }
}

fn connect_request(target: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(target) = target else { panic!("{target} is not IPv4") };
    let mut request = vec![5, 1, 0, 1];
    request.extend(target.ip().octets());
    request.extend(target.port().to_be_bytes());
    request
}

async fn shake_hands(target: &Target, ca: &Ca, name: &str) -> std::io::Result<()> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca.file()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(target.addr()).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.map(drop)
}
