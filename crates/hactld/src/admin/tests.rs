//! The admin socket over a real one: whose it is, what it answers, and clients that mean it no good.

use failover::status::{Context, PauseStatus, Status};
use failover::{
    Core, FailBackError, Name, Observed, Outcome, OverrideRefusal, ProbeRefusal, ServerId, Settings, Time,
};
use haproxy_runtime::Address;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::seats::CLIENTS_MAX;
use super::*;
use crate::config::Flags;
use crate::engine::{FailedBack, Hastened, OrderQuery, Query};
use crate::feed::Stir;
use crate::fleet::{Change, REQUESTS_WAITING_MAX, Reach};
use crate::metrics::{Exposition, Sample};

/// What is promised to happen has happened within this, or the test has failed. The clock is a virtual one.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn the_status_is_json_and_whoever_asks_for_something_else_is_told_where_it_is() {
    let scene = Scene::start().await;
    let (head, body) = scene.get(STATUS_PATH).await;
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-type: application/json"),
        "{head}"
    );
    let status: Status = serde_json::from_str(&body).unwrap();
    assert_eq!((status.api_version.as_str(), status.exit_code), ("hactl/v1", 3));

    let (head, body) = scene.get("/healthz").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(body, "ok\n");

    let (head, body) = scene.get("/").await;
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    assert_eq!(body, r#"{"error":{"message":"no such path; see /api/v1/status"}}"#);
    let reply = scene.say(b"POST /api/v1/status HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 405 "), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn metrics_are_classic_text_unless_open_metrics_are_asked_for() {
    let scene = Scene::start().await;
    let (head, body) = scene.get("/metrics").await;
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(
        body.contains("# TYPE hactl_haproxy_reloads_total counter\nhactl_haproxy_reloads_total 0\n"),
        "{body}"
    );
    assert!(!body.contains("# EOF"), "{body}");

    let request =
        b"GET /metrics HTTP/1.1\r\nhost: hactl\r\naccept: application/openmetrics-text;version=1.0.0,\
        text/plain;q=0.5\r\n\r\n";
    let reply = scene.say(request).await;
    assert!(reply.contains("content-type: application/openmetrics-text; version=1.0.0"), "{reply}");
    assert!(
        reply.contains("# TYPE hactl_haproxy_reloads counter\nhactl_haproxy_reloads_total 0\n"),
        "{reply}"
    );
    assert!(reply.ends_with("# EOF\n"), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn several_instances_are_one_status() {
    let scene = Scene::of(&["a", "b"]).await;
    let status: Status = serde_json::from_str(&scene.get(STATUS_PATH).await.1).unwrap();
    let names: Vec<&str> = status.instances.iter().map(|instance| instance.name.as_str()).collect();
    assert_eq!((status.instance.as_str(), names), ("a", vec!["a", "b"]));
}

#[tokio::test]
async fn user_and_group_may_connect_and_nobody_else() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("deep").join("h.sock");
    let _socket = bind(&path).await.unwrap();
    assert_eq!(mode(&path), 0o660);
    assert_eq!(mode(&dir.path().join("deep")) & !0o750, 0);
    assert_eq!(mode(&dir.path().join("deep").join("h.sock.lock")) & !0o640, 0);
}

#[tokio::test]
async fn a_lock_file_that_is_a_link_is_refused_and_what_it_leads_to_is_left_as_it_is() {
    let dir = TempDir::new().unwrap();
    let (victim, link) = (dir.path().join("victim"), dir.path().join("h.sock.lock"));
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, &link).unwrap();
    let error = bind(&dir.path().join("h.sock")).await.err().unwrap();
    assert_eq!(error.to_string(), format!("the lock file {} is a symbolic link", link.display()));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
}

#[tokio::test]
async fn a_second_hactl_is_told_who_holds_the_socket() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("h.sock");
    let first = bind(&path).await.unwrap();
    let error = bind(&path).await.err().unwrap();
    let expected = format!("another hactl (pid {}) already serves {}", std::process::id(), path.display());
    assert_eq!(error.to_string(), expected);
    assert!(path.exists(), "the loser leaves the winner's socket alone");

    drop(first);
    assert!(!path.exists(), "the file goes with its socket");
    assert!(
        dir.path().join("h.sock.lock").exists(),
        "the lock's file stays: removing it would race with a start"
    );
    bind(&path).await.unwrap();
}

