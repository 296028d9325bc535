//! The stream over a real socket and on a virtual clock, with a decision loop that counts how often it is asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::*;
use crate::admin::tests::{front, nothing, reach};
use crate::admin::{AdminSocket, bind, serve};
use crate::engine::Query as Asked;
use crate::feed::Stir;
use crate::fleet::Whole;

#[tokio::test(start_paused = true)]
async fn who_follows_is_told_at_once_on_every_change_and_otherwise_each_interval() {
    let scene = Scene::start().await;
    let start = Instant::now();
    let mut follower = scene.follow("?interval_ms=5000").await;
    assert!(!follower.next().await.config_stale);
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());

    assert!(!follower.next().await.config_stale);
    let told = start.elapsed();
    assert!((5000..5200).contains(&told.as_millis()), "{told:?}");

    // What changes nothing is told to nobody; what changes something, to everybody.
    scene.stir.stir();
    sleep(Duration::from_secs(1)).await;
    let mut other = scene.follow("").await;
    other.next().await;
    let changed = Instant::now();
    scene.whole.send_modify(|whole| whole.config_stale = true);
    assert!(follower.next().await.config_stale);
    assert!(changed.elapsed() < Duration::from_millis(200), "{:?}", changed.elapsed());
    while !other.next().await.config_stale {}
}

#[tokio::test(start_paused = true)]
async fn the_decision_loop_is_asked_only_while_somebody_follows_and_once_for_all() {
    let scene = Scene::start().await;
    for _ in 0..100 {
        scene.stir.stir();
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(scene.asked(), 0);

    let mut followers = Vec::new();
    for _ in 0..10 {
        followers.push(scene.follow("?interval_ms=1000").await);
    }
    for follower in &mut followers {
        follower.next().await;
    }
    for _ in 0..1000 {
        scene.stir.stir();
        sleep(Duration::from_millis(10)).await;
    }
    let asked = scene.asked();
    assert!((10..=220).contains(&asked), "asked {asked} times in 10 s, at most every 50 ms");

    drop(followers);
    sleep(Duration::from_secs(20)).await;
    let asked = scene.asked();
    sleep(Duration::from_secs(20)).await;
    assert_eq!(scene.asked(), asked, "nobody follows any more");
}

#[tokio::test(start_paused = true)]
async fn a_stream_outlasts_other_connections_but_not_a_reader_that_has_stopped() {
    let scene = Scene::start().await;
    let mut follower = scene.follow("?interval_ms=60000").await;
    for _ in 0..5 {
        follower.next().await;
    }
    drop(follower);

    let deaf = scene.follow("?interval_ms=200").await;
    let start = Instant::now();
    let mut asked = 0;
    // As long as there is room on the way, nobody can tell; after that its time runs out.
    while asked != scene.asked() {
        assert!(start.elapsed() < Duration::from_secs(6000), "it is told for ever");
        asked = scene.asked();
        sleep(Duration::from_secs(60)).await;
    }
    drop(deaf);
}

#[tokio::test(start_paused = true)]
async fn an_interval_that_cannot_be_is_refused() {
    let scene = Scene::start().await;
    for (query, text) in [
        ("?interval_ms=199", "interval_ms is out of range; from 200 to 60000 is allowed"),
        ("?interval_ms=60001", "out of range"),
        ("?interval_ms=x", "invalid digit"),
        ("?every=1", "unknown field `every`"),
    ] {
        let mut stream = scene.follow(query).await;
        let mut answer = String::new();
        timeout(PATIENCE, stream.0.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(text), "{query}: {answer}");
        assert!(answer.contains(r#"{"error":{"message":"#), "{answer}");
    }
}

/// What is promised to happen has happened within this of virtual time, or the test has failed.
const PATIENCE: Duration = Duration::from_secs(600);

struct Scene {
    path: PathBuf,
    asked: Arc<AtomicUsize>,
    whole: watch::Sender<Whole>,
    stir: Stir,
    _dir: TempDir,
    _socket: AdminSocket,
}

impl Scene {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("h.sock");
        let socket = bind(&path).await.unwrap();
        let (queries, mut questions) = mpsc::channel::<Asked>(8);
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Some(question) = questions.recv().await {
                if let Asked::Status(answer) = question {
                    counted.fetch_add(1, Ordering::Relaxed);
                    drop(answer.send(nothing("a")));
                }
            }
        });
        let listener = socket.listener().unwrap();
        let (sender, whole) = watch::channel(Whole::default());
        let stir = Stir::default();
        let feed = Feed::new(stir.clone(), watch::channel(Known::default()).1);
        let (front, requests) = front([reach("a", Vec::new(), queries)].into());
        let front = Front { whole: whole.clone(), feed: feed.clone(), ..front };
        tokio::spawn(feed.run(front.reached.clone(), whole));
        tokio::spawn(async move {
            let _requests = requests;
            serve(listener, front).await;
        });
        Self { path, asked, whole: sender, stir, _dir: dir, _socket: socket }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    async fn follow(&self, query: &str) -> Follow {
        let mut stream = UnixStream::connect(&self.path).await.unwrap();
        let request = format!("GET {STATUS_STREAM_PATH}{query} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Follow(stream, String::new())
    }
}

struct Follow(UnixStream, String);

impl Follow {
    /// Waits for the next status.
    async fn next(&mut self) -> Status {
        loop {
            if let Some((message, rest)) = self.1.split_once("\r\n\r\n").or_else(|| self.1.split_once("\n\n"))
            {
                let data = message.split_once("event: status\ndata: ").map(|(_, data)| data.to_owned());
                self.1 = rest.to_owned();
                match data {
                    Some(data) => return serde_json::from_str(&data).unwrap(),
                    None => continue,
                }
            }
            let mut bytes = [0; 4096];
            let length = timeout(PATIENCE, self.0.read(&mut bytes)).await.unwrap().unwrap();
            assert!(length > 0, "the stream has ended after {:?}", self.1);
            self.1.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        }
    }
}
