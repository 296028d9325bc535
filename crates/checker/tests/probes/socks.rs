//! The stages tcp, greeting and connect: every way in which a SOCKS5 server can fail a probe.

use std::net::SocketAddr;
use std::time::Duration;

use failover::{Cause, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;

use crate::fakes::*;

const TARGET: &str = "http://1.1.1.1/";
const BANNER: [Stage; 4] = [Stage::Tcp, Stage::Greeting, Stage::Connect, Stage::Banner];

#[tokio::test]
async fn a_closed_port_refuses() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let text = format!("tcp connect to {address}: connection refused");
    assert_failed(&probe(address, TARGET, AMPLE).await, Stage::Tcp, Cause::Refused, &text);
}

#[tokio::test]
async fn a_full_backlog_does_not_answer() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(queued)) = tokio::time::timeout(BRIEF, TcpStream::connect(address)).await {
        waiting.push(queued);
    }
    let text = format!("tcp connect to {address}: no answer in ");
    assert_times_out(address, TARGET, Stage::Tcp, &text).await;
}

#[tokio::test]
async fn a_mute_server_times_out_in_the_greeting() {
    let address = server(hold).await;
    assert_times_out(address, TARGET, Stage::Greeting, "greeting: no answer in ").await;
}

#[tokio::test]
async fn a_server_that_dribbles_times_out_in_its_stage() {
    let address = server(|mut socket| async move {
        let _ = socket.write_all(&[5]).await;
        hold(socket).await;
    })
    .await;
    assert_times_out(address, TARGET, Stage::Greeting, "greeting: no answer in ").await;
}

#[tokio::test]
async fn an_unanswered_connect_times_out_in_connect() {
    let address = server(|mut socket| async move {
        greet(&mut socket).await;
        hold(socket).await;
    })
    .await;
    let text = "connect to 1.1.1.1:443: no reply in ";
    assert_times_out(address, "https://1.1.1.1/", Stage::Connect, text).await;
}

#[tokio::test]
async fn malformed_greetings_are_told_apart() {
    for (bytes, cause, text) in [
        (&[4, 0][..], Cause::Protocol, "greeting: the server does not speak SOCKS5 (version 4)"),
        (b"HTTP/1.1 400 Bad", Cause::Protocol, "greeting: the server does not speak SOCKS5 (version 72)"),
        (&[5, 0xff], Cause::Auth, "greeting: the SOCKS server wants another authentication (method 0xff)"),
        (&[5, 2], Cause::Auth, "greeting: the SOCKS server wants a user and a password (method 0x02)"),
        (
            &[5, 1],
            Cause::Auth,
            "greeting: the SOCKS server chose a method that was not offered (method 0x01)",
        ),
    ] {
        let address = says(bytes, &[]).await;
        assert_failed(&probe(address, TARGET, AMPLE).await, Stage::Greeting, cause, text);
    }
}

#[tokio::test]
async fn malformed_replies_are_told_apart() {
    for (bytes, text) in [
        (&[4, 0, 0, 1][..], "connect to 1.1.1.1:80: the server does not speak SOCKS5 (version 4)"),
        (&[5, 0, 7, 1], "connect to 1.1.1.1:80: malformed reply of the SOCKS server (reserved byte 0x07)"),
        (&[5, 0, 0, 9], "connect to 1.1.1.1:80: malformed reply of the SOCKS server (address type 9)"),
    ] {
        let address = says(&METHOD, bytes).await;
        assert_failed(&probe(address, TARGET, AMPLE).await, Stage::Connect, Cause::Protocol, text);
    }
}

