//! What is written, over what, and what is said where it cannot be.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use failover::{Admin, Balance, Name, ObservedBackend, ObservedServer, Operational, Owner, ServerId};
use tempfile::TempDir;

use super::rows::{Facts, HEAD};
use super::*;

#[tokio::test]
async fn only_what_hactl_holds_out_has_a_row_and_none_says_more_than_that() {
    let mut scene = Scene::new();
    let observed = observed(&[
        ("wg1", Admin::Maint, Owner::Ours),
        ("wg2", Admin::Maint, Owner::Theirs),
        ("warp", Admin::Ready, Owner::Ours),
        ("drained", Admin::Drain, Owner::Ours),
        ("named", Admin::Maint, Owner::Ours),
    ]);
    scene.keep(&observed, &[]).await;
    let rows = "3 b 1 wg1 - 0 1 1 1 3600 1 0 0 0 0 0 0 hactl 18181 _hactl\n\
        3 b 4 drained - 2 8 1 1 3600 1 0 0 0 0 0 0 hactl 18184 _hactl\n";
    assert_eq!(scene.content(), format!("{HEAD}{rows}"));
    assert_eq!(scene.said(), None);
}

#[tokio::test]
async fn it_is_written_for_what_the_commands_are_about_to_do() {
    let mut scene = Scene::new();
    let observed = observed(&[
        ("wg1", Admin::Ready, Owner::Ours),
        ("wg2", Admin::Maint, Owner::Ours),
        ("warp", Admin::Ready, Owner::Ours),
    ]);
    let step = |name: &str, set| Step { server: ServerId::new("b", name), set, why: None };
    scene.keep(&observed, &[step("wg1", Admin::Maint), step("wg2", Admin::Ready)]).await;
    assert_eq!(scene.held_out(), ["wg1"]);
    scene.keep(&observed, &[]).await;
    assert_eq!(scene.held_out(), ["wg2"]);
}

#[tokio::test]
async fn a_server_that_the_configuration_leaves_out_has_no_row() {
    let mut scene = Scene::new();
    let mut observed = observed(&[("wg1", Admin::Maint, Owner::Ours)]);
    for server in observed.backends.values_mut().flat_map(|backend| &mut backend.servers) {
        server.managed = false;
    }
    scene.keep(&observed, &[]).await;
    assert_eq!(scene.content(), HEAD);
}

#[tokio::test]
async fn the_file_is_for_haproxy_to_read_and_is_replaced_only_when_it_changes() {
    let mut scene = Scene::new();
    let maint = observed(&[("wg1", Admin::Maint, Owner::Ours)]);
    scene.keep(&maint, &[]).await;
    let first = fs::metadata(&scene.path).unwrap();
    assert_eq!(first.permissions().mode() & 0o777, 0o644);
    scene.keep(&maint, &[]).await;
    assert_eq!(fs::metadata(&scene.path).unwrap().ino(), first.ino());
    assert_eq!(fs::read_dir(scene.dir.path()).unwrap().count(), 1, "nothing is left beside it");
    fs::remove_file(&scene.path).unwrap();
    scene.keep(&maint, &[]).await;
    assert_eq!(scene.held_out(), ["wg1"], "whoever removes it gets it back");
}

