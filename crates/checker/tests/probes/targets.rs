//! The stages http and banner: what a target, or whoever plays one, can answer.

use checker::{Expect, Outcome, TargetOptions};
use failover::{Cause, Stage};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::fakes::*;

const HTTP: [Stage; 4] = [Stage::Tcp, Stage::Greeting, Stage::Connect, Stage::Http];

#[tokio::test]
async fn any_complete_response_passes() {
    for status in ["200 OK", "302 Found", "403 Forbidden", "429 Too Many Requests", "503 Service Unavailable"]
    {
        let address = http(format!("HTTP/1.1 {status}\r\nServer: x\r\n\r\n")).await;
        assert_passed(&probe(address, "http://1.1.1.1/", AMPLE).await, &HTTP);
    }
}

#[tokio::test]
async fn the_request_carries_host_path_and_agent() {
    let (sender, mut requests) = mpsc::unbounded_channel();
    let address = target(move |mut socket| {
        let sender = sender.clone();
        async move {
            sender.send(read_request(&mut socket).await).unwrap();
            let _ = socket.write_all(RESPONSE).await;
        }
    })
    .await;
    for (target, beginning) in [
        ("http://example.com/a?b=c", "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: hactl/"),
        ("http://1.1.1.1:81", "GET / HTTP/1.1\r\nHost: 1.1.1.1:81\r\nUser-Agent: hactl/"),
        ("http://[2001:db8::1]:81", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:81\r\nUser-Agent: hactl/"),
    ] {
        assert_passed(&probe(address, target, AMPLE).await, &HTTP);
        let request = requests.recv().await.unwrap();
        assert!(request.starts_with(beginning), "{request}");
        assert!(request.ends_with("\r\nAccept: */*\r\nConnection: close\r\n\r\n"), "{request}");
    }
}

#[tokio::test]
async fn interim_responses_are_skipped() {
    let address =
        http("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    assert_passed(&probe(address.await, "http://1.1.1.1/", AMPLE).await, &HTTP);
}

#[tokio::test]
async fn what_is_no_complete_response_fails_in_http() {
    let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(100_000);
    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(1 << 20));
    for (answer, cause, text) in [
        ("", Cause::Closed, "closed after 0 bytes"),
        ("HTTP/1.1 200 OK\r\n", Cause::Closed, "closed after 17 bytes"),
        ("\u{202e}\u{1b}[2Jboo\r\n\r\n", Cause::Protocol, "what came is not HTTP/1"),
        ("HTTP/1.1 200 \u{1b}[2J\r\n\r\n", Cause::Protocol, "malformed response: invalid response status"),
        (&flood, Cause::Protocol, "the response's head is longer than 16 KiB"),
        (&long, Cause::Protocol, "the response's head is longer than 16 KiB"),
    ] {
        let address = http(answer).await;
        let text = format!("http from 1.1.1.1:80: {text}");
        assert_failed(&probe(address, "http://1.1.1.1/", AMPLE).await, Stage::Http, cause, &text);
    }
}

#[tokio::test]
async fn a_success_without_a_connection_proves_nothing() {
    let address = target(|socket| async { drop(socket) }).await;
    for (target, stage) in [
        ("http://1.1.1.1/", Stage::Http),
        ("https://1.1.1.1/", Stage::Tls),
        ("tcp://1.1.1.1:25", Stage::Banner),
    ] {
        let outcome = probe(address, target, AMPLE).await;
        let found = failure(&outcome);
        assert_eq!((found.stage, found.cause), (stage, Cause::Closed), "{found}");
    }
}

#[tokio::test]
async fn a_silent_target_times_out_in_its_stage() {
    let address = target(hold).await;
    for (target, stage, text) in [
        ("http://1.1.1.1/", Stage::Http, "http from 1.1.1.1:80: no complete response in "),
        ("https://1.1.1.1/", Stage::Tls, "tls with 1.1.1.1: no answer in "),
        ("tcp://1.1.1.1:25", Stage::Banner, "banner from 1.1.1.1:25: nothing came in "),
    ] {
        assert_times_out(address, target, stage, text).await;
    }
}

#[tokio::test]
async fn a_response_that_never_ends_its_head_times_out() {
    let address = target(|mut socket| async move {
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n").await;
        hold(socket).await;
    })
    .await;
    let text = "http from 1.1.1.1:80: no complete response in ";
    assert_times_out(address, "http://1.1.1.1/", Stage::Http, text).await;
}

#[tokio::test]
async fn a_response_that_stays_open_after_its_head_passes() {
    let address = target(|mut socket| async move {
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n").await;
        hold(socket).await;
    })
    .await;
    assert_passed(&probe(address, "http://1.1.1.1/", AMPLE).await, &HTTP);
}

#[tokio::test]
async fn an_unexpected_status_fails_with_its_number() {
    let options = || TargetOptions { expect: Expect::Statuses(vec![200, 204]), ..TargetOptions::default() };
    let target = parse("http://1.1.1.1/").with(options()).unwrap();
    let portal = http("HTTP/1.1 302 Found\r\nLocation: http://login/\r\n\r\n").await;
    let outcome = prober().probe(&upstream(portal), &target, AMPLE).await;
    let text = "http from 1.1.1.1:80: status 302, which `expect` does not allow";
    assert_failed(&outcome, Stage::Http, Cause::Status(302), text);
    let honest = http("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_passed(&prober().probe(&upstream(honest), &target, AMPLE).await, &HTTP);
}

#[tokio::test]
async fn the_reason_survives_the_longest_host_name() {
    let label = "l".repeat(63);
    let name = format!("{label}.{label}.{label}.example");
    let address = http("").await;
    let outcome = probe(address, &format!("http://{name}/"), AMPLE).await;
    assert!(failure(&outcome).text.ends_with("closed after 0 bytes"), "{outcome:?}");
    assert!(matches!(outcome.outcome, Outcome::Failed(_)));
    assert_eq!(outcome.target.as_str(), format!("http://{name}/"));
}
