//! What is seen of a file, and of its directory.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;

/// For a busy machine; every wait ends as soon as the thing happens.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_socket_that_is_moved_into_place_stirs_and_its_neighbours_do_not() {
    let scene = Scene::start(Watched::socket).await;
    fs::write(scene.path("other"), "").unwrap();
    fs::rename(scene.path("other"), scene.path("another")).unwrap();
    scene.silent().await;
    fs::write(scene.path("admin.sock.7.tmp"), "").unwrap();
    fs::rename(scene.path("admin.sock.7.tmp"), scene.path("file")).unwrap();
    scene.stirred().await;
}

#[tokio::test]
async fn a_state_file_that_is_read_stirs_and_one_that_is_replaced_does_not() {
    let scene = Scene::start(Watched::state_file).await;
    fs::write(scene.path("file.new"), "1\n").unwrap();
    fs::rename(scene.path("file.new"), scene.path("file")).unwrap();
    scene.silent().await;
    assert_eq!(fs::read(scene.path("file")).unwrap(), b"1\n");
    scene.stirred().await;
}

#[tokio::test]
async fn a_directory_that_is_made_anew_is_watched_again() {
    let scene = Scene::start(Watched::socket).await;
    fs::remove_dir_all(scene.dir.path()).unwrap();
    fs::create_dir(scene.dir.path()).unwrap();
    scene.stirred().await;
    fs::write(scene.path("file"), "").unwrap();
    scene.stirred().await;
}

#[test]
fn a_failure_says_what_it_costs_and_what_to_do() {
    let watched = Watched::socket(Path::new("/run/haproxy/admin.sock")).unwrap();
    let text = said(&watched, &io::Error::from(io::ErrorKind::PermissionDenied));
    assert!(text.starts_with("the stats socket cannot be watched: permission denied;"), "{text}");
    assert!(text.ends_with("let hactl's user read the directory /run/haproxy"), "{text}");
    assert_eq!(Watched::socket(Path::new("admin.sock")).unwrap().directory(), Path::new("."));
    assert!(Watched::socket(Path::new("/")).is_none());
}

struct Scene {
    dir: TempDir,
    shared: Arc<Shared>,
}

impl Scene {
    /// Returns when the file `file` is watched.
    async fn start(watched: fn(&Path) -> Option<Watched>) -> Self {
        let dir = TempDir::new().unwrap();
        let shared: Arc<Shared> = Arc::default();
        // The receiver is gone at once: nothing is said in these tests.
        let voice = Voice::new(mpsc::channel(1).0, Arc::clone(&shared));
        let watched = watched(&dir.path().join("file")).unwrap();
        tokio::spawn(watch(watched, Arc::clone(&shared), voice));
        let scene = Self { dir, shared };
        scene.stirred().await;
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn stirred(&self) {
        timeout(PATIENCE, self.shared.stirred.notified()).await.unwrap();
    }

    /// Nothing stirs; a wrong one may be missed on a busy machine, a right one is never called wrong.
    async fn silent(&self) {
        assert!(timeout(Duration::from_millis(50), self.shared.stirred.notified()).await.is_err());
    }
}
