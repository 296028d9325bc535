//! Kept connections: which are kept, what canaries on them see, and how their end is told.

use std::net::SocketAddr;

use checker::Prober;
use failover::{Cause, Ending, Kind, ProbeId, Stage, Success, TargetId};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::certificates::{Authority, acceptor};
use crate::fakes::*;
use crate::orders::*;

const TARGET: &str = "http://1.1.1.1/";

/// An answer to `HEAD` after which the connection goes on.
const ALIVE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n";

#[tokio::test]
async fn canaries_follow_each_other_over_one_connection() {
    let (address, mut seen) = scripted([ALIVE; 5].map(Act::Answer).to_vec()).await;
    let mut driver = Driver::new(&[TARGET]);
    let open = driver.open(address).await;
    let story = driver.story(open).await;
    assert_eq!(story.stages(), [Stage::Tcp, Stage::Greeting, Stage::Connect, Stage::Http]);
    for _ in 0..4 {
        let canary = driver.canary(open);
        let story = driver.story(canary).await;
        let (ended, Ending::Success(success)) = story.ended.unwrap() else { panic!() };
        assert_same_micros(ended.since(story.began.unwrap()), success.last.took);
        let received = ALIVE.len() as u64;
        let Success { last, .. } = success;
        assert_eq!(success, Success { last, status: Some(200), received, kept: true });
        assert_eq!((last.stage, story.passed.len()), (Stage::Http, 0));
    }
    for _ in 0..5 {
        let Some(Seen::Request(request)) = seen.recv().await else { panic!() };
        assert!(request.starts_with("HEAD / HTTP/1.1\r\nHost: 1.1.1.1\r\nUser-Agent: hactl/"), "{request}");
        assert!(request.ends_with("\r\nConnection: keep-alive\r\n\r\n"), "{request}");
    }
}

#[tokio::test]
async fn canaries_follow_each_other_inside_tls() {
    let (mut driver, open, _) = open_tls(vec![TlsAct::Answer; 4]).await;
    for _ in 0..3 {
        let canary = driver.canary(open);
        let success = driver.success(canary).await;
        assert!(success.kept);
        // TLS is counted, and only what came for this canary.
        let plain = ALIVE.len() as u64;
        assert!((plain + 1..plain + 1000).contains(&success.received), "{success:?}");
    }
}

#[tokio::test]
async fn what_tls_says_to_itself_is_not_the_end() {
    // Session tickets come behind every handshake; new keys are the other thing that may come unasked.
    let (mut driver, open, mut done) = open_tls(vec![TlsAct::Answer, TlsAct::NewKeys, TlsAct::Answer]).await;
    done.recv().await.unwrap();
    let canary = driver.canary(open);
    assert!(driver.success(canary).await.kept);
    assert!(!driver.was_closed(open));
}

#[tokio::test]
async fn a_farewell_of_tls_is_the_end() {
    let (mut driver, open, _done) = open_tls(vec![TlsAct::Answer, TlsAct::Close]).await;
    driver.closed(open).await;
    assert_refused(&mut driver, open).await;
}

#[tokio::test]
async fn a_connection_is_kept_only_where_the_answer_allows_it() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\n\r\n", true),
        ("HTTP/1.1 500 Broken\r\n\r\n", true),
        ("HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", true),
        ("HTTP/1.0 200 OK\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", false),
    ] {
        let (address, mut seen) = scripted(vec![Act::Answer(answer.as_bytes())]).await;
        let mut driver = Driver::new(&[TARGET]);
        let open = driver.order(Kind::Open, address);
        assert_eq!(driver.success(open).await.kept, expected, "{answer}");
        seen.recv().await.unwrap();
        if !expected {
            assert_eq!(seen.recv().await, Some(Seen::HungUp), "{answer}");
            driver.assert_gone_unannounced(open).await;
        }
    }
}

#[tokio::test]
async fn an_announced_close_ends_the_connection_and_is_no_news() {
    let last = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let (address, _seen) = scripted(vec![Act::Answer(ALIVE), Act::Answer(last), Act::Close]).await;
    let mut driver = Driver::new(&[TARGET]);
    let open = driver.open(address).await;
    let canary = driver.canary(open);
    assert!(!driver.success(canary).await.kept);
    driver.assert_gone_unannounced(open).await;
}

#[tokio::test]
async fn an_answer_with_more_behind_it_ends_the_connection() {
    let double = [ALIVE, ALIVE].concat().leak();
    let (address, _seen) = scripted(vec![Act::Answer(ALIVE), Act::Answer(double)]).await;
    let mut driver = Driver::new(&[TARGET]);
    let open = driver.open(address).await;
    let canary = driver.canary(open);
    assert!(!driver.success(canary).await.kept);
    driver.assert_gone_unannounced(open).await;
}

