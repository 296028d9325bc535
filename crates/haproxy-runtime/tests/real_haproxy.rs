//! The client against a real HAProxy. `HAPROXY_BIN` names another binary than the one in `PATH`.

use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::time::{Duration, Instant};

use haproxy_runtime::{
    Address, AdminState, BackendName, CallError, Client, Command, CommandError, ExchangeError, Level, Limits,
    OpState, Phase, Reply, ServerPath, StatKind, StatRow, Weight, batches,
};
use tempfile::TempDir;

/// How long HAProxy may take to listen, and a reply to come, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn state_and_weight_are_set_and_read_back() {
    let haproxy = Haproxy::start().await;
    let client = haproxy.client("admin");
    let (wg1, wg2): (ServerPath, ServerPath) = ("back/wg1".parse().unwrap(), "back/wg2".parse().unwrap());
    client.set_server_state(&wg1, AdminState::Maint).await.unwrap();
    client.set_server_state(&wg2, AdminState::Drain).await.unwrap();
    let weight = Command::SetServerWeight { server: wg2.clone(), weight: Weight::try_from(7).unwrap() };
    let kill = Command::ShutdownSessionsServer(wg1.clone());
    assert_eq!(client.exchange(&[weight, kill]).await.unwrap(), [Ok(Reply::Done), Ok(Reply::Done)]);

    let state = client.servers_state(Some(&wg1.backend)).await.unwrap();
    assert_eq!(state.rejected, []);
    let [first, second, third] = &state.rows[..] else { panic!("{state:?}") };
    assert_eq!(
        (first.path(), first.srv_admin_state.bits() & 0x23, first.srv_op_state),
        (wg1.clone(), 1, OpState::Stopped)
    );
    assert_eq!((second.path(), second.srv_admin_state.bits() & 0x18, second.srv_uweight), (wg2, 8, 7));
    assert_eq!((third.srv_admin_state.bits(), third.srv_addr.as_str(), third.srv_port), (5, "127.0.0.1", 3));

    client.set_server_state(&wg1, AdminState::Ready).await.unwrap();
    let state = client.servers_state(Some(&wg1.backend)).await.unwrap();
    assert_eq!((state.rows[0].srv_admin_state.bits(), state.rows[0].srv_op_state), (0, OpState::Running));
}

#[tokio::test]
async fn one_exchange_asks_everything_and_tcp_reaches_the_same_process() {
    let haproxy = Haproxy::start().await;
    let commands = [
        Command::ShowInfo,
        Command::ShowVersion,
        Command::ShowCliLevel,
        Command::ShowBackend,
        Command::ShowStat,
        Command::ShowServersState(None),
    ];
    for client in [haproxy.client("admin"), haproxy.tcp_client()] {
        let replies: Vec<_> =
            client.exchange(&commands).await.unwrap().into_iter().map(Result::unwrap).collect();
        let [
            Reply::Info(info),
            Reply::Version(version),
            Reply::Level(level),
            Reply::Backends(backends),
            Reply::Stat(stat),
            Reply::ServersState(state),
        ] = &replies[..]
        else {
            panic!("{replies:?}")
        };
        assert_eq!((info.pid, info.stopping), (haproxy.process.id(), false));
        assert!(info.start_time_sec.is_some());
        assert_eq!((info.version.as_str(), *level), (version.as_str(), Level::Admin));
        let names: Vec<_> = backends.iter().map(BackendName::as_str).collect();
        assert_eq!(names, ["back", "live", "many"]);
        assert_eq!((stat.rejected.len(), state.rejected.len()), (0, 0));
        let servers = stat.rows.iter().filter(|row| row.kind == StatKind::Server).count();
        assert_eq!(servers, state.rows.len());
    }
}

#[tokio::test]
async fn show_stat_can_be_narrowed_to_one_backend_with_its_servers() {
    let haproxy = Haproxy::start().await;
    let client = haproxy.client("operator");
    let state = client.servers_state(Some(&"back".parse().unwrap())).await.unwrap();
    let command = Command::ShowStatProxy { proxy_id: state.rows[0].be_id };
    let reply = client.exchange(&[command]).await.unwrap().remove(0).unwrap();
    let Reply::Stat(stat) = reply else { panic!("{reply:?}") };
    let names: Vec<_> = stat.rows.iter().map(|row| row.svname.as_str()).collect();
    assert_eq!(names, ["wg1", "wg2", "warp", "BACKEND"]);
    assert_eq!((stat.rows[0].addr.as_deref(), stat.rows[0].bck), (Some("127.0.0.1:1"), Some(0)));
    assert_eq!((stat.rows[2].status.as_str(), stat.rows[2].bck), ("MAINT", Some(1)));

    let nobody = client.exchange(&[Command::ShowStatProxy { proxy_id: 9999 }]).await.unwrap();
    assert!(matches!(&nobody[0], Ok(Reply::Stat(stat)) if stat.rows.is_empty()));
}

