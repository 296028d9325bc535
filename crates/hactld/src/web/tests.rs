//! The listener over real sockets: whom it answers, what it never does, and clients that mean it no good.

use failover::Name;
use failover::status::Status;
use haproxy_runtime::Address;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::*;
use crate::config::Flags;
use crate::engine::Query;
use crate::exits::Known;
use crate::feed::{Feed, Stir};
use crate::fleet::{Reach, Whole};
use crate::journal::Journal;
use crate::metrics::Exposition;
use crate::reload::Reloader;

/// What is promised to happen has happened within this, or the test has failed. The clock is a virtual one.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn every_answer_tells_the_browser_to_keep_to_itself() {
    let scene = Scene::start(page::tests::well()).await;
    for path in ["/", "/api/v1/status", "/healthz", "/readyz", "/nothing", "/live"] {
        let head = scene.head(path).await;
        for line in [
            "content-security-policy: default-src 'none'; script-src 'sha256-",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(head.contains(line), "{path}: {head}");
        }
        assert!(!head.contains("unsafe") && !head.contains("access-control"), "{path}: {head}");
    }
    assert!(scene.head("/").await.contains("content-type: text/html; charset=utf-8"));
    assert!(scene.head("/nothing").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test(start_paused = true)]
async fn nothing_but_reading_is_answered() {
    let scene = Scene::start(page::tests::well()).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"] {
        for path in ["/", "/api/v1/status", "/api/v1/pause", "/nothing"] {
            let answer = scene.say(&format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
            let refused = answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET, HEAD");
            // To CONNECT belongs an address, not a path: that is no request at all.
            assert!(
                refused || (method == "CONNECT" && answer.starts_with("HTTP/1.1 400 ")),
                "{method} {path}: {answer}"
            );
        }
    }
    for changing in ["reload", "pause", "resume", "failback/b", "override", "pin"] {
        let answer = scene.get(&format!("/api/v1/{changing}")).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{changing}: {answer}");
    }
    let answer = scene.say("HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn it_answers_to_its_own_names_and_to_no_other() {
    let scene = Scene::start(page::tests::well()).await;
    for host in
        ["localhost", "LocalHost:8080", "127.0.0.1:9778", "[::1]:9778", "10.0.0.7", "hactl.example.net:80"]
    {
        let answer = scene.say(&format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{host}: {answer}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "x@localhost",
        "127.0.0.1.evil.example",
        "9778",
        "localhost.",
    ] {
        let answer = scene.say(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 421 "), "{host}: {answer}");
        assert!(answer.contains("next: allow it in hactl.toml: [web] hosts = "), "{answer}");
    }
    for (request, code) in [
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: a b\r\n\r\n", 400),
        ("GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", 421),
        ("GET http://localhost/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
    ] {
        let answer = scene.say(request).await;
        assert_eq!(answer.split(' ').nth(1), Some(code.to_string().as_str()), "{request}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn ready_is_who_reaches_haproxy_and_has_judged() {
    let ready = |status| async move {
        let answer = Scene::start(status).await.get("/readyz").await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
    };
    assert_eq!(ready(page::tests::well()).await, ("200".to_owned(), "ready\n".to_owned()));
    let mut away = page::tests::well();
    away.instances[0].haproxy.answering = false;
    away.instances[0].problems = vec!["HAProxy does not answer: \u{1b}[2J".to_owned()];
    let (code, body) = ready(away).await;
    assert_eq!(
        (code.as_str(), body.as_str()),
        ("503", "not ready: 7891: HAProxy does not answer: \\u{1b}[2J\n")
    );
    let mut unjudged = page::tests::well();
    for server in &mut unjudged.backends[0].servers {
        server.health = Some(failover::Verdict::Unknown);
    }
    assert_eq!(ready(unjudged).await.1, "not ready: no server of socks_back_7891 has a verdict yet\n");
}

#[tokio::test(start_paused = true)]
async fn the_page_comes_whole_and_then_again_when_something_of_weight_is_another() {
    let scene = Scene::start(page::tests::well()).await;
    let page = scene.get("/").await;
    assert!(
        page.contains("<title>✓ All is well · gw1</title>") && page.trim_end().ends_with("</html>"),
        "{page}"
    );

    let mut live = scene.connect().await;
    live.write_all(b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut heard = String::new();
    hear(&mut live, &mut heard, "All is well").await;
    assert!(
        heard.contains("content-type: text/event-stream") && heard.contains("event: page\ndata: <main "),
        "{heard}"
    );
    let start = Instant::now();
    scene.status.send_replace(page::tests::down());
    hear(&mut live, &mut heard, "socks_back_7891 is down").await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_much_or_says_nothing_keeps_nobody_else_waiting() {
    let scene = Scene::start(page::tests::well()).await;
    let mut follower = scene.connect().await;
    follower.write_all(b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    hear(&mut follower, &mut String::new(), "All is well").await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(scene.connect().await);
    }
    let start = Instant::now();
    assert!(scene.get("/healthz").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody's time had to run out");
    hear(&mut follower, &mut String::new(), "All is well").await;

    let mut rest = Vec::new();
    timeout(PATIENCE, silent.pop().unwrap().read_to_end(&mut rest)).await.unwrap().ok();
    assert!(start.elapsed() <= Duration::from_secs(10), "who says nothing is cut off");
    let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    assert!(scene.say(&head).await.starts_with("HTTP/1.1 431 "));
    let asked = scene.asked.borrow().to_owned();
    for _ in 0..50 {
        assert!(scene.get("/").await.starts_with("HTTP/1.1 200 "));
    }
    let more = *scene.asked.borrow() - asked;
    assert!(more <= 2, "the decision loop was asked {more} times for pages of one moment");
}

/// A served listener, with a decision loop behind it that answers with what the test wants.
struct Scene {
    addr: SocketAddr,
    status: watch::Sender<Status>,
    /// How often the loop was asked.
    asked: watch::Receiver<u32>,
    _requests: mpsc::Receiver<crate::fleet::Request>,
}

impl Scene {
    async fn start(status: Status) -> Self {
        let loopback: SocketAddr = ([127, 0, 0, 1], 0).into();
        let hosts = vec!["hactl.example.net".to_owned()];
        let web = bind(&Web { listen: loopback, hosts }).unwrap();
        let addr = web.listener.local_addr().unwrap();
        let (status, answers) = watch::channel(status);
        let (queries, mut asked) = mpsc::channel::<Query>(8);
        let (count, counted) = watch::channel(0);
        tokio::spawn(async move {
            while let Some(query) = asked.recv().await {
                count.send_modify(|count| *count += 1);
                if let Query::Status(answer) = query {
                    drop(answer.send(answers.borrow().clone()));
                }
            }
        });
        let (place, backends) = ("/run/haproxy.sock".to_owned(), vec![Name::from("socks_back_7891")]);
        let haproxy = Address::Unix(place.clone().into());
        let reached =
            watch::channel([Reach { name: Name::from("7891"), backends, haproxy, place, queries }].into()).1;
        let (requests, _requests) = mpsc::channel(1);
        let front = Front {
            journal: Journal::new(),
            reached: reached.clone(),
            whole: watch::channel(Whole::default()).1,
            requests: requests.clone(),
            exits: watch::channel(Known::default()).1,
            exposition: Exposition::default(),
            socket: None,
            reloader: Reloader::new(Flags::default(), "hactl.sock".into(), reached, requests),
            feed: Feed::new(Stir::default(), watch::channel(Known::default()).1),
        };
        let listener = TcpListener::from_std(web.listener).unwrap();
        tokio::spawn(serve(listener, web.hosts, front));
        Self { addr, status, asked: counted, _requests }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    async fn get(&self, path: &str) -> String {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await
    }

    /// Of the answer to GET, without waiting for its end.
    async fn head(&self, path: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        let mut heard = String::new();
        hear(&mut stream, &mut heard, "\r\n\r\n").await;
        heard.split_once("\r\n\r\n").unwrap().0.to_owned()
    }

    /// All that comes back, to the end of the connection.
    async fn say(&self, text: &str) -> String {
        let (mut read, mut write) = self.connect().await.into_split();
        // They may have answered and closed before they have read it all.
        let said = async { write.write_all(text.as_bytes()).await.ok() };
        let mut answer = Vec::new();
        let heard =
            async { while let Ok(1..) = timeout(PATIENCE, read.read_buf(&mut answer)).await.unwrap() {} };
        tokio::join!(said, heard);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Reads on until `text` has come.
async fn hear(stream: &mut TcpStream, heard: &mut String, text: &str) {
    let mut bytes = Vec::new();
    while !heard.contains(text) {
        bytes.clear();
        let read = timeout(PATIENCE, stream.read_buf(&mut bytes)).await.unwrap().unwrap();
        assert!(read > 0, "it ended before `{text}`: {heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes));
    }
}