#[tokio::test]
async fn an_end_while_idle_is_told_at_once() {
    for act in [Act::Close, Act::Reset, Act::Unasked(b"HTTP/1.1 408 Request Timeout\r\n\r\n")] {
        let (address, _seen) = scripted(vec![Act::Answer(ALIVE), Act::Answer(ALIVE), act]).await;
        let mut driver = Driver::new(&[TARGET]);
        let open = driver.open(address).await;
        let canary = driver.canary(open);
        // It may have been taken for the answer's own or not, but the end is not overlooked.
        if driver.success(canary).await.kept {
            driver.closed(open).await;
        }
        assert_refused(&mut driver, open).await;
    }
}

#[tokio::test]
async fn an_end_before_the_first_canary_is_told_at_once() {
    let (address, _seen) = scripted(vec![Act::Answer(ALIVE), Act::Close]).await;
    let mut driver = Driver::new(&[TARGET]);
    let open = driver.open(address).await;
    driver.closed(open).await;
    assert_refused(&mut driver, open).await;
}

#[tokio::test]
async fn an_end_under_a_canary_is_its_failure_and_no_other_news() {
    for (act, text) in [
        (Act::Swallow(None), "closed after 0 bytes"),
        (Act::Swallow(Some(b"HTTP/1.1 200 OK\r\nA: ")), "closed after 20 bytes"),
        (Act::SwallowAndReset, "reset after 0 bytes"),
    ] {
        let (address, _seen) = scripted(vec![Act::Answer(ALIVE), act]).await;
        let mut driver = Driver::new(&[TARGET]);
        let open = driver.open(address).await;
        let canary = driver.canary(open);
        let text = format!("http from 1.1.1.1:80: {text}");
        driver.assert_failed(canary, Stage::Http, Cause::Closed, &text).await;
        assert!(driver.story(canary).await.began.is_some());
        driver.assert_gone_unannounced(open).await;
    }
}

#[tokio::test]
async fn an_unanswered_canary_runs_out_of_time_in_http() {
    for part in ["", "HTTP/1.1 200 OK\r\n"] {
        let text = "http from 1.1.1.1:80: no complete response in ";
        assert_runs_out(Stage::Http, text, |timeout| async move {
            let (address, mut seen) = scripted(vec![Act::Answer(ALIVE), Act::Part(part.as_bytes())]).await;
            let mut driver = Driver::with(prober(), settings(&[TARGET], timeout));
            let open = driver.order(Kind::Open, address);
            let Ending::Success(_) = driver.ending(open).await else { return None };
            let canary = driver.canary(open);
            let failure = driver.failure(canary).await;
            let story = driver.story(canary).await;
            assert!(story.ended.unwrap().0.since(story.began.unwrap()) >= timeout * 3);
            // What comes too late must not be taken for the next answer, so the connection is gone.
            driver.assert_gone_unannounced(open).await;
            while seen.recv().await != Some(Seen::HungUp) {}
            Some(failure)
        })
        .await;
    }
}

#[tokio::test]
async fn a_canary_waits_for_the_one_before_it() {
    let first = b"HTTP/1.1 201 Created\r\n\r\n";
    let second = b"HTTP/1.1 202 Accepted\r\n\r\n";
    let (address, _seen) = scripted([ALIVE, first, second].map(Act::Answer).to_vec()).await;
    let mut driver = Driver::new(&[TARGET]);
    let open = driver.open(address).await;
    let canaries = [driver.canary(open), driver.canary(open)];
    assert_eq!(driver.success(canaries[0]).await.status, Some(201));
    assert_eq!(driver.success(canaries[1]).await.status, Some(202));
    let (ended, _) = driver.story(canaries[0]).await.ended.unwrap();
    assert!(ended <= driver.story(canaries[1]).await.began.unwrap());
}

#[tokio::test]
async fn canaries_that_wait_end_with_their_connection() {
    let (address, mut seen) = scripted(vec![Act::Answer(ALIVE), Act::CloseLater]).await;
    let mut driver = Driver::new(&[TARGET]);
    let open = driver.open(address).await;
    seen.recv().await.unwrap();
    let first = driver.canary(open);
    let Some(Seen::CloseMe(close)) = seen_request_then(&mut seen).await else { panic!() };
    let waiting: Vec<ProbeId> = (0..4).map(|_| driver.canary(open)).collect();
    let too_many = driver.canary(open);
    assert_eq!(driver.void(too_many).await, "the canaries before it are still under way");
    close.send(()).unwrap();
    driver
        .assert_failed(first, Stage::Http, Cause::Closed, "http from 1.1.1.1:80: closed after 0 bytes")
        .await;
    for canary in waiting {
        let text = "http from 1.1.1.1:80: the kept connection is closed";
        driver.assert_failed(canary, Stage::Http, Cause::Closed, text).await;
        assert!(driver.story(canary).await.began.is_none());
    }
    assert!(!driver.was_closed(open));
}

