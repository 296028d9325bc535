//! A SOCKS5 server in pieces, to be put together rightly or wrongly, and what a probe through it says.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use checker::{Credentials, Outcome, ProbeOutcome, Prober, Target, TlsRoots, Upstream};
use failover::{Cause, Failure, ServerId, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// For probes that are to pass or to fail by themselves: out of reach on the slowest machine.
pub(crate) const AMPLE: Duration = Duration::from_secs(60);

/// For probes that are to run out of time.
pub(crate) const BRIEF: Duration = Duration::from_millis(300);

/// No authentication, agreed.
pub(crate) const METHOD: [u8; 2] = [5, 0];

/// Success, bound to 0.0.0.0:0.
pub(crate) const SUCCESS: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

pub(crate) const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Serves each connection with `serve` until the test's runtime ends.
pub(crate) async fn server<F, Served>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Served + Send + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    server_on("127.0.0.1:0", serve).await
}

pub(crate) async fn server_on<F, Served>(address: &str, serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Served + Send + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    address
}

/// An honest server that says the tunnel is open, and then has `target` speak.
pub(crate) async fn target<F, Served>(target: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Served + Clone + Send + Sync + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    server(move |mut socket| {
        let target = target.clone();
        async move {
            if accept(&mut socket).await.is_some() {
                target(socket).await;
            }
        }
    })
    .await
}

/// A target that reads an HTTP request, sends `answer` and closes.
pub(crate) async fn http(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer: Vec<u8> = answer.into();
    target(move |mut socket| {
        let answer = answer.clone();
        async move {
            read_request(&mut socket).await;
            // The prober may have heard enough before the end.
            let _ = socket.write_all(&answer).await;
        }
    })
    .await
}

pub(crate) async fn read_request(socket: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && socket.read_buf(&mut request).await.unwrap_or(0) > 0 {}
    String::from_utf8(request).unwrap()
}

/// Negotiates without authentication, grants the request and returns it.
pub(crate) async fn accept(socket: &mut TcpStream) -> Option<Vec<u8>> {
    greet(socket).await?;
    let request = read_connect(socket).await?;
    socket.write_all(&SUCCESS).await.ok()?;
    Some(request)
}

pub(crate) async fn greet(socket: &mut TcpStream) -> Option<()> {
    read_greeting(socket).await?;
    socket.write_all(&METHOD).await.ok()
}

/// The methods offered.
pub(crate) async fn read_greeting(socket: &mut TcpStream) -> Option<Vec<u8>> {
    let head = read(socket, 2).await?;
    read(socket, usize::from(head[1])).await
}

/// A whole CONNECT request.
pub(crate) async fn read_connect(socket: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = read(socket, 5).await?;
    let rest = match request[3] {
        1 => 4 + 2 - 1,
        4 => 16 + 2 - 1,
        3 => usize::from(request[4]) + 2,
        other => panic!("address type {other}"),
    };
    request.extend(read(socket, rest).await?);
    Some(request)
}

pub(crate) async fn read(socket: &mut TcpStream, count: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count];
    socket.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

/// Keeps the connection open and says nothing until the other side closes.
pub(crate) async fn hold(mut socket: TcpStream) {
    let mut ignored = [0; 1024];
    while socket.read(&mut ignored).await.is_ok_and(|count| count > 0) {}
}

pub(crate) fn upstream(address: SocketAddr) -> Upstream {
    Upstream { server: ServerId::new("back", "wg1"), address, credentials: None }
}

pub(crate) fn with_login(address: SocketAddr, user: &str, password: &str) -> Upstream {
    Upstream { credentials: Some(Credentials::new(user, password).unwrap()), ..upstream(address) }
}

pub(crate) fn prober() -> Prober {
    Prober::new(&TlsRoots::default()).unwrap()
}

pub(crate) fn parse(target: &str) -> Target {
    target.parse().unwrap()
}

/// Probes `target` through the server at `address`.
pub(crate) async fn probe(address: SocketAddr, target: &str, limit: Duration) -> ProbeOutcome {
    prober().probe(&upstream(address), &parse(target), limit).await
}

/// The stages that were passed, in order.
pub(crate) fn stages(probe: &ProbeOutcome) -> Vec<Stage> {
    probe.stages.iter().map(|passed| passed.stage).collect()
}

#[track_caller]
pub(crate) fn assert_passed(probe: &ProbeOutcome, expected: &[Stage]) {
    let Outcome::Passed(took) = &probe.outcome else { panic!("{probe:?}") };
    assert_eq!(stages(probe), expected);
    assert_eq!(probe.stages.iter().map(|passed| passed.took).sum::<Duration>(), *took);
}

/// The failure of a probe, which must be fit to print and stand at the stage after the last passed one.
#[track_caller]
pub(crate) fn failure(probe: &ProbeOutcome) -> &Failure {
    let Outcome::Failed(failure) = &probe.outcome else { panic!("{probe:?}") };
    assert!(failure.text.chars().count() <= 200, "{}", failure.text);
    assert!(!failure.text.chars().any(char::is_control), "{:?}", failure.text);
    assert!(stages(probe).iter().all(|passed| *passed < failure.stage), "{probe:?}");
    failure
}

#[track_caller]
pub(crate) fn assert_failed(probe: &ProbeOutcome, stage: Stage, cause: Cause, text: &str) {
    let failure = failure(probe);
    assert_eq!((failure.stage, failure.cause, failure.text.as_str()), (stage, cause, text));
}

/// Probes with more and more time until it runs out in `stage`, however slow the machine is on the way there. The text
/// ends with the time waited, which no test may depend on.
pub(crate) async fn assert_times_out(address: SocketAddr, target: &str, stage: Stage, beginning: &str) {
    let mut limit = BRIEF;
    loop {
        let outcome = probe(address, target, limit).await;
        let found = failure(&outcome);
        assert_eq!(found.cause, Cause::Timeout, "{found}");
        if found.stage == stage {
            assert!(found.text.starts_with(beginning) && found.text.ends_with('s'), "{found}");
            return;
        }
        assert!(found.stage < stage && limit < AMPLE, "{found}");
        limit *= 2;
    }
}
