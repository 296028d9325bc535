//! Full probes: what is reported of them and when, and how much of a target's answer they want.

use std::time::Duration;

use checker::{Expect, TargetOptions};
use failover::{Cause, Ending, Kind, Saw, Stage, Success, TargetId};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::certificates::{Authority, acceptor};
use crate::fakes::*;
use crate::orders::*;

const TARGET: &str = "http://1.1.1.1/";

#[tokio::test]
async fn stages_are_reported_as_they_are_passed_and_sum_up() {
    let authority = Authority::new();
    let address = https(&authority, RESPONSE).await;
    let mut driver = Driver::with(authority.prober(), settings(&["https://1.1.1.1/"], AMPLE));
    let full = driver.order(Kind::Full, address);
    let story = driver.story(full).await;
    assert_eq!(story.stages(), [Stage::Tcp, Stage::Greeting, Stage::Connect, Stage::Tls, Stage::Http]);
    let mut since = story.began.unwrap();
    for (at, passed) in &story.passed {
        assert_same_micros(at.since(since), passed.took);
        since = *at;
    }
    let (ended, Ending::Success(success)) = story.ended.unwrap() else { panic!() };
    assert_same_micros(ended.since(since), success.last.took);
    assert_eq!((success.status, success.kept), (Some(200), false));
    // More than the response, because the handshake counts.
    assert!(success.received > 500, "{success:?}");
}

#[tokio::test]
async fn a_stage_is_reported_while_the_next_one_is_under_way() {
    let (sender, mut asked) = mpsc::unbounded_channel();
    let address = server(move |mut socket| {
        let sender = sender.clone();
        async move {
            greet(&mut socket).await;
            read_connect(&mut socket).await;
            sender.send(()).unwrap();
            hold(socket).await;
        }
    })
    .await;
    let mut driver = Driver::new(&[TARGET]);
    let full = driver.order(Kind::Full, address);
    asked.recv().await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let evidence = driver.next().await;
        assert_eq!(evidence.probe, full);
        seen.push(evidence.saw);
    }
    assert_eq!(seen[0], Saw::Began);
    assert!(matches!(seen[1], Saw::Passed(passed) if passed.stage == Stage::Tcp), "{seen:?}");
    assert!(matches!(seen[2], Saw::Passed(passed) if passed.stage == Stage::Greeting), "{seen:?}");
}

#[tokio::test]
async fn a_banner_is_all_that_tcp_targets_are_asked_for() {
    let address = target(|mut socket| async move {
        let _ = socket.write_all(b"220 hello").await;
        hold(socket).await;
    })
    .await;
    let mut driver = Driver::new(&["tcp://1.1.1.1:25"]);
    for kind in [Kind::Full, Kind::Open] {
        let probe = driver.order(kind, address);
        let story = driver.story(probe).await;
        assert_eq!(story.stages(), [Stage::Tcp, Stage::Greeting, Stage::Connect, Stage::Banner]);
        let Ending::Success(Success { status, received, kept, .. }) = story.ending() else { panic!() };
        assert_eq!((status, received, kept), (None, 9, false));
    }
}

#[tokio::test]
async fn a_failure_ends_the_story_in_its_stage() {
    let mut driver = Driver::new(&[TARGET]);
    let address = server(|mut socket| async move {
        greet(&mut socket).await;
        read_connect(&mut socket).await;
        let _ = socket.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    })
    .await;
    for kind in [Kind::Full, Kind::Open] {
        let probe = driver.order(kind, address);
        let text = "connect to 1.1.1.1:80: refused by the SOCKS server: connection refused (reply 5)";
        driver.assert_failed(probe, Stage::Connect, Cause::Reply(5), text).await;
        assert_eq!(driver.story(probe).await.stages(), [Stage::Tcp, Stage::Greeting]);
    }
}

#[tokio::test]
async fn credentials_reach_the_server() {
    let address = server(|mut socket| async move {
        assert_eq!(read_greeting(&mut socket).await.unwrap(), [0, 2]);
        let _ = socket.write_all(&[5, 2]).await;
        assert_eq!(read(&mut socket, 9).await.unwrap(), b"\x01\x02me\x04hush");
        let _ = socket.write_all(&[1, 0]).await;
        read_connect(&mut socket).await;
        let _ = socket.write_all(&[SUCCESS.as_slice(), b"hello"].concat()).await;
        hold(socket).await;
    })
    .await;
    let mut driver = Driver::new(&["tcp://1.1.1.1:25"]);
    let login = with_login(address, "me", "hush").credentials;
    let full = driver.order_with(Kind::Full, address, TargetId(0), login.as_ref());
    driver.success(full).await;
}

