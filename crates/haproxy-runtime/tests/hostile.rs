//! The client against servers that answer as HAProxy never should, or not at all.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use haproxy_runtime::{
    Address, AdminState, Client, Command, CommandError, ExchangeError, FormatError, FramingError, Limits,
    Phase, Reply,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener, UnixSocket, UnixStream};

/// Never reached in a test that passes: a failure is to be a failed assertion, not a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// For tests in which the deadline is meant to pass.
const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn no_reply_at_all_is_an_unknown_outcome() {
    let error = ask(&[maint()], b"").await.unwrap_err();
    assert!(matches!(error, ExchangeError::Closed(_)), "{error}");
    assert!(error.outcome_unknown());
}

#[tokio::test]
async fn an_empty_line_is_success_for_what_changes_something_and_nothing_else() {
    assert_eq!(ask(&[maint()], b"\n").await.unwrap(), [Ok(Reply::Done)]);
    let replies = ask(&[Command::ShowInfo], b"\n").await.unwrap();
    assert!(matches!(replies[0], Err(CommandError::Malformed { .. })), "{replies:?}");
}

#[tokio::test]
async fn a_truncated_reply_is_never_taken_for_a_whole_one() {
    for (command, reply) in [
        (Command::ShowServersState(None), &include_bytes!("replies/2.6/show-servers-state.txt")[..]),
        (Command::ShowStat, include_bytes!("replies/2.6/show-stat.txt")),
        (Command::ShowInfo, include_bytes!("replies/2.6/show-info.txt")),
    ] {
        for cut in [1, 2, 40, reply.len() / 2] {
            let error = ask(std::slice::from_ref(&command), &reply[..reply.len() - cut]).await.unwrap_err();
            let ExchangeError::Malformed { source, .. } = &error else { panic!("{error}") };
            assert_eq!(*source, FramingError::CutShort { number: 1, commands: 1 });
        }
    }
}

#[tokio::test]
async fn an_endless_reply_ends_at_the_size_limit() {
    let (dir, listener) = listen();
    let limits = Limits { deadline: PATIENCE, max_reply: 64 * 1024 };
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    };
    let (error, ()) = both(client(&dir).with_limits(limits), &[Command::ShowStat], serve).await;
    assert!(matches!(error.unwrap_err(), ExchangeError::TooLarge { limit: 65536, .. }));
}

#[tokio::test]
async fn a_reply_of_just_the_size_limit_is_whole() {
    let (dir, listener) = listen();
    let reply = include_bytes!("replies/2.6/show-info.txt");
    for (max_reply, fits) in [(reply.len(), true), (reply.len() - 1, false)] {
        let client = client(&dir).with_limits(Limits { deadline: PATIENCE, max_reply });
        let (result, ()) = both(client, &[Command::ShowInfo], answer(&listener, reply)).await;
        assert_eq!(result.is_ok(), fits);
    }
}

