//! Control probes: past all servers, to a target of their own.

use checker::{Expect, Settings, TargetOptions};
use failover::{Cause, Ending, Kind, Route, ServerId, Stage, TargetId};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::certificates::{Authority, acceptor};
use crate::fakes::*;
use crate::orders::*;

/// Nobody asks for it here.
const TARGET: &str = "http://192.0.2.1/";

#[tokio::test]
async fn a_control_goes_straight_to_its_target() {
    let address = server(|mut socket| async move {
        let request = read_request(&mut socket).await;
        assert!(request.starts_with("GET /ping HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
        let _ = socket.write_all(RESPONSE).await;
        hold(socket).await;
    })
    .await;
    let mut driver = driver(&format!("http://{address}/ping"));
    let control = driver.control();
    let story = driver.story(control).await;
    assert_eq!(story.stages(), [Stage::Connect, Stage::Http]);
    let (ended, Ending::Success(success)) = story.ended.unwrap() else { panic!() };
    assert_eq!((success.status, success.kept), (Some(200), false));
    assert_eq!(success.received, RESPONSE.len() as u64);
    let sum = story.passed[0].1.took + success.last.took;
    assert_same_micros(ended.since(story.began.unwrap()), sum);
}

#[tokio::test]
async fn a_control_resolves_names_and_verifies_certificates() {
    let authority = Authority::new();
    let tls = acceptor(authority.server("localhost"));
    let address = server(move |socket| {
        let tls = tls.clone();
        async move {
            let Ok(mut stream) = tls.accept(socket).await else { return };
            read_request(&mut stream).await;
            let _ = stream.write_all(RESPONSE).await;
            read_request(&mut stream).await;
        }
    })
    .await;
    let target = parse(&format!("https://localhost:{}/", address.port()));
    let settings = settings(&[TARGET], AMPLE).with_control(target);
    let mut trusting = Driver::with(authority.prober(), settings.clone());
    let control = trusting.control();
    assert_eq!(trusting.story(control).await.stages(), [Stage::Connect, Stage::Tls, Stage::Http]);
    let mut doubting = Driver::with(prober(), settings);
    let control = doubting.control();
    let text = "tls with localhost: certificate is signed by an unknown authority";
    doubting.assert_failed(control, Stage::Tls, Cause::Certificate, text).await;
}

#[tokio::test]
async fn a_control_that_is_refused_says_so_in_connect() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut driver = driver(&format!("http://{address}/"));
    let control = driver.control();
    let text = format!("connect to {address}: connection refused");
    driver.assert_failed(control, Stage::Connect, Cause::Refused, &text).await;
}

#[tokio::test]
async fn a_control_that_nobody_answers_times_out_in_connect() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(queued)) = tokio::time::timeout(BRIEF, TcpStream::connect(address)).await {
        waiting.push(queued);
    }
    let text = format!("connect to {address}: no reply in ");
    assert_runs_out(Stage::Connect, &text, |timeout| async move {
        let control = parse(&format!("http://{address}/"));
        let mut driver = Driver::with(prober(), settings(&[TARGET], timeout).with_control(control));
        let control = driver.control();
        Some(driver.failure(control).await)
    })
    .await;
}

#[tokio::test]
async fn what_the_control_target_expects_counts() {
    let address = server(|mut socket| async move {
        read_request(&mut socket).await;
        let _ = socket.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://login/\r\n\r\n").await;
    })
    .await;
    let options = TargetOptions { expect: Expect::Statuses(vec![204]), ..TargetOptions::default() };
    let target = parse(&format!("http://{address}/")).with(options).unwrap();
    let mut driver = Driver::with(prober(), settings(&[TARGET], AMPLE).with_control(target));
    let control = driver.control();
    let failure = driver.failure(control).await;
    assert_eq!((failure.stage, failure.cause), (Stage::Http, Cause::Status(302)));
}

#[tokio::test]
async fn without_a_control_target_a_control_is_void() {
    let mut driver = Driver::new(&[TARGET]);
    let control = driver.control();
    assert_eq!(driver.void(control).await, "no control target is configured");
    assert!(driver.story(control).await.began.is_none());
}

#[tokio::test]
async fn a_control_takes_no_server_and_a_direct_probe_takes_its_own_target() {
    let address = server(|mut socket| async move {
        let _ = socket.write_all(b"hello").await;
        hold(socket).await;
    })
    .await;
    let banner = || parse(&format!("tcp://{address}"));
    let settings = Settings::new(vec![banner()], AMPLE).unwrap().with_control(banner());
    let mut driver = Driver::with(prober(), settings);
    let nowhere = Route::Server { id: ServerId::new("back", "wg1"), address: "127.0.0.1:1".parse().unwrap() };
    for (kind, route) in [(Kind::Control, nowhere), (Kind::Full, Route::Direct)] {
        let probe = driver.obey(kind, route, TargetId(0), None, None);
        assert_eq!(driver.story(probe).await.stages(), [Stage::Connect, Stage::Banner]);
    }
}

fn driver(control: &str) -> Driver {
    Driver::with(prober(), settings(&[TARGET], AMPLE).with_control(parse(control)))
}