#[tokio::test]
async fn the_body_is_read_until_3_kb_came_or_it_has_ended() {
    let large = "x".repeat(100_000);
    for (head, body, least) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 0),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello", 43),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", 62),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n!\r\n0\r\nTrailer: a\r\n\r\n", 70),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", 0),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 99999\r\n\r\n", "", 0),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", &large, 3072),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n", &large, 3072),
        ("HTTP/1.1 200 OK\r\n\r\n", &large, 3072),
        // Never decoded, so there is nothing that it could blow up to.
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", "\x1f\x0b\x08\0\0", 0),
    ] {
        // The connection stays open: the end is known from the answer alone.
        let success = ask(format!("{head}{body}"), hold).await;
        assert!((least..=3072 + 1024).contains(&success.received), "{head}: {success:?}");
    }
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_the_connection() {
    let success = ask("HTTP/1.0 200 OK\r\n\r\nhello".into(), |socket| async { drop(socket) }).await;
    assert_eq!(success.received, 24);
}

#[tokio::test]
async fn a_body_without_a_length_may_end_without_a_farewell_of_tls() {
    let authority = Authority::new();
    let tls = acceptor(authority.server("1.1.1.1"));
    let address = target(move |socket| {
        let tls = tls.clone();
        async move {
            let mut stream = tls.accept(socket).await.unwrap();
            read_request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello").await;
            let _ = stream.flush().await;
            let _ = stream.get_mut().0.shutdown().await;
        }
    })
    .await;
    let mut driver = Driver::with(authority.prober(), settings(&["https://1.1.1.1/"], AMPLE));
    let full = driver.order(Kind::Full, address);
    driver.success(full).await;
}

#[tokio::test]
async fn the_handshake_counts_towards_3_kb() {
    let authority = Authority::new();
    // Names enough for a certificate of several kilobytes.
    let tls = acceptor(authority.bulky_server("1.1.1.1"));
    let address = target(move |socket| {
        let tls = tls.clone();
        async move {
            let mut stream = tls.accept(socket).await.unwrap();
            read_request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n").await;
            let _ = stream.flush().await;
            read_request(&mut stream).await;
        }
    })
    .await;
    let mut driver = Driver::with(authority.prober(), settings(&["https://1.1.1.1/"], AMPLE));
    let full = driver.order(Kind::Full, address);
    assert!(driver.success(full).await.received >= 3072);
}

#[tokio::test]
async fn a_body_that_is_cut_or_garbled_short_of_3_kb_fails() {
    for (answer, cause, text) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", Cause::Closed, "closed after 43 bytes"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", Cause::Closed, "closed after 38 bytes"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            Cause::Closed,
            "closed after 57 bytes",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello",
            Cause::Protocol,
            "malformed response: invalid chunk",
        ),
    ] {
        let mut driver = Driver::new(&[TARGET]);
        let address = http(answer).await;
        let full = driver.order(Kind::Full, address);
        driver.assert_failed(full, Stage::Http, cause, &format!("http from 1.1.1.1:80: {text}")).await;
    }
}

#[tokio::test]
async fn a_body_that_stalls_short_of_3_kb_times_out_in_http() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello",
    ] {
        let address = target(move |mut socket| async move {
            let _ = socket.write_all(answer.as_bytes()).await;
            hold(socket).await;
        })
        .await;
        let text = "http from 1.1.1.1:80: no complete response in ";
        assert_runs_out(Stage::Http, text, |timeout| async move {
            let mut driver = Driver::with(prober(), settings(&[TARGET], timeout));
            let full = driver.order(Kind::Full, address);
            let failure = driver.failure(full).await;
            let story = driver.story(full).await;
            let took = story.ended.unwrap().0.since(story.began.unwrap());
            assert!(took >= timeout * 3, "{took:?}");
            Some(failure)
        })
        .await;
    }
}

#[tokio::test]
async fn a_probe_that_is_late_is_left_running() {
    let mut timeout = Duration::from_millis(20);
    loop {
        let address = target(move |mut socket| async move {
            read_request(&mut socket).await;
            tokio::time::sleep(timeout * 3 / 2).await;
            let _ = socket.write_all(RESPONSE).await;
            hold(socket).await;
        })
        .await;
        let mut driver = Driver::with(prober(), settings(&[TARGET], timeout));
        let full = driver.order(Kind::Full, address);
        if let Ending::Success(success) = driver.ending(full).await {
            assert!(success.last.took > timeout);
            return;
        }
        // The machine was slower than the target.
        assert!(timeout < AMPLE);
        timeout *= 2;
    }
}