#[tokio::test]
async fn a_lock_file_with_nonsense_in_it_still_locks() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("h.sock");
    let first = bind(&path).await.unwrap();
    std::fs::write(dir.path().join("h.sock.lock"), b"\xff\x1b[2J").unwrap();
    let error = bind(&path).await.err().unwrap();
    assert_eq!(error.to_string(), format!("another hactl already serves {}", path.display()));
    drop(first);
}

#[tokio::test]
async fn the_socket_of_a_crashed_hactl_is_replaced() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("h.sock");
    drop(StdListener::bind(&path).unwrap());
    assert!(path.exists());
    let socket = bind(&path).await.unwrap();
    UnixStream::connect(&path).await.unwrap();
    drop(socket);
}

#[tokio::test]
async fn the_socket_of_another_program_is_left_to_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("admin.sock");
    let haproxy = StdListener::bind(&path).unwrap();
    let error = bind(&path).await.err().unwrap();
    assert_eq!(error.to_string(), format!("something that is not hactl listens on {}", path.display()));
    UnixStream::connect(&path).await.unwrap();
    drop(haproxy);
}

#[tokio::test]
async fn what_is_not_a_socket_is_left_where_it_is() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for path in [&file, &link] {
        let error = bind(path).await.err().unwrap();
        assert_eq!(error.to_string(), format!("{} is there already and is not a socket", path.display()));
    }
    assert_eq!(std::fs::read_to_string(&link).unwrap(), "precious");
}

