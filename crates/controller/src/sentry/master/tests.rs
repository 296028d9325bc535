//! The tripwire before masters that are none, that are silent, and that are replaced.

use std::time::Duration;

use failover::Event;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use super::*;

/// For a busy machine; every wait ends as soon as the thing happens.
const PATIENCE: Duration = Duration::from_secs(30);

const LIST: &[u8] =
    b"#<PID>          <type>          <reloads>\n7    master    0\n# workers\n8    worker    0\n\n";

#[tokio::test]
async fn each_closing_of_the_connection_stirs_and_the_next_one_is_made_at_once() {
    let scene = Scene::start();
    for _ in 0..3 {
        let master = scene.accept().await;
        scene.stirred().await;
        drop(master);
        scene.stirred().await;
    }
}

#[tokio::test]
async fn a_master_that_was_away_is_found_again() {
    let mut scene = Scene::start();
    drop(scene.accept().await);
    scene.stirred().await;
    scene.rebind();
    let _master = scene.accept().await;
    scene.stirred().await;
    assert!(scene.events.try_recv().is_err(), "a reload is nothing to tell");
}

#[tokio::test]
async fn a_stats_socket_is_not_held_and_what_to_do_is_said_once() {
    let mut scene = Scene::start();
    let words = b"Unknown command, but maybe one of the following ones is a better match:\n";
    let said = loop {
        tokio::select! {
            event = scene.events.recv() => break event.unwrap(),
            mut master = answer(&scene.listener, words) => {
                // It is closed by the other side.
                assert_eq!(master.read(&mut [0; 8]).await.unwrap_or_default(), 0);
            }
        }
    };
    let Event::ReloadsSuffer { why } = said else { panic!("{said}") };
    assert!(why.contains("it is no master CLI") && why.contains("name the socket behind `-S`"), "{why}");
    let stirred = timeout(Duration::from_millis(100), scene.shared.stirred.notified()).await;
    assert!(stirred.is_err(), "a stranger says nothing of reloads");
    for _ in 0..3 {
        drop(answer(&scene.listener, words).await);
    }
    assert!(scene.events.try_recv().is_err());
}

/// A socket on which a test plays the master.
struct Scene {
    dir: TempDir,
    listener: UnixListener,
    shared: Arc<Shared>,
    events: mpsc::Receiver<Event>,
}

impl Scene {
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let listener = UnixListener::bind(dir.path().join("master.sock")).unwrap();
        let (sender, events) = mpsc::channel(8);
        let shared: Arc<Shared> = Arc::default();
        shared.present.store(true, std::sync::atomic::Ordering::Relaxed);
        let voice = Voice::new(sender, Arc::clone(&shared));
        tokio::spawn(watch(dir.path().join("master.sock"), Arc::clone(&shared), voice));
        Self { dir, listener, shared, events }
    }

    fn rebind(&mut self) {
        let path = self.dir.path().join("master.sock");
        std::fs::remove_file(&path).unwrap();
        self.listener = UnixListener::bind(path).unwrap();
    }

    async fn accept(&self) -> UnixStream {
        timeout(PATIENCE, answer(&self.listener, LIST)).await.unwrap()
    }

    async fn stirred(&self) {
        timeout(PATIENCE, self.shared.stirred.notified()).await.unwrap();
    }
}

async fn answer(listener: &UnixListener, words: &[u8]) -> UnixStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut asked = [0; 10];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"show proc\n");
    stream.write_all(words).await.unwrap();
    stream
}