#[tokio::test]
async fn what_a_target_expects_is_asked_of_full_probes_only() {
    let options = TargetOptions { expect: Expect::Statuses(vec![200]), ..TargetOptions::default() };
    let target = parse(TARGET).with(options).unwrap();
    let settings = checker::Settings::new(vec![target], AMPLE).unwrap();
    let address = http("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    let mut driver = Driver::with(prober(), settings);
    let full = driver.order(Kind::Full, address);
    let text = "http from 1.1.1.1:80: status 403, which `expect` does not allow";
    driver.assert_failed(full, Stage::Http, Cause::Status(403), text).await;
    let open = driver.order(Kind::Open, address);
    let success = driver.success(open).await;
    assert_eq!(success.status, Some(403));
    assert!(success.is_blocked());
}

#[tokio::test]
async fn a_target_that_is_not_configured_is_void() {
    let mut driver = Driver::new(&[TARGET]);
    for kind in [Kind::Full, Kind::Open] {
        let probe = driver.order_with(kind, "127.0.0.1:1".parse().unwrap(), TargetId(1), None);
        assert_eq!(driver.void(probe).await, "this target is not configured");
        assert!(driver.story(probe).await.began.is_none());
    }
}

#[tokio::test]
async fn a_dropped_probe_closes_its_socket_and_dropping_all_closes_all() {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let address = server(move |mut socket| {
        let sender = sender.clone();
        async move {
            greet(&mut socket).await;
            sender.send("asked").unwrap();
            hold(socket).await;
            sender.send("closed").unwrap();
        }
    })
    .await;
    let mut driver = Driver::new(&[TARGET]);
    let full = driver.order(Kind::Full, address);
    assert_eq!(seen.recv().await, Some("asked"));
    driver.drop_probe(full);
    assert_eq!(seen.recv().await, Some("closed"));
    for kind in [Kind::Full, Kind::Open] {
        driver.order(kind, address);
        assert_eq!(seen.recv().await, Some("asked"));
    }
    drop(driver);
    assert_eq!(seen.recv().await, Some("closed"));
    assert_eq!(seen.recv().await, Some("closed"));
}

#[tokio::test]
async fn no_more_than_256_probes_are_under_way_and_all_have_their_turn() {
    let (sender, mut asked) = mpsc::unbounded_channel();
    let (release, released) = tokio::sync::watch::channel(false);
    let address = target(move |mut socket| {
        let (sender, mut released) = (sender.clone(), released.clone());
        async move {
            sender.send(()).unwrap();
            released.wait_for(|released| *released).await.unwrap();
            let _ = socket.write_all(b"hello").await;
            hold(socket).await;
        }
    })
    .await;
    let mut driver = Driver::new(&["tcp://1.1.1.1:25"]);
    allow_many_descriptors();
    for _ in 0..300 {
        driver.order(Kind::Full, address);
    }
    for _ in 0..256 {
        asked.recv().await.unwrap();
    }
    release.send(true).unwrap();
    let (mut under_way, mut ended) = (0_u32, 0);
    while ended < 300 {
        match driver.next().await.saw {
            Saw::Began => under_way += 1,
            Saw::Ended(ending) => {
                assert!(matches!(ending, Ending::Success(_)), "{ending:?}");
                under_way -= 1;
                ended += 1;
            }
            Saw::Passed(_) | Saw::Closed => {}
        }
        assert!(under_way <= 256);
    }
}

#[tokio::test]
async fn evidence_that_nobody_reads_is_waited_with_and_not_lost() {
    let mut driver = Driver::new(&[TARGET]);
    for _ in 0..5_000 {
        driver.order_with(Kind::Full, "127.0.0.1:1".parse().unwrap(), TargetId(1), None);
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 5_000 {
        seen.insert(driver.next().await.probe);
    }
}

#[tokio::test]
async fn dropping_next_loses_nothing_and_without_orders_it_waits() {
    let mut driver = Driver::new(&[TARGET]);
    let nothing = tokio::time::timeout(Duration::from_millis(20), driver.next()).await;
    assert!(nothing.is_err());
    let address = http(RESPONSE).await;
    let full = driver.order(Kind::Full, address);
    let mut seen = 0;
    while seen < 5 {
        if tokio::time::timeout(Duration::ZERO, driver.next()).await.is_ok() {
            seen += 1;
        }
        tokio::task::yield_now().await;
    }
    driver.success(full).await;
}

/// A full probe of a target that sends `answer` and then behaves as `then`.
async fn ask<F, Served>(answer: String, then: F) -> Success
where
    F: Fn(tokio::net::TcpStream) -> Served + Clone + Send + Sync + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    let address = target(move |mut socket| {
        let (answer, then) = (answer.clone(), then.clone());
        async move {
            read_request(&mut socket).await;
            let _ = socket.write_all(answer.as_bytes()).await;
            then(socket).await;
        }
    })
    .await;
    let mut driver = Driver::new(&[TARGET]);
    let full = driver.order(Kind::Full, address);
    driver.success(full).await
}

/// A target for 1.1.1.1 that speaks TLS, answers one request and stays.
async fn https(authority: &Authority, answer: &'static [u8]) -> std::net::SocketAddr {
    let tls = acceptor(authority.server("1.1.1.1"));
    target(move |socket| {
        let tls = tls.clone();
        async move {
            let Ok(mut stream) = tls.accept(socket).await else { return };
            read_request(&mut stream).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.flush().await;
            read_request(&mut stream).await;
        }
    })
    .await
}