#[tokio::test]
async fn every_reply_code_is_kept_and_named() {
    for (code, words) in [
        (1, "general SOCKS server failure"),
        (2, "connection not allowed by ruleset"),
        (3, "network unreachable"),
        (4, "host unreachable"),
        (5, "connection refused"),
        (6, "TTL expired"),
        (7, "command not supported"),
        (8, "address type not supported"),
        (9, "unknown reason"),
        (255, "unknown reason"),
    ] {
        let address = says(&METHOD, &[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        let text = format!("connect to 1.1.1.1:80: refused by the SOCKS server: {words} (reply {code})");
        let outcome = probe(address, TARGET, AMPLE).await;
        assert_failed(&outcome, Stage::Connect, Cause::Reply(code), &text);
    }
}

#[tokio::test]
async fn an_endless_greeting_is_cut_short() {
    for flood in [&[5, 0][..], &[5], &[0]] {
        let flood = flood.to_vec();
        let address = server(move |mut socket| {
            let flood = flood.repeat(1000);
            async move { while socket.write_all(&flood).await.is_ok() {} }
        })
        .await;
        let outcome = probe(address, TARGET, AMPLE).await;
        let found = failure(&outcome);
        assert!(matches!(found.cause, Cause::Protocol | Cause::Auth | Cause::Closed), "{found:?}");
    }
}

#[tokio::test]
async fn a_close_at_any_byte_names_the_stage_and_the_byte() {
    let whole = [METHOD.as_slice(), &SUCCESS].concat();
    for cut in 0..whole.len() {
        let address = says(&METHOD[..cut.min(2)], &SUCCESS[..cut.saturating_sub(2)]).await;
        let (stage, place, count) = match cut {
            0 | 1 => (Stage::Greeting, "greeting", cut),
            _ => (Stage::Connect, "connect to 1.1.1.1:80", cut - 2),
        };
        let bytes = if count == 1 { "byte" } else { "bytes" };
        let text = format!("{place}: closed after {count} {bytes}");
        assert_failed(&probe(address, TARGET, AMPLE).await, stage, Cause::Closed, &text);
    }
}

#[tokio::test]
async fn a_reset_at_any_byte_names_the_stage() {
    for cut in 0..METHOD.len() + SUCCESS.len() {
        let address = server(move |mut socket| async move {
            read_greeting(&mut socket).await;
            let _ = socket.write_all(&METHOD[..cut.min(2)]).await;
            if cut >= 2 {
                read_connect(&mut socket).await;
                let _ = socket.write_all(&SUCCESS[..cut - 2]).await;
            }
            socket.set_zero_linger().unwrap();
        })
        .await;
        let outcome = probe(address, TARGET, AMPLE).await;
        let stage = if cut < 2 { Stage::Greeting } else { Stage::Connect };
        let found = failure(&outcome);
        assert_eq!((found.stage, found.cause), (stage, Cause::Closed), "{found}");
        assert!(found.text.contains("reset after "), "{found}");
    }
}

#[tokio::test]
async fn a_server_may_send_one_byte_at_a_time() {
    let address = server(|mut socket| async move {
        read_greeting(&mut socket).await;
        dribble(&mut socket, &METHOD).await;
        read_connect(&mut socket).await;
        dribble(&mut socket, &SUCCESS).await;
        dribble(&mut socket, b"220 hello").await;
    })
    .await;
    assert_passed(&probe(address, "tcp://1.1.1.1:25", AMPLE).await, &BANNER);
}

#[tokio::test]
async fn bytes_behind_a_reply_of_any_form_belong_to_the_target() {
    let name = [[5, 0, 0, 3, 255].as_slice(), &[b'n'; 257]].concat();
    let v6 = [[5, 0, 0, 4].as_slice(), &[0; 18]].concat();
    for reply in [SUCCESS.to_vec(), name, v6, vec![5, 0, 0, 3, 0, 0, 0]] {
        let passing = says(&METHOD, &[reply.as_slice(), b"!"].concat()).await;
        assert_passed(&probe(passing, "tcp://1.1.1.1:25", AMPLE).await, &BANNER);
        let failing = says(&METHOD, &reply).await;
        let text = "banner from 1.1.1.1:25: closed after 0 bytes";
        let outcome = probe(failing, "tcp://1.1.1.1:25", AMPLE).await;
        assert_failed(&outcome, Stage::Banner, Cause::Closed, text);
    }
}

#[tokio::test]
async fn addresses_and_names_reach_the_server_as_such() {
    let (sender, mut requests) = mpsc::unbounded_channel();
    let address = server(move |mut socket| {
        let sender = sender.clone();
        async move {
            let request = accept(&mut socket).await.unwrap();
            sender.send(request).unwrap();
            socket.write_all(b"hello").await.unwrap();
        }
    })
    .await;
    let long = format!("{}.example", ["l".repeat(60), "m".repeat(60), "n".repeat(60)].join("."));
    for (host, encoded) in [
        ("192.0.2.1", vec![1, 192, 0, 2, 1]),
        ("[2001:db8::1]", [[4, 0x20, 1, 0xd, 0xb8].as_slice(), &[0; 11], &[1]].concat()),
        ("dead.example", [[3, 12].as_slice(), b"dead.example"].concat()),
        (&long, [[3, u8::try_from(long.len()).unwrap()].as_slice(), long.as_bytes()].concat()),
    ] {
        let outcome = probe(address, &format!("tcp://{host}:8080"), AMPLE).await;
        assert_passed(&outcome, &BANNER);
        let request = [[5, 1, 0].as_slice(), &encoded, &8080_u16.to_be_bytes()].concat();
        assert_eq!(requests.recv().await.unwrap(), request, "{host}");
    }
}

#[tokio::test]
async fn a_server_on_ipv6_is_asked_as_well() {
    let address = server_on("[::1]:0", |mut socket| async move {
        accept(&mut socket).await;
        let _ = socket.write_all(b"hello").await;
    })
    .await;
    assert_passed(&probe(address, "tcp://1.1.1.1:25", AMPLE).await, &BANNER);
}

#[tokio::test]
async fn a_login_is_made_where_the_server_wants_it() {
    let address = wants_login(b"\x01\x02me\x04hush").await;
    let target = parse("tcp://1.1.1.1:25");
    let right = prober().probe(&with_login(address, "me", "hush"), &target, AMPLE).await;
    assert_passed(&right, &BANNER);
    let wrong = prober().probe(&with_login(address, "me", "hash"), &target, AMPLE).await;
    let text = "greeting: the SOCKS server refused user and password (status 1)";
    assert_failed(&wrong, Stage::Greeting, Cause::Auth, text);
    let without = prober().probe(&upstream(address), &target, AMPLE).await;
    let text = "greeting: the SOCKS server wants another authentication (method 0xff)";
    assert_failed(&without, Stage::Greeting, Cause::Auth, text);
}

#[tokio::test]
async fn credentials_stay_unsent_where_the_server_wants_none() {
    let address = server(|mut socket| async move {
        assert_eq!(read_greeting(&mut socket).await.unwrap(), [0, 2]);
        let _ = socket.write_all(&METHOD).await;
        read_connect(&mut socket).await;
        let _ = socket.write_all(&SUCCESS).await;
        let _ = socket.write_all(b"hello").await;
    })
    .await;
    let outcome = prober().probe(&with_login(address, "me", "hush"), &parse("tcp://1.1.1.1:25"), AMPLE).await;
    assert_passed(&outcome, &BANNER);
}

#[tokio::test]
async fn a_login_that_breaks_off_is_a_failed_greeting() {
    for (answer, cause) in [(&[][..], Cause::Closed), (&[1], Cause::Closed), (&[5, 0], Cause::Protocol)] {
        let answer = answer.to_vec();
        let address = server(move |mut socket| {
            let answer = answer.clone();
            async move {
                read_greeting(&mut socket).await;
                let _ = socket.write_all(&[5, 2]).await;
                read(&mut socket, 9).await;
                let _ = socket.write_all(&answer).await;
            }
        })
        .await;
        let login = with_login(address, "me", "hush");
        let outcome = prober().probe(&login, &parse(TARGET), AMPLE).await;
        let found = failure(&outcome);
        assert_eq!((found.stage, found.cause), (Stage::Greeting, cause), "{found}");
        assert!(!found.text.contains("hush"), "{found}");
    }
}

#[tokio::test]
async fn dropping_a_probe_closes_its_socket() {
    let (sender, mut closed) = mpsc::unbounded_channel();
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
    let probing = tokio::spawn(async move { probe(address, TARGET, AMPLE).await });
    assert_eq!(closed.recv().await, Some("asked"));
    probing.abort();
    assert_eq!(closed.recv().await, Some("closed"));
}

/// A server that answers the greeting with `method`, the request with `reply`, and closes.
async fn says(method: &[u8], reply: &[u8]) -> SocketAddr {
    let (method, reply) = (method.to_vec(), reply.to_vec());
    server(move |mut socket| {
        let (method, reply) = (method.clone(), reply.clone());
        async move {
            read_greeting(&mut socket).await;
            let _ = socket.write_all(&method).await;
            if method == METHOD {
                read_connect(&mut socket).await;
                let _ = socket.write_all(&reply).await;
            }
            let _ = socket.shutdown().await;
            hold(socket).await;
        }
    })
    .await
}

/// A server that takes only this login message.
async fn wants_login(message: &'static [u8]) -> SocketAddr {
    server(move |mut socket| async move {
        if read_greeting(&mut socket).await.unwrap() != [0, 2] {
            let _ = socket.write_all(&[5, 0xff]).await;
            return hold(socket).await;
        }
        let _ = socket.write_all(&[5, 2]).await;
        let mut login = vec![0; message.len()];
        socket.read_exact(&mut login).await.unwrap();
        if login != message {
            let _ = socket.write_all(&[1, 1]).await;
            return hold(socket).await;
        }
        let _ = socket.write_all(&[1, 0]).await;
        read_connect(&mut socket).await;
        let _ = socket.write_all(&SUCCESS).await;
        let _ = socket.write_all(b"hello").await;
    })
    .await
}

async fn dribble(socket: &mut TcpStream, bytes: &[u8]) {
    socket.set_nodelay(true).unwrap();
    for byte in bytes {
        let _ = socket.write_all(&[*byte]).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