#[tokio::test]
async fn a_reply_may_come_byte_by_byte() {
    let (dir, listener) = listen();
    let serve = async {
        let mut stream = asked(&listener).await.0;
        for byte in include_bytes!("replies/2.6/show-info.txt") {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let (replies, ()) = both(client(&dir), &[Command::ShowInfo], serve).await;
    assert!(matches!(replies.unwrap()[0], Ok(Reply::Info(_))));
}

#[tokio::test]
async fn a_reply_that_drips_for_ever_ends_at_the_deadline_of_the_whole_exchange() {
    let (dir, listener) = listen();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let limits = Limits { deadline: SOON, ..Limits::default() };
    let (result, ()) = both(client(&dir).with_limits(limits), &[maint()], serve).await;
    let error = result.unwrap_err();
    assert!(matches!(error, ExchangeError::TimedOut { phase: Phase::Read, after: SOON, .. }), "{error}");
    assert!(error.outcome_unknown());
}

#[tokio::test]
async fn binary_bytes_are_a_refusal_that_can_be_printed() {
    let replies = ask(&[maint(), Command::ShowBackend], b"\x00\xff\x1b[2J\r\n\n\x80\n\n").await.unwrap();
    let Err(CommandError::Refused { text, .. }) = &replies[0] else { panic!("{replies:?}") };
    assert_eq!(text, "\\0\u{fffd}\\u{1b}[2J");
    assert!(matches!(replies[1], Err(CommandError::Malformed { .. })));
}

#[tokio::test]
async fn another_version_of_the_state_is_malformed() {
    let replies = ask(&[Command::ShowServersState(None)], b"2\n# be_id be_name\n3 b\n\n").await.unwrap();
    let Err(CommandError::Malformed { source, .. }) = &replies[0] else { panic!("{replies:?}") };
    assert!(matches!(source, FormatError::Beginning { .. }));
}

#[tokio::test]
async fn missing_columns_are_malformed() {
    let reply = b"1\n# be_id be_name\n3 b\n\n# pxname,svname\nb,s\n\n";
    let replies = ask(&[Command::ShowServersState(None), Command::ShowStat], reply).await.unwrap();
    for reply in replies {
        let Err(CommandError::Malformed { source, .. }) = reply else { panic!("{reply:?}") };
        assert!(matches!(source, FormatError::Missing(_)));
    }
}

#[tokio::test]
async fn fewer_replies_than_commands_are_an_unknown_outcome() {
    let error = ask(&[maint(), maint(), maint()], b"\nNo such server.\n\n").await.unwrap_err();
    let ExchangeError::Malformed { source, .. } = &error else { panic!("{error}") };
    assert_eq!(*source, FramingError::Missing { replies: 2, commands: 3 });
    assert!(error.to_string().contains("outcome unknown, read the state again"), "{error}");
    assert!(error.outcome_unknown());
}

#[tokio::test]
async fn more_replies_than_commands_are_an_unknown_outcome() {
    let error = ask(&[maint()], b"\n\n").await.unwrap_err();
    assert!(matches!(error, ExchangeError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn the_commands_arrive_as_one_line_and_the_connection_stays_open_for_the_reply() {
    let (dir, listener) = listen();
    let serve = async {
        let (mut stream, line) = asked(&listener).await;
        // An end of file here would make HAProxy drop the connection before it answers.
        let mut more = [0];
        let waited = tokio::time::timeout(SOON, stream.read(&mut more)).await;
        assert!(waited.is_err(), "{waited:?}");
        stream.write_all(b"\nadmin\n\n").await.unwrap();
        line
    };
    let (replies, line) = both(client(&dir), &[maint(), Command::ShowCliLevel], serve).await;
    assert_eq!(replies.unwrap().len(), 2);
    assert_eq!(line, b"set server b/s state maint;show cli level\n");
}

#[tokio::test]
async fn silence_ends_at_the_deadline_and_names_what_may_be_the_cause() {
    let (dir, _listener) = listen();
    let limits = Limits { deadline: SOON, ..Limits::default() };
    let error = client(&dir).with_limits(limits).exchange(&[maint()]).await.unwrap_err();
    assert!(matches!(error, ExchangeError::TimedOut { phase: Phase::Read, .. }), "{error}");
    assert!(error.to_string().contains("`stats maxconn`"), "{error}");
}

#[tokio::test]
async fn a_deadline_beyond_all_clocks_is_no_deadline() {
    let (dir, listener) = listen();
    let limits = Limits { deadline: Duration::MAX, max_reply: usize::MAX };
    let (replies, ()) = both(client(&dir).with_limits(limits), &[maint()], answer(&listener, b"\n")).await;
    assert_eq!(replies.unwrap(), [Ok(Reply::Done)]);
}

#[tokio::test]
async fn a_full_backlog_is_waited_for() {
    let (dir, listener, mut waiting) = full_backlog().await;
    let serve = async {
        // By now the client has met EAGAIN; whether once or often does not matter.
        tokio::time::sleep(SOON).await;
        waiting.clear();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut line = Vec::new();
            if stream.read_buf(&mut line).await.is_ok_and(|length| length > 0) {
                stream.write_all(b"\n").await.unwrap();
                return;
            }
        }
    };
    let (replies, ()) = both(client(&dir), &[maint()], serve).await;
    assert_eq!(replies.unwrap(), [Ok(Reply::Done)]);
}

#[tokio::test]
async fn a_backlog_that_stays_full_ends_at_the_deadline_with_nothing_sent() {
    let (dir, _listener, _waiting) = full_backlog().await;
    let limits = Limits { deadline: SOON, ..Limits::default() };
    let error = client(&dir).with_limits(limits).exchange(&[maint()]).await.unwrap_err();
    assert!(matches!(error, ExchangeError::TimedOut { phase: Phase::Connect, .. }), "{error}");
    assert!(!error.outcome_unknown());
}

#[tokio::test]
async fn a_missing_socket_a_dead_one_and_what_is_none_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let connect = async || client(&dir).exchange(&[maint()]).await.unwrap_err();
    assert!(matches!(connect().await, ExchangeError::Missing(_)));

    drop(UnixListener::bind(socket(&dir)).unwrap());
    assert!(matches!(connect().await, ExchangeError::Refused(_)));

    std::fs::remove_file(socket(&dir)).unwrap();
    std::fs::write(socket(&dir), "").unwrap();
    assert!(matches!(connect().await, ExchangeError::NotASocket(_)));

    std::fs::remove_file(socket(&dir)).unwrap();
    std::fs::create_dir(socket(&dir)).unwrap();
    assert!(matches!(connect().await, ExchangeError::NotASocket(_)));
}

#[tokio::test]
async fn tcp_works_the_same_and_a_closed_port_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = Address::Tcp { host: "127.0.0.1".to_owned(), port };
    let client = Client::new(address).with_limits(patient());
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut line = Vec::new();
        stream.read_buf(&mut line).await.unwrap();
        stream.write_all(b"admin\n\n").await.unwrap();
    };
    let (replies, ()) = both(client.clone(), &[Command::ShowCliLevel], serve).await;
    assert!(matches!(replies.unwrap()[0], Ok(Reply::Level(_))));

    drop(listener);
    let error = client.exchange(&[Command::ShowCliLevel]).await.unwrap_err();
    assert!(matches!(error, ExchangeError::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_master_gets_one_line_for_the_present_worker_and_answers_at_its_end() {
    for (reply, outcome) in
        [(&b"\n"[..], "done"), (b"Can't find the target PID matching the prefix '@1'\n", "none")]
    {
        let (dir, listener) = listen();
        let client = Client::new(Address::Master(socket(&dir))).with_limits(patient());
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut line = Vec::new();
            stream.read_to_end(&mut line).await.unwrap();
            stream.write_all(reply).await.unwrap();
            line
        };
        let (replies, line) = both(client, &[maint()], serve).await;
        assert_eq!(line, b"@1;set server b/s state maint\n");
        match (outcome, replies) {
            ("done", Ok(replies)) => assert_eq!(replies, [Ok(Reply::Done)]),
            ("none", Err(error @ ExchangeError::NoWorker(_))) => assert!(!error.outcome_unknown()),
            (_, replies) => panic!("{replies:?}"),
        }
    }
}

#[tokio::test]
async fn nothing_and_too_much_are_refused_before_a_connection_is_made() {
    let dir = TempDir::new().unwrap();
    assert!(matches!(client(&dir).exchange(&[]).await.unwrap_err(), ExchangeError::EmptyBatch));
    let error = client(&dir).exchange(&vec![maint(); 1000]).await.unwrap_err();
    assert!(matches!(error, ExchangeError::LineTooLong { length: 27_000 }), "{error}");
}

/// What the client makes of `reply`, sent by a server that has read the line and then closes.
async fn ask(commands: &[Command], reply: &[u8]) -> Result<Vec<Result<Reply, CommandError>>, ExchangeError> {
    let (dir, listener) = listen();
    both(client(&dir), commands, answer(&listener, reply)).await.0
}

async fn answer(listener: &UnixListener, reply: &[u8]) {
    let mut stream = asked(listener).await.0;
    // The client may have stopped reading at its limit.
    let _ = stream.write_all(reply).await;
}

/// The next connection, and the line that came on it.
async fn asked(listener: &UnixListener) -> (UnixStream, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        assert_ne!(stream.read_buf(&mut line).await.unwrap(), 0, "closed before the line feed");
    }
    (stream, line)
}

/// Runs an exchange and the server that it talks to. The connection ends with the exchange, and so does an endless
/// server.
async fn both<T>(
    client: Client,
    commands: &[Command],
    serve: impl Future<Output = T>,
) -> (Result<Vec<Result<Reply, CommandError>>, ExchangeError>, T) {
    tokio::join!(async move { client.exchange(commands).await }, serve)
}

/// A listener that has more connections waiting than it takes.
async fn full_backlog() -> (TempDir, UnixListener, Vec<UnixStream>) {
    let dir = TempDir::new().unwrap();
    let unbound = UnixSocket::new_stream().unwrap();
    unbound.bind(socket(&dir)).unwrap();
    let listener = unbound.listen(1).unwrap();
    let mut waiting = Vec::new();
    let error = loop {
        match UnixStream::connect(socket(&dir)).await {
            Ok(stream) => waiting.push(stream),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    (dir, listener, waiting)
}

fn listen() -> (TempDir, UnixListener) {
    let dir = TempDir::new().unwrap();
    let listener = UnixListener::bind(socket(&dir)).unwrap();
    (dir, listener)
}

fn client(dir: &TempDir) -> Client {
    Client::new(Address::Unix(socket(dir))).with_limits(patient())
}

fn patient() -> Limits {
    Limits { deadline: PATIENCE, ..Limits::default() }
}

fn socket(dir: &TempDir) -> PathBuf {
    dir.path().join("admin.sock")
}

fn maint() -> Command {
    Command::SetServerState { server: "b/s".parse().unwrap(), state: AdminState::Maint }
}
