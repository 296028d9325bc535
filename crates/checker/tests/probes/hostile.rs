//! Arbitrary bytes where an answer is expected: each probe ends, accuses only the target and leaves nothing mixed up.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use failover::{Cause, Ending, Kind, ProbeId, Stage, TargetId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;

use crate::fakes::*;
use crate::orders::*;

const TARGETS: [&str; 3] = ["http://1.1.1.1/", "https://1.1.1.1/", "tcp://1.1.1.1:25"];

#[test]
fn full_probes_survive_arbitrary_answers() {
    let runtime = Runtime::new().unwrap();
    let answer = Answer::default();
    let address = runtime.block_on(answers_once(answer.clone()));
    let driver = RefCell::new(Driver::new(&TARGETS));
    let input = (answers(), 0..3_u16, prop::sample::select(vec![Kind::Full, Kind::Open]));
    let result = runner().run(&input, |(bytes, target, kind)| {
        answer.set(bytes);
        let mut driver = driver.borrow_mut();
        let _guard = runtime.enter();
        let probe = driver.order_with(kind, address, TargetId(target), None);
        let ending = runtime.block_on(driver.ending(probe));
        prop_assert!(is_fair(&ending, Stage::Connect), "{:?}", ending);
        driver.drop_probe(probe);
        Ok(())
    });
    result.unwrap();
}

#[test]
fn servers_may_send_arbitrary_bytes_from_the_start() {
    let runtime = Runtime::new().unwrap();
    let answer = Answer::default();
    let address = runtime.block_on(says_at_once(answer.clone()));
    let driver = RefCell::new(Driver::new(&TARGETS));
    let prefix = prop::sample::select(vec![&[][..], &[5, 0], &[5, 0, 5, 0, 0], &[5, 0, 5, 0, 0, 3]]);
    let input = (prefix, prop::collection::vec(any::<u8>(), 0..300), 0..3_u16);
    let result = runner().run(&input, |(prefix, bytes, target)| {
        answer.set([prefix, &bytes].concat());
        let mut driver = driver.borrow_mut();
        let _guard = runtime.enter();
        let probe = driver.order_with(Kind::Full, address, TargetId(target), None);
        let ending = runtime.block_on(driver.ending(probe));
        prop_assert!(is_fair(&ending, Stage::Tcp), "{:?}", ending);
        Ok(())
    });
    result.unwrap();
}

#[test]
fn canaries_survive_arbitrary_answers() {
    let runtime = Runtime::new().unwrap();
    let answer = Answer::default();
    let address = runtime.block_on(answers_twice(answer.clone()));
    let driver = RefCell::new(Driver::new(&TARGETS));
    let result = runner().run(&answers(), |bytes| {
        answer.set(bytes);
        let mut driver = driver.borrow_mut();
        runtime.block_on(async {
            let open = driver.open(address).await;
            let canary = driver.canary(open);
            let ending = driver.ending(canary).await;
            prop_assert!(is_fair(&ending, Stage::Tls), "{:?}", ending);
            if matches!(ending, Ending::Success(success) if success.kept) {
                // The target closes behind its second answer.
                driver.closed(open).await;
            } else {
                driver.assert_gone_unannounced(open).await;
            }
            assert_refused(&mut driver, open).await;
            Ok(())
        })
    });
    result.unwrap();
}

/// Bytes that are more or less like an answer.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let beginning = prop::sample::select(vec![
        "",
        "HTTP/1.1 ",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
        "\x16\x03\x03",
    ]);
    let rest = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        prop::collection::vec(prop::sample::select(b"0123456789abcdef\r\n\r\n;: ,".to_vec()), 0..80),
        prop::collection::vec(any::<u8>(), 4_000..5_000),
    ];
    (beginning, rest).prop_map(|(beginning, rest)| [beginning.as_bytes(), &rest].concat())
}

/// A success or a failure beyond `behind` that is the target's doing, in words fit to print. Never the fault of this
/// host, and never a matter of time, because the target closes.
fn is_fair(ending: &Ending, behind: Stage) -> bool {
    match ending {
        Ending::Success(success) => success.last.stage > behind,
        Ending::Failed(failure) => {
            let is_fit = failure.text.chars().count() <= 200 && !failure.text.chars().any(char::is_control);
            is_fit && failure.stage > behind && failure.cause != Cause::Timeout
        }
        Ending::Void(_) => false,
    }
}

async fn assert_refused(driver: &mut Driver, open: ProbeId) {
    let canary = driver.canary(open);
    assert_eq!(driver.failure(canary).await.text, "http from 1.1.1.1:80: the kept connection is closed");
}

fn runner() -> TestRunner {
    // Each case is a connection.
    TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(256) })
}

/// What the target says next.
#[derive(Clone, Default)]
struct Answer(Arc<Mutex<Vec<u8>>>);

impl Answer {
    fn set(&self, bytes: Vec<u8>) {
        *self.0.lock().unwrap() = bytes;
    }

    fn get(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

async fn answers_once(answer: Answer) -> SocketAddr {
    target(move |mut socket| {
        let bytes = answer.get();
        async move {
            let _ = socket.write_all(&bytes).await;
            let _ = socket.shutdown().await;
            hold(socket).await;
        }
    })
    .await
}

async fn answers_twice(answer: Answer) -> SocketAddr {
    target(move |mut socket| {
        let bytes = answer.get();
        async move {
            read_request(&mut socket).await;
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            read_request(&mut socket).await;
            let _ = socket.write_all(&bytes).await;
            let _ = socket.shutdown().await;
            hold(socket).await;
        }
    })
    .await
}

async fn says_at_once(answer: Answer) -> SocketAddr {
    server(move |mut socket| {
        let bytes = answer.get();
        async move {
            let _ = socket.write_all(&bytes).await;
            let _ = socket.shutdown().await;
            hold(socket).await;
        }
    })
    .await
}