#[tokio::test]
async fn a_place_that_cannot_be_had_is_named_with_the_systems_reason() {
    let dir = TempDir::new().unwrap();
    let deep = dir.path().join("missing").join("deep").join("h.sock");
    let error = bind(&deep).await.err().unwrap();
    assert_eq!(error.to_string(), format!("cannot make the socket {}", deep.display()));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "No such file or directory (os error 2)");
    let error = bind(&dir.path().join("x".repeat(120))).await.err().unwrap();
    assert!(matches!(error, AdminError::Io { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn hostile_clients_are_cut_off_while_an_honest_one_is_served() {
    let scene = Scene::start().await;
    let mut silent = scene.connect().await;
    let mut unfinished = scene.connect().await;
    unfinished.write_all(b"GET /api/v1/status HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut gone = scene.connect().await;
    gone.write_all(b"GET /api").await.unwrap();
    drop(gone);
    let mut deaf = scene.connect().await;
    deaf.write_all(format!("GET {STATUS_PATH} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();

    assert!(scene.get(STATUS_PATH).await.0.starts_with("HTTP/1.1 200 "));
    let garbage = scene.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").await;
    assert!(garbage.starts_with("HTTP/1.1 400 "), "{garbage}");
    let head = [b"GET / HTTP/1.1\r\n".as_slice(), &b"x: ".repeat(BUFFER_MAX)].concat();
    let endless = scene.say(&head).await;
    assert!(endless.starts_with("HTTP/1.1 431 "), "{endless}");
    let many = [b"GET / HTTP/1.1\r\n".as_slice(), &b"a: b\r\n".repeat(1000), b"\r\n"].concat();
    assert!(scene.say(&many).await.starts_with("HTTP/1.1 431 "));
    let line = scene.say(&b"a".repeat(4 * BUFFER_MAX)).await;
    assert!(line.starts_with("HTTP/1.1 4"), "{line}");

    // Each of these ends by our own limits: the test's clock runs only where nothing else does.
    let start = tokio::time::Instant::now();
    for slow in [&mut silent, &mut unfinished] {
        let mut rest = Vec::new();
        timeout(PATIENCE, slow.read_to_end(&mut rest)).await.unwrap().ok();
        assert!(start.elapsed() <= CONNECTION_LIMIT);
    }
    assert!(scene.get(STATUS_PATH).await.0.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn where_all_places_are_taken_an_honest_client_is_served_at_once() {
    let scene = Scene::start().await;
    let mut silent = Vec::new();
    for _ in 0..2 * CLIENTS_MAX {
        silent.push(scene.connect().await);
    }
    let start = tokio::time::Instant::now();
    assert!(scene.get(STATUS_PATH).await.0.starts_with("HTTP/1.1 200 "));
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody's time had to run out");
}

#[tokio::test(start_paused = true)]
async fn a_pause_needs_a_reason_and_is_done_in_the_name_of_who_asked() {
    let scene = Scene::start().await;
    let (head, body) = scene.post(PAUSE_PATH, r#"{"reason":" moving wg1 ","for_seconds":60}"#).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head} {body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["paused"]["reason"], &body["paused"]["until"]), (&"moving wg1".into(), &"60".into()));
    assert!(body["paused"]["by"].as_str().unwrap().contains("uid "), "{body}");
    for (request, text) in [
        (r#"{"reason":"  "}"#.to_owned(), "needs a reason"),
        (r#"{"reason":"x","for_seconds":0}"#.to_owned(), "out of range; from 1 to 2592000"),
        (r#"{"reason":"x","for":1}"#.to_owned(), "unknown field `for`"),
        (format!(r#"{{"reason":"{}"}}"#, "x".repeat(201)), "more than 200 characters"),
        (format!(r#"{{"reason":"{}"}}"#, "x".repeat(5000)), "length limit exceeded"),
        ("\u{1b}".to_owned(), "no such request"),
    ] {
        let (head, body) = scene.post(PAUSE_PATH, &request).await;
        assert!(head.starts_with("HTTP/1.1 400 ") && body.contains(text), "{head} {body}");
    }
    let (_, body) = scene.post(RESUME_PATH, "").await;
    assert!(body.contains(r#""was_paused":false"#), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_backend_is_sent_back_by_its_name_and_one_of_two_by_that_of_its_instance_too() {
    let scene = Scene::of(&["a", "b"]).await;
    for (name, code, text) in [
        ("a", 200, r#""action":"failback","servers":[{"instance":"a","backend":"a","server":"wg1","#),
        ("b:shared", 200, r#""instance":"b","backend":"shared","#),
        ("b:shared", 200, r#""confirmed":false,"why":"not seen"}],"#),
        ("a:quiet", 200, r#""exit_code":0,"action":"failback","servers":[]"#),
        ("a:never", 409, r#"failback = \"never\""#),
        ("shared", 409, "`shared` may be any of a:shared, b:shared: name one of these"),
        (
            "c:shared",
            404,
            "hactl steers no backend `c:shared`; did you mean `shared`?   known: shared, a, never,",
        ),
        ("%1b%5b2J%2f", 404, r"no backend `\u001b[2J/`"),
        ("%ff", 400, ""),
        ("", 404, "no such path"),
    ] {
        let (head, body) = scene.post(&format!("{FAILBACK_PATH}/{name}"), "").await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {code} ")) && body.contains(text),
            "{name}: {head} {body}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_is_probed_on_demand_and_not_twice_at_once() {
    let scene = Scene::of(&["a", "b"]).await;
    for (name, code, text) in [
        ("a/wg1", 200, r#""asked":true,"backend":"a","instance":"a""#),
        ("a:quiet/wg1", 200, r#""why":"it is being probed already""#),
        ("a/wg9", 404, "hactl steers no server a/wg9"),
        ("c/wg1", 404, "hactl steers no backend `c`"),
    ] {
        let (head, body) = scene.post(&format!("{PROBE_PATH}/{name}"), "").await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {code} ")) && body.contains(text),
            "{name}: {head} {body}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_cannot_be_taken_in_is_answered_with_what_is_wrong() {
    let scene = Scene::of(&["a", "b"]).await;
    let whole = r#""state":"maint","reason":"x","for_seconds":60"#;
    let table = [
        (format!(r#"{{"servers":["a/wg1"],{whole}}}"#), 503, "was not seen in HAProxy yet"),
        (format!(r#"{{"servers":["aa/wg1"],{whole}}}"#), 404, "hactl steers no backend `aa`"),
        (format!(r#"{{"servers":["shared/wg1"],{whole}}}"#), 409, "name one of these"),
        (format!(r#"{{"servers":["wg1"],{whole}}}"#), 400, "a server is written BACKEND/SERVER"),
        (format!(r#"{{"servers":[],{whole}}}"#), 400, "name at least one of `servers`"),
        (r#"{"servers":["a/wg1"],"state":"maint"}"#.to_owned(), 400, "it needs a `reason`"),
        (r#"{"servers":["a/wg1"],"state":"up"}"#.to_owned(), 400, "unknown variant `up`"),
        ("maint".to_owned(), 400, "no such request"),
    ];
    for (body, code, expected) in table {
        let (head, answer) = scene.post(OVERRIDE_PATH, &body).await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {code} ")) && answer.contains(expected),
            "{head}{answer}"
        );
    }
    let (head, answer) = scene.post(OVERRIDE_PATH, r#"{"all":true,"state":"auto"}"#).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && answer.contains(r#""servers":[]"#), "{head}{answer}");
    let (head, answer) = scene.post(PIN_PATH, "{}").await;
    assert!(
        head.starts_with("HTTP/1.1 400 ") && answer.contains("or a backend to `unpin`"),
        "{head}{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_decision_loop_that_does_not_answer_is_told_and_nobody_waits_for_ever() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("h.sock");
    let socket = bind(&path).await.unwrap();
    let (sender, mut queries) = mpsc::channel(1);
    let (front, _asked) = front([reach("a", Vec::new(), sender)].into());
    tokio::spawn(serve(socket.listener().unwrap(), front));
    let scene = Scene { path, _dir: dir, _socket: socket };

    // Those who ask at the same time are answered together.
    let (first, second) = tokio::join!(scene.get(STATUS_PATH), scene.get(STATUS_PATH));
    for body in [first.1, second.1] {
        assert!(body.contains("the decision loop of a did not answer in 2 s"), "{body}");
    }
    assert!(scene.get(STATUS_PATH).await.1.contains("too many ask at once; ask again"));
    drop(queries.recv().await);
    queries.close();
    let (head, _) = scene.get(STATUS_PATH).await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
}

/// A served socket, with a decision loop behind it that answers at once.
struct Scene {
    path: PathBuf,
    _dir: TempDir,
    _socket: AdminSocket,
}

impl Scene {
    async fn start() -> Self {
        Self::of(&["7891"]).await
    }

    /// Of several instances.
    async fn of(names: &[&'static str]) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("h.sock");
        let socket = bind(&path).await.unwrap();
        let reaches = names.iter().copied().map(|name| {
            let (queries, mut asked) = mpsc::channel::<Query>(8);
            tokio::spawn(async move {
                while let Some(query) = asked.recv().await {
                    match query {
                        Query::Status(answer) => drop(answer.send(nothing(name))),
                        Query::Metrics(answer) => {
                            drop(answer.send(Box::new(Sample::uncounted(nothing(name)))));
                        }
                        Query::FailBack { backend, done, .. } => drop(done.send(failed_back(backend))),
                        Query::Probe { server, done } => drop(done.send(probed(server))),
                        Query::Order(query) => unseen(query),
                        Query::Explain(why) => drop(why.answer.send(None)),
                    }
                }
            });
            let backends = ["shared", name, "never", "quiet"].map(Name::from).to_vec();
            reach(name, backends, queries)
        });
        let (front, mut asked) = front(reaches.collect());
        tokio::spawn(serve(socket.listener().unwrap(), front));
        tokio::spawn(async move {
            while let Some(Request { by, what }) = asked.recv().await {
                match what {
                    Change::Configure(..) | Change::Start(_) => {
                        panic!("a configuration that is not there cannot be used")
                    }
                    Change::Resume(answer) => answer.send(false).unwrap(),
                    Change::Pause { reason, lasts, done } => {
                        let until = lasts.map(|lasts| lasts.as_secs().to_string());
                        done.send(PauseStatus { by, reason, since: String::new(), until }).unwrap();
                    }
                }
            }
        });
        Self { path, _dir: dir, _socket: socket }
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).await.unwrap()
    }

    /// Head and body of the answer.
    async fn get(&self, path: &str) -> (String, String) {
        let answer = self.say(format!("GET {path} HTTP/1.1\r\nhost: hactl\r\n\r\n").as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        (head.to_owned(), body.to_owned())
    }

    async fn post(&self, path: &str, body: &str) -> (String, String) {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: hactl\r\ncontent-length: {length}\r\n\r\n");
        let answer = self.say(format!("{head}{body}").as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        (head.to_owned(), body.to_owned())
    }

    /// All that comes back, to the end of the connection.
    async fn say(&self, bytes: &[u8]) -> String {
        let (mut read, mut write) = self.connect().await.into_split();
        // They may have answered and closed before they have read it all.
        let said = async { write.write_all(bytes).await.ok() };
        let mut answer = Vec::new();
        let heard =
            async { while let Ok(1..) = timeout(PATIENCE, read.read_buf(&mut answer)).await.unwrap() {} };
        tokio::join!(said, heard);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Behind which requests are read by the test.
pub(super) fn front(reached: Reached) -> (Front, mpsc::Receiver<Request>) {
    let (requests, asked) = mpsc::channel(REQUESTS_WAITING_MAX);
    let reached = watch::channel(reached).1;
    let front = Front {
        journal: Journal::new(),
        reached: reached.clone(),
        whole: watch::channel(Whole::default()).1,
        feed: Feed::new(Stir::default(), watch::channel(Known::default()).1),
        requests: requests.clone(),
        exits: watch::channel(Known::default()).1,
        exposition: Exposition::default(),
        socket: None,
        reloader: Reloader::new(Flags::default(), "hactl.sock".into(), reached, requests),
    };
    (front, asked)
}

/// Of `never` and `quiet` nothing goes back.
fn failed_back(backend: Name) -> FailedBack {
    let to = match backend.as_str() {
        "never" => Err(FailBackError::Never(backend)),
        "quiet" => Err(FailBackError::NothingWaits(backend)),
        _ => Ok(vec![Name::from("wg1")]),
    };
    FailedBack { to, since: Time::ZERO }
}

/// `wg1` alone is there, and a backend that is quiet is being probed.
fn probed(server: ServerId) -> Result<Hastened, ProbeRefusal> {
    match (server.backend.as_str(), server.server.as_str()) {
        ("quiet", "wg1") => Ok(Hastened::UnderWay),
        (_, "wg1") => Ok(Hastened::Asked),
        _ => Err(ProbeRefusal::UnknownServer(server)),
    }
}

/// As long as HAProxy was not seen, nothing can be ordered.
fn unseen(query: OrderQuery) {
    match query {
        OrderQuery::Order { done, .. } => {
            drop(done.send(Err(OverrideRefusal::UnseenBackend(Name::from("shared")))));
        }
        OrderQuery::Outcomes { servers, done, .. } => {
            drop(done.send(vec![Outcome::Stuck("not seen".to_owned()); servers.len()]));
        }
        OrderQuery::Ordered(done) => drop(done.send(Vec::new())),
    }
}

pub(super) fn reach(name: &str, backends: Vec<Name>, queries: mpsc::Sender<Query>) -> Reach {
    let place = format!("/run/{name}.sock");
    Reach { name: Name::from(name), haproxy: Address::Unix(place.clone().into()), place, backends, queries }
}

pub(super) fn nothing(instance: &str) -> Status {
    let context = Context {
        version: "0",
        node: "node",
        instance,
        socket: "/run/haproxy/admin.sock",
        now: Time::ZERO,
        unix_now: 0,
        unkept: None,
        unwritten: None,
        wall: &|_| "2026-01-01T00:00:00.000Z".to_owned(),
    };
    Core::new(Settings::new(Vec::new())).status(&Observed::nothing(), &context)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