#[tokio::test]
async fn the_file_of_an_earlier_run_is_taken_over_and_an_empty_one_too() {
    for content in ["", HEAD, &format!("{HEAD}3 b 2 wg2 - 0 1 1 1 0 1 0 0 0 0 0 0 hactl 1 _hactl\n")] {
        let mut scene = Scene::new();
        fs::write(&scene.path, content).unwrap();
        scene.keep(&observed(&[("wg1", Admin::Maint, Owner::Ours)]), &[]).await;
        assert_eq!((scene.held_out(), scene.said()), (vec!["wg1".to_owned()], None), "{content:?}");
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_is_left_alone_and_said_once() {
    let theirs =
        "1\n# be_id be_name srv_id\n3 b 1 wg1 127.0.0.1 2 0 1 1 0 6 3 4 6 0 0 0 - 18181 - 0 0 - - 0\n";
    let mut scene = Scene::new();
    let maint = observed(&[("wg1", Admin::Maint, Owner::Ours)]);
    scene.keep(&maint, &[]).await;
    fs::write(&scene.path, theirs).unwrap();
    for _ in 0..3 {
        scene.keep(&maint, &[]).await;
        assert_eq!(scene.content(), theirs);
    }
    let said = scene.said().unwrap();
    assert!(
        said.contains("somebody else wrote it") && said.contains("give hactl a file of its own"),
        "{said}"
    );
    assert_eq!(scene.said(), None);
    fs::remove_file(&scene.path).unwrap();
    scene.keep(&maint, &[]).await;
    assert_eq!(scene.held_out(), ["wg1"]);
    fs::write(&scene.path, theirs).unwrap();
    scene.keep(&maint, &[]).await;
    assert!(scene.said().is_some(), "it worked in between");
}

#[tokio::test]
async fn what_is_no_file_or_has_no_directory_is_said_and_nothing_is_done_to_it() {
    let mut scene = Scene::new();
    let elsewhere = scene.dir.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, &scene.path).unwrap();
    scene.keep(&observed(&[]), &[]).await;
    assert!(scene.said().unwrap().contains("no regular file"));
    assert!(!elsewhere.exists());

    let mut scene = Scene::new();
    scene.file = StateFile::new(scene.dir.path().join("none/state"));
    scene.keep(&observed(&[]), &[]).await;
    let said = scene.said().unwrap();
    assert!(said.contains("No such file or directory") && said.contains("make its directory"), "{said}");
}

#[tokio::test]
async fn a_haproxy_that_does_not_load_the_file_is_said_once_with_the_lines_to_write() {
    let mut scene = Scene::new();
    let forgotten = observed(&[("wg1", Admin::Ready, Owner::Ours)]);
    let kept = observed(&[("wg1", Admin::Maint, Owner::Ours)]);
    scene.check(&forgotten).await;
    scene.keep(&kept, &[]).await;
    scene.check(&forgotten).await;
    assert_eq!(scene.said(), None, "it may have been read before it was written");
    for _ in 0..2 {
        scene.file.changed = Instant::now() - READ_WITHIN;
        scene.check(&forgotten).await;
        scene.check(&forgotten).await;
        let said = scene.said().unwrap();
        assert!(said.contains("in which b/wg1 is out; write `server-state-file /"), "{said}");
        assert_eq!(scene.said(), None);
        scene.check(&kept).await;
    }
}

#[tokio::test]
async fn a_write_that_the_disk_holds_back_is_not_overtaken() {
    let mut scene = Scene::new();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let path = scene.path.clone();
    scene.file.under_way = Some(tokio::task::spawn_blocking(move || {
        let _ = wait.recv();
        (String::new(), disk::put(&path, "", &Known::default(), false))
    }));
    let maint = observed(&[("wg1", Admin::Maint, Owner::Ours)]);
    scene.keep(&maint, &[]).await;
    assert!(scene.said().unwrap().contains("the disk does not answer"));
    assert!(!scene.path.exists());
    go.send(()).unwrap();
    while !scene.path.exists() || scene.held_out() != ["wg1"] {
        scene.keep(&maint, &[]).await;
    }
}

/// Those that HAProxy has by address; `named` is not among them.
const SERVERS: [&str; 4] = ["wg1", "wg2", "warp", "drained"];

struct Scene {
    dir: TempDir,
    path: PathBuf,
    file: StateFile,
    sender: mpsc::Sender<Event>,
    events: mpsc::Receiver<Event>,
}

impl Scene {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("hactl.state");
        let mut file = StateFile::new(path.clone());
        file.rows.servers = (1..).zip(SERVERS).map(|(srv_id, name)| facts(srv_id, name)).collect();
        let (sender, events) = mpsc::channel(8);
        Self { dir, path, file, sender, events }
    }

    async fn keep(&mut self, observed: &Observed, steps: &[Step]) {
        self.file.keep(observed, steps, &self.sender).await;
    }

    async fn check(&mut self, observed: &Observed) {
        self.file.check(observed, &self.sender).await;
    }

    fn content(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn held_out(&self) -> Vec<String> {
        let content = self.content();
        let rows = content.lines().skip(1).filter(|line| !line.starts_with('#'));
        rows.map(|row| row.split(' ').nth(3).unwrap().to_owned()).collect()
    }

    fn said(&mut self) -> Option<String> {
        self.events.try_recv().ok().map(|event| event.to_string())
    }
}

fn facts(srv_id: u16, name: &str) -> (ServerId, Facts) {
    (ServerId::new("b", name), Facts { be_id: 3, srv_id: srv_id.into(), port: 18180 + srv_id })
}

fn observed(servers: &[(&str, Admin, Owner)]) -> Observed {
    let server = |(name, admin, owner): &(&str, Admin, Owner)| ObservedServer {
        name: Name::from(*name),
        address: None,
        backup: false,
        admin: *admin,
        owner: *owner,
        reopened: false,
        agent: None,
        tracks: None,
        flags: Vec::new(),
        operational: Operational::Running,
        weight: 1,
        busy: false,
        managed: true,
    };
    let backend = ObservedBackend { balance: Balance::First, servers: servers.iter().map(server).collect() };
    Observed { backends: BTreeMap::from([(Name::from("b"), backend)]), ..Observed::nothing() }
}
