//! Sockets that are missing, forbidden or somebody else's.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use insta::assert_snapshot;

use super::*;

#[test]
fn a_daemon_that_does_not_run_is_named_with_what_to_do() {
    assert_snapshot!(told(Path::new("/nonexistent/hactl.sock")), @r"
    3 cannot get the status from hactl at SOCKET
    no connection: No such file or directory (os error 2)
    start it with `hactl run`, or name its socket with --socket PATH
    ");
    let dead = answering(None);
    assert_snapshot!(told(&dead.path), @r"
    3 cannot get the status from hactl at SOCKET
    no connection: Connection refused (os error 111)
    start it with `hactl run`, or name its socket with --socket PATH
    ");
}

#[test]
fn who_answers_and_is_not_hactl_is_told_apart() {
    let haproxy = answering(Some("Unknown command. Please enter one of the following commands only :\n"));
    assert_snapshot!(told(&haproxy.path), @r"
    3 cannot get the status from hactl at SOCKET
    what answers there is not hactl
    name hactl's socket with --socket PATH; HAProxy's is another one
    ");
    let silent = answering(Some(""));
    assert_snapshot!(told(&silent.path), @r"
    3 cannot get the status from hactl at SOCKET
    the exchange broke off: connection closed before message completed
    ask again; if it stays so, look at hactl's log
    ");
    let other = answering(Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
    assert_snapshot!(told(&other.path), @r"
    3 cannot get the status from hactl at SOCKET
    its answer is not a hactl/v1 status: missing field `apiVersion` at line 1 column 2
    use the hactl that the daemon was started from, or restart the daemon
    ");
    let web = answering(Some("HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nnope\n"));
    assert_snapshot!(told(&web.path), @r"
    3 cannot get the status from hactl at SOCKET
    it answered 404 Not Found: 5 bytes that are not hactl's
    look at hactl's log, or ask again
    ");
    let broken = answering(Some("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}"));
    assert_snapshot!(told(&broken.path), @r"
    3 cannot get the status from hactl at SOCKET
    the exchange broke off: error reading a body from connection: end of file before message length reached
    ask again; if it stays so, look at hactl's log
    ");
}

#[test]
fn a_daemon_that_cannot_answer_is_quoted() {
    let busy = answering(Some(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 59\r\n\r\n\
         {\"error\":{\"message\":\"too many ask at once; ask again\"}}     ",
    ));
    assert_snapshot!(told(&busy.path), @r"
    3 cannot get the status from hactl at SOCKET
    too many ask at once; ask again
    look at hactl's log, or ask again
    ");
}

#[test]
fn an_unknown_name_is_told_with_what_is_known_and_so_is_that_more_may_follow() {
    let told = |unseen: bool| {
        let known = vec!["b".to_owned(), "7891".to_owned()];
        let Report { what, why, next } =
            unknown_name("\u{1b}x", &NotThere { known, namesakes: Vec::new(), unseen });
        format!("{what}\n{}\n{}", why.unwrap(), next.unwrap())
    };
    assert_snapshot!(told(false), @r"
    hactl steers no instance, backend or server called \u{1b}x
    known: b, 7891
    name one of these; a server as BACKEND/SERVER
    ");
    assert_snapshot!(told(true), @r"
    hactl steers no instance, backend or server called \u{1b}x
    a HAProxy was not seen yet, so its backends are not known; known: b, 7891
    see `hactl status`, or ask again
    ");
}

#[test]
fn a_server_that_is_named_alone_and_an_interval_are_met_with_what_to_type() {
    let next = |name: &str, namesakes: &[&str]| {
        let namesakes = namesakes.iter().map(|name| (*name).to_owned()).collect();
        let not_there = NotThere { known: vec!["b".to_owned()], namesakes, unseen: false };
        unknown_name(name, &not_there).next.unwrap()
    };
    assert_eq!(next("wg1", &["a/wg1", "b/wg1"]), "name it with its backend: a/wg1, b/wg1");
    assert_eq!(next("2s", &[]), "an interval follows -w without a space: hactl status -w=2s");
}

struct Answering {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

/// A socket on which one client is answered so; nobody listens where there is no answer.
fn answering(answer: Option<&'static str>) -> Answering {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("h.sock");
    let listener = UnixListener::bind(&path).unwrap();
    if let Some(answer) = answer {
        std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            // Closing before it was read would be a reset.
            let _ = client.read(&mut [0; 4096]).unwrap();
            client.write_all(answer.as_bytes()).unwrap();
        });
    }
    Answering { path, _dir: dir }
}

/// Exit code and error, with the socket's name left out.
fn told(socket: &Path) -> String {
    let error = fetch_within(socket, Duration::from_secs(60)).unwrap_err();
    let Report { what, why, next } = report_of(socket, &error);
    let what = what.replace(&socket.display().to_string(), "SOCKET");
    format!("{} {what}\n{}\n{}", exit_of(&error).code(), why.unwrap(), next.unwrap())
}
