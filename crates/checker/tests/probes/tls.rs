//! The stage tls, and http behind it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use checker::TargetOptions;
use failover::{Cause, Stage};
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::AsyncWriteExt;

use crate::certificates::{Authority, acceptor};
use crate::fakes::*;

const HTTPS: [Stage; 5] = [Stage::Tcp, Stage::Greeting, Stage::Connect, Stage::Tls, Stage::Http];

#[tokio::test]
async fn a_certificate_for_the_address_or_the_name_passes() {
    let authority = Authority::new();
    for (target, name) in [
        ("https://1.1.1.1/", "1.1.1.1"),
        ("https://[2001:db8::1]/", "2001:db8::1"),
        ("https://one.example/", "one.example"),
    ] {
        let address = https(authority.server(name), RESPONSE).await;
        assert_passed(&authority.prober().probe(&upstream(address), &parse(target), AMPLE).await, &HTTPS);
    }
}

#[tokio::test]
async fn sni_replaces_the_name_that_is_verified() {
    let authority = Authority::new();
    let address = https(authority.server("one.example"), RESPONSE).await;
    let with_sni = |name: &str| {
        let options = TargetOptions { sni: Some(name.into()), ..TargetOptions::default() };
        parse("https://1.1.1.1/").with(options).unwrap()
    };
    let right = authority.prober().probe(&upstream(address), &with_sni("one.example"), AMPLE).await;
    assert_passed(&right, &HTTPS);
    let wrong = authority.prober().probe(&upstream(address), &with_sni("two.example"), AMPLE).await;
    let text = "tls with two.example: certificate is not for two.example";
    assert_failed(&wrong, Stage::Tls, Cause::Certificate, text);
}

#[tokio::test]
async fn certificates_that_do_not_verify_fail_in_tls() {
    let (known, stranger) = (Authority::new(), Authority::named("stranger"));
    for (config, text) in [
        (known.server_valid("1.1.1.1", 2010, 2020), "certificate has expired"),
        (known.server_valid("1.1.1.1", 3000, 4000), "certificate is not valid yet"),
        (known.server("8.8.8.8"), "certificate is not for 1.1.1.1"),
        (known.server("one.example"), "certificate is not for 1.1.1.1"),
        (stranger.server("1.1.1.1"), "certificate is signed by an unknown authority"),
        (Authority::new().server("1.1.1.1"), "certificate is not signed by whom it names"),
    ] {
        let address = https(config, RESPONSE).await;
        let outcome = known.prober().probe(&upstream(address), &parse("https://1.1.1.1/"), AMPLE).await;
        let text = format!("tls with 1.1.1.1: {text}");
        assert_failed(&outcome, Stage::Tls, Cause::Certificate, &text);
    }
}

#[tokio::test]
async fn what_is_not_tls_fails_in_tls() {
    let address = target(|mut socket| async move {
        let _ = socket.write_all(RESPONSE).await;
        hold(socket).await;
    })
    .await;
    let outcome = probe(address, "https://1.1.1.1/", AMPLE).await;
    assert_failed(&outcome, Stage::Tls, Cause::Protocol, "tls with 1.1.1.1: what came is not TLS");
}

#[tokio::test]
async fn a_refused_handshake_names_the_alert() {
    let authority = Authority::new();
    let mut config = authority.server("1.1.1.1");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let address = https(config, RESPONSE).await;
    let outcome = authority.prober().probe(&upstream(address), &parse("https://1.1.1.1/"), AMPLE).await;
    let text = "tls with 1.1.1.1: the target refused the handshake (NoApplicationProtocol)";
    assert_failed(&outcome, Stage::Tls, Cause::Protocol, text);
}

#[tokio::test]
async fn a_close_inside_tls_is_a_failed_http() {
    let authority = Authority::new();
    let address = https(authority.server("1.1.1.1"), b"HTTP/1.1 200").await;
    let outcome = authority.prober().probe(&upstream(address), &parse("https://1.1.1.1/"), AMPLE).await;
    let text = "http from 1.1.1.1:443: closed after 12 bytes";
    assert_failed(&outcome, Stage::Http, Cause::Closed, text);
}

#[tokio::test]
async fn every_probe_moves_the_whole_certificate_chain() {
    let authority = Authority::new();
    let tls = acceptor(authority.server("1.1.1.1"));
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&kinds);
    let address = target(move |socket| {
        let (tls, seen) = (tls.clone(), Arc::clone(&seen));
        async move {
            let mut stream = tls.accept(socket).await.unwrap();
            read_request(&mut stream).await;
            seen.lock().unwrap().push(stream.get_ref().1.handshake_kind());
            let _ = stream.write_all(RESPONSE).await;
        }
    })
    .await;
    let prober = authority.prober();
    for _ in 0..3 {
        let outcome = prober.clone().probe(&upstream(address), &parse("https://1.1.1.1/"), AMPLE).await;
        assert_passed(&outcome, &HTTPS);
    }
    assert_eq!(*kinds.lock().unwrap(), [Some(HandshakeKind::Full); 3]);
}

/// A target that speaks TLS, reads a request, sends `answer` and closes.
async fn https(config: ServerConfig, answer: &'static [u8]) -> SocketAddr {
    let tls = acceptor(config);
    target(move |socket| {
        let tls = tls.clone();
        async move {
            // The prober hangs up on a certificate that it does not trust.
            let Ok(mut stream) = tls.accept(socket).await else { return };
            read_request(&mut stream).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}