#[tokio::test]
async fn sessions_on_the_servers_of_one_proxy_are_counted_at_any_level() {
    let haproxy = Haproxy::start().await;
    let client = haproxy.client("user");
    let upstream = UnixListener::bind(haproxy.socket("one")).unwrap();
    assert_eq!(live_sessions(&client).await, [("one".to_owned(), 0, 0), ("two".to_owned(), 0, 0)]);

    let session = UnixStream::connect(haproxy.socket("live")).unwrap();
    let accepted = upstream.accept().unwrap();
    assert_eq!(live_sessions(&client).await, [("one".to_owned(), 1, 1), ("two".to_owned(), 0, 0)]);

    drop((session, accepted));
    let ended = Instant::now();
    while live_sessions(&client).await[0] != ("one".to_owned(), 0, 1) {
        assert!(ended.elapsed() < PATIENCE, "the session does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn lower_levels_read_but_may_not_change() {
    let haproxy = Haproxy::start().await;
    for (name, level) in [("user", Level::User), ("operator", Level::Operator)] {
        let client = haproxy.client(name);
        let set = Command::SetServerState { server: "back/wg1".parse().unwrap(), state: AdminState::Maint };
        let kill = Command::ShutdownSessionsServer("back/wg1".parse().unwrap());
        let replies = client.exchange(&[Command::ShowCliLevel, set, kill, Command::ShowStat]).await.unwrap();
        assert_eq!(replies[0], Ok(Reply::Level(level)));
        for refused in &replies[1..3] {
            assert!(matches!(refused, Err(CommandError::PermissionDenied { .. })), "{refused:?}");
        }
        let Ok(Reply::Stat(stat)) = &replies[3] else { panic!("{:?}", replies[3]) };
        let wg1 = stat.rows.iter().find(|row| row.svname == "wg1").unwrap();
        assert_eq!(wg1.addr.is_some(), level >= Level::Operator);
        let state = client.servers_state(None).await.unwrap();
        assert!(
            state
                .rows
                .iter()
                .all(|row| row.srv_admin_state.bits() & 1 == 0 || row.path().to_string() == "back/warp")
        );
    }
}

#[tokio::test]
async fn what_does_not_exist_is_told_apart_and_stops_nothing_behind_it() {
    let haproxy = Haproxy::start().await;
    let client = haproxy.client("admin");
    let set =
        |path: &str| Command::SetServerState { server: path.parse().unwrap(), state: AdminState::Drain };
    let commands = [set("back/gone"), set("gone/wg1"), set("back/wg1")];
    let expected = [
        Err(CommandError::NoSuchServer("back/gone".parse().unwrap())),
        Err(CommandError::NoSuchBackend("gone".parse().unwrap())),
        Ok(Reply::Done),
    ];
    assert_eq!(client.exchange(&commands).await.unwrap(), expected);
    let error = client.servers_state(Some(&"gone".parse().unwrap())).await.unwrap_err();
    assert!(matches!(error, CallError::Command(CommandError::NoSuchBackend(_))), "{error}");
}

#[tokio::test]
async fn a_long_list_goes_through_in_batches_of_which_each_tells_its_process() {
    let haproxy = Haproxy::start().await;
    let client = haproxy.client("admin");
    let weight = |n: u16| Command::SetServerWeight {
        server: format!("many/s{n}").parse().unwrap(),
        weight: Weight::try_from(n % 257).unwrap(),
    };
    let commands: Vec<_> = (1..=Haproxy::MANY).map(weight).collect();
    let mut exchanges = 0;
    for batch in batches(&commands) {
        let asked: Vec<_> = std::iter::once(Command::ShowInfo).chain(batch.iter().cloned()).collect();
        let replies = client.exchange(&asked).await.unwrap();
        assert!(matches!(&replies[0], Ok(Reply::Info(info)) if info.pid == haproxy.process.id()));
        assert!(replies[1..].iter().all(|reply| *reply == Ok(Reply::Done)), "{replies:?}");
        exchanges += 1;
    }
    assert!(exchanges > 1);
    let state = client.servers_state(Some(&"many".parse().unwrap())).await.unwrap();
    let weights: Vec<_> = state.rows.iter().map(|row| row.srv_uweight).collect();
    assert_eq!(weights, (1..=u32::from(Haproxy::MANY)).map(|n| n % 257).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_killed_haproxy_leaves_a_socket_that_refuses() {
    let mut haproxy = Haproxy::start().await;
    haproxy.process.kill().unwrap();
    haproxy.process.wait().unwrap();
    let error = haproxy.client("admin").exchange(&[Command::ShowInfo]).await.unwrap_err();
    assert!(matches!(error, ExchangeError::Refused(_)), "{error}");
}

#[tokio::test]
async fn idle_connections_in_all_slots_end_at_the_deadline_and_their_end_frees_the_way() {
    let haproxy = Haproxy::start().await;
    let Address::Unix(path) = haproxy.client("user").address().clone() else { panic!("not a path") };
    let idle: Vec<_> = (0..Haproxy::SLOTS).map(|_| UnixStream::connect(&path).unwrap()).collect();
    let deadline = Duration::from_millis(200);
    let client = haproxy.client("admin").with_limits(Limits { deadline, ..Limits::default() });
    // HAProxy may take one of ours before the last idle one; in the end none is taken any more.
    let error = loop {
        if let Err(error) = client.exchange(&[Command::ShowInfo]).await {
            break error;
        }
    };
    assert!(matches!(error, ExchangeError::TimedOut { phase: Phase::Read, .. }), "{error}");
    drop(idle);
    haproxy.client("admin").show_info().await.unwrap();
}

/// Every row that there is for the servers of `live`: name, current sessions, all sessions.
async fn live_sessions(client: &Client) -> Vec<(String, u64, u64)> {
    let state = client.servers_state(Some(&"live".parse().expect("a plain name"))).await.expect("an answer");
    let command = Command::ShowStatServers { proxy_id: state.rows[0].be_id };
    let reply = client.exchange(&[command]).await.expect("an answer").remove(0).expect("rows");
    let Reply::Stat(stat) = reply else { panic!("{reply:?}") };
    let counts = |row: &StatRow| Some((row.svname.clone(), row.scur?, row.stot?));
    stat.rows.iter().map(|row| counts(row).unwrap_or_else(|| panic!("{row:?}"))).collect()
}

/// A running HAProxy with a stats socket of each level and one on TCP; ended with the guard.
struct Haproxy {
    process: Child,
    dir: TempDir,
    port: u16,
}

impl Haproxy {
    /// Servers of the backend `many`: enough for several batches.
    const MANY: u16 = 600;

    /// `stats maxconn` by default, for all stats sockets together.
    const SLOTS: usize = 10;

    /// A port found free may be taken by another process before HAProxy binds it: then another one is tried.
    const ATTEMPTS: usize = 5;

    async fn start() -> Self {
        for _ in 0..Self::ATTEMPTS {
            let mut haproxy = Self::spawn();
            if haproxy.listens().await {
                return haproxy;
            }
        }
        panic!("haproxy does not start: see its messages above");
    }

    fn spawn() -> Self {
        let dir = TempDir::new().expect("a directory for the sockets");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("its number").port();
        drop(free);
        let file = dir.path().join("haproxy.cfg");
        std::fs::write(&file, Self::config(&dir, port)).expect("its configuration");
        let binary = std::env::var_os("HAPROXY_BIN").unwrap_or_else(|| "haproxy".into());
        let process = Process::new(&binary)
            .args(["-db", "-q", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot run {binary:?}: {error}; `apt-get install haproxy` brings it")
            });
        Self { process, dir, port }
    }

    fn config(dir: &TempDir, port: u16) -> String {
        let path = |name: &str| dir.path().join(name).with_extension("sock").display().to_string();
        let socket = |level: &str| format!("  stats socket {} mode 600 level {level}\n", path(level));
        let sockets: String = ["user", "operator", "admin"].map(socket).concat();
        let (live, one) = (path("live"), path("one"));
        let many: String = (1..=Self::MANY).map(|n| format!("  server s{n} 127.0.0.1:1\n")).collect();
        format!(
            "global\n{sockets}  stats socket ipv4@127.0.0.1:{port} level admin\n\
             defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n\
             backend back\n  balance first\n  server wg1 127.0.0.1:1\n  server wg2 127.0.0.1:2\n  \
             server warp 127.0.0.1:3 backup disabled\n\
             listen live\n  balance first\n  bind unix@{live}\n  server one unix@{one}\n  server two 127.0.0.1:2\n\
             backend many\n{many}"
        )
    }

    /// False where the process has ended instead.
    async fn listens(&mut self) -> bool {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if self.process.try_wait().expect("its own child").is_some() {
                return false;
            }
            if self.client("admin").show_info().await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("haproxy runs, but does not answer within {PATIENCE:?}");
    }

    fn client(&self, level: &str) -> Client {
        Client::new(Address::Unix(self.socket(level))).with_limits(Self::patient())
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.dir.path().join(name).with_extension("sock")
    }

    fn tcp_client(&self) -> Client {
        let address = Address::Tcp { host: "127.0.0.1".to_owned(), port: self.port };
        Client::new(address).with_limits(Self::patient())
    }

    fn patient() -> Limits {
        Limits { deadline: PATIENCE, ..Limits::default() }
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