#[tokio::test]
async fn a_canary_without_a_connection_fails_and_one_without_a_target_is_void() {
    let mut driver = Driver::new(&[TARGET]);
    let never_opened = driver.canary(ProbeId(1_000));
    let text = "http from 1.1.1.1:80: the kept connection is closed";
    driver.assert_failed(never_opened, Stage::Http, Cause::Closed, text).await;
    let unknown = driver.canary_of(ProbeId(1_000), TargetId(9));
    assert_eq!(driver.void(unknown).await, "this target is not configured");
}

#[tokio::test]
async fn dropping_an_open_closes_its_connection_quietly() {
    let (address, mut seen) = scripted(vec![Act::Answer(ALIVE), Act::CloseLater]).await;
    let mut driver = Driver::new(&[TARGET]);
    let idle = driver.open(address).await;
    seen.recv().await.unwrap();
    driver.drop_probe(idle);
    assert_eq!(seen.recv().await, Some(Seen::HungUp));
    driver.assert_gone_unannounced(idle).await;
    let busy = driver.open(address).await;
    seen.recv().await.unwrap();
    let canary = driver.canary(busy);
    assert!(matches!(seen_request_then(&mut seen).await, Some(Seen::CloseMe(_))));
    driver.drop_probe(canary);
    driver.drop_probe(busy);
    assert_eq!(seen.recv().await, Some(Seen::HungUp));
    driver.assert_gone_unannounced(busy).await;
}

#[tokio::test]
async fn dropping_all_closes_kept_connections() {
    let (address, mut seen) = scripted(vec![Act::Answer(ALIVE)]).await;
    let mut driver = Driver::new(&[TARGET]);
    driver.open(address).await;
    seen.recv().await.unwrap();
    drop(driver);
    assert_eq!(seen.recv().await, Some(Seen::HungUp));
}

#[tokio::test]
async fn canaries_and_controls_need_no_turn() {
    let (address, _seen) = scripted([ALIVE; 2].map(Act::Answer).to_vec()).await;
    let (sender, mut stuck) = mpsc::unbounded_channel();
    let mute = server(move |mut socket| {
        let sender = sender.clone();
        async move {
            read_greeting(&mut socket).await;
            sender.send(()).unwrap();
            hold(socket).await;
        }
    })
    .await;
    let control = server(|mut socket| async move {
        read_request(&mut socket).await;
        let _ = socket.write_all(RESPONSE).await;
    })
    .await;
    let with_control = settings(&[TARGET], AMPLE).with_control(parse(&format!("http://{control}/")));
    let mut driver = Driver::with(prober(), with_control);
    let open = driver.open(address).await;
    allow_many_descriptors();
    for _ in 0..256 {
        driver.order(Kind::Full, mute);
    }
    for _ in 0..256 {
        stuck.recv().await.unwrap();
    }
    let waiting = driver.order(Kind::Full, mute);
    let (canary, control) = (driver.canary(open), driver.control());
    assert!(driver.success(canary).await.kept);
    driver.success(control).await;
    assert!(!driver.has_begun(waiting));
}

#[tokio::test]
async fn many_kept_connections_do_not_take_turns() {
    let (address, _seen) = scripted([ALIVE; 2].map(Act::Answer).to_vec()).await;
    let mut driver = Driver::new(&[TARGET]);
    allow_many_descriptors();
    let mut opens = Vec::new();
    for _ in 0..300 {
        opens.push(driver.open(address).await);
    }
    let canaries: Vec<ProbeId> = opens.iter().map(|open| driver.canary(*open)).collect();
    for canary in canaries {
        assert!(driver.success(canary).await.kept);
    }
}

#[tokio::test]
async fn hostile_canary_answers_are_bounded() {
    let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000).leak();
    let long = format!("HTTP/1.1 200 OK\r\nA: {}", "x".repeat(1 << 20)).leak();
    for (answer, text) in [
        (flood.as_bytes(), "the response's head is longer than 16 KiB"),
        (long.as_bytes(), "the response's head is longer than 16 KiB"),
        (b"\x1b[2J\r\n\r\n", "what came is not HTTP/1"),
    ] {
        let (address, _seen) = scripted(vec![Act::Answer(ALIVE), Act::Answer(answer)]).await;
        let mut driver = Driver::new(&[TARGET]);
        let open = driver.open(address).await;
        let canary = driver.canary(open);
        let text = format!("http from 1.1.1.1:80: {text}");
        driver.assert_failed(canary, Stage::Http, Cause::Protocol, &text).await;
        driver.assert_gone_unannounced(open).await;
    }
}

#[tokio::test]
async fn what_each_canary_receives_is_counted_anew() {
    // Together far more than one probe may receive.
    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(15_000)).leak();
    let (address, _seen) = scripted(vec![Act::Answer(long.as_bytes()); 11]).await;
    let mut driver = Driver::new(&[TARGET]);
    let open = driver.open(address).await;
    for _ in 0..10 {
        let canary = driver.canary(open);
        assert_eq!(driver.success(canary).await.received, long.len() as u64);
    }
}

/// What a scripted target does next, request by request.
#[derive(Clone, Copy)]
enum Act {
    /// Reads a request and answers with this.
    Answer(&'static [u8]),
    /// Reads a request and answers with this, which is not enough.
    Part(&'static [u8]),
    /// Reads a request, answers with no more than this and closes.
    Swallow(Option<&'static [u8]>),
    SwallowAndReset,
    /// Reads a request and closes when told.
    CloseLater,
    /// Says this without being asked.
    Unasked(&'static [u8]),
    Close,
    Reset,
}

/// What a scripted target lives to see.
#[derive(Debug)]
enum Seen {
    Request(String),
    CloseMe(tokio::sync::oneshot::Sender<()>),
    HungUp,
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        matches!((self, other), (Self::HungUp, Self::HungUp))
    }
}

/// A target that follows `acts` on each connection and then waits until it is hung up on.
async fn scripted(acts: Vec<Act>) -> (SocketAddr, UnboundedReceiver<Seen>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let address = target(move |socket| play(socket, acts.clone(), sender.clone())).await;
    (address, seen)
}

async fn play(mut socket: TcpStream, acts: Vec<Act>, seen: UnboundedSender<Seen>) {
    for act in acts {
        if !matches!(act, Act::Unasked(_) | Act::Close | Act::Reset) {
            let request = read_request(&mut socket).await;
            if request.is_empty() {
                let _ = seen.send(Seen::HungUp);
                return;
            }
            let _ = seen.send(Seen::Request(request));
        }
        match act {
            Act::Answer(bytes) | Act::Part(bytes) | Act::Unasked(bytes) => {
                let _ = socket.write_all(bytes).await;
            }
            Act::Swallow(part) => {
                let _ = socket.write_all(part.unwrap_or_default()).await;
                return;
            }
            Act::CloseLater => {
                let (close, closing) = tokio::sync::oneshot::channel();
                let _ = seen.send(Seen::CloseMe(close));
                tokio::select! {
                    closed = closing => if closed.is_ok() { return },
                    _ = read_request(&mut socket) => {}
                }
            }
            Act::Close => return,
            Act::SwallowAndReset | Act::Reset => return socket.set_zero_linger().unwrap(),
        }
    }
    hold(socket).await;
    let _ = seen.send(Seen::HungUp);
}

async fn seen_request_then(seen: &mut UnboundedReceiver<Seen>) -> Option<Seen> {
    assert!(matches!(seen.recv().await, Some(Seen::Request(_))));
    seen.recv().await
}

/// What a scripted target does next inside TLS.
#[derive(Clone, Copy, PartialEq)]
enum TlsAct {
    Answer,
    NewKeys,
    Close,
}

/// A kept connection to a target that speaks TLS, follows `acts` and tells when it has done something unasked.
async fn open_tls(acts: Vec<TlsAct>) -> (Driver, ProbeId, UnboundedReceiver<()>) {
    let authority = Authority::new();
    let tls = acceptor(authority.server("1.1.1.1"));
    let (sender, done) = mpsc::unbounded_channel();
    let address = target(move |socket| {
        let (tls, acts, sender) = (tls.clone(), acts.clone(), sender.clone());
        async move {
            let mut stream = tls.accept(socket).await.unwrap();
            for act in acts {
                match act {
                    TlsAct::Answer => answer(&mut stream).await,
                    TlsAct::NewKeys => {
                        stream.get_mut().1.refresh_traffic_keys().unwrap();
                        stream.flush().await.unwrap();
                        sender.send(()).unwrap();
                    }
                    TlsAct::Close => stream.shutdown().await.unwrap(),
                }
            }
            read_request(&mut stream).await;
        }
    })
    .await;
    let mut driver = driver_of(authority.prober());
    let open = driver.open(address).await;
    (driver, open, done)
}

fn driver_of(prober: Prober) -> Driver {
    Driver::with(prober, settings(&["https://1.1.1.1/"], AMPLE))
}

async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    read_request(stream).await;
    stream.write_all(ALIVE).await.unwrap();
    stream.flush().await.unwrap();
}

/// A connection that is gone takes no canary.
async fn assert_refused(driver: &mut Driver, open: ProbeId) {
    let canary = driver.canary(open);
    let failure = driver.failure(canary).await;
    assert_eq!((failure.stage, failure.cause), (Stage::Http, Cause::Closed), "{failure}");
}
