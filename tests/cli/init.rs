//! `hactl init` on a HAProxy that has more than SOCKS servers.

use std::net::SocketAddr;
use std::path::Path;

use e2e::haproxy::BACKEND;
use e2e::{Daemon, Lab, Layout, Port, command};

use super::beside::{HACTL, PATIENCE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_writes_names_the_socks_backends_and_is_accepted_unchanged() {
    let web = e2e::Target::http(e2e::lab::exit_names());
    let closed: SocketAddr = Port::free().addr();
    let sections = format!(
        "backend web_pages\n    mode http\n    server one {web}\nbackend databases\n    server db {web}\n    server \
         db2 {closed}\n",
        web = web.addr()
    );
    // One of its servers is a web server, and one is not there.
    let lab = Lab::start_with(Layout::WarpBackup, |haproxy| {
        haproxy
            .backend(&format!("    server web {}\n    server later {closed}", web.addr()))
            .sections(&sections)
    })
    .await;
    let haproxy = lab.haproxy.admin_socket().display().to_string();
    let ran = command::run(HACTL, &["init", "--haproxy", &haproxy]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let (_, settings) = ran.stdout.split_once("\n\n[[instance]]\n").unwrap_or_else(|| panic!("{ran:?}"));
    let expected = format!(
        "name = \"haproxy\"
haproxy = \"{haproxy}\"

[[instance.backend]]
name = \"{BACKEND}\"
# Without those that do not speak SOCKS5.
servers = [\"later\", \"wg1\", \"wg2\", \"cloudflare_warp\"]
# web at {web}: does not speak SOCKS5 (the connection was closed in answer to a SOCKS greeting)
# later at {closed}: does not answer now (connection refused)

# Not steered:
#   web_pages: mode http
#   databases: no server of it speaks SOCKS5: db at {web} does not speak SOCKS5 (the connection was closed in answer to a SOCKS greeting); db2 at {closed} does not answer now (connection refused)
",
        web = web.addr()
    );
    assert_eq!(settings, expected);

    // Written, it is accepted by all who read it.
    let file = lab.haproxy.dir().join("new/hactl.toml").display().to_string();
    let write = ["init", "--haproxy", &haproxy, "--write", "--config", &file];
    let written = command::run(HACTL, &write).await;
    assert_eq!(written.code, Some(0), "{written:?}");
    assert!(written.stdout.contains("next: hactl config check "), "{written:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("it was written"), ran.stdout);
    let again = command::run(HACTL, &write).await;
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("  next: move it away"), "{again:?}");

    let check = command::run(HACTL, &["config", "check", &file]).await;
    assert_eq!(check.stdout, format!("{file} is good: 1 instance, 1 backend, 3 targets\n"), "{check:?}");
    let here = here(&lab);
    let mut doctor = command::plain(HACTL.as_ref());
    doctor.args(["doctor", "--pre", "--config", &file]).envs(here.iter().cloned());
    let doctor = command::run_command(&mut doctor, "").await;
    assert_eq!(doctor.code, Some(1), "one server is not there: {doctor:?}");
    assert!(doctor.stdout.contains("1 warning"), "{doctor:?}");
    let mut run = command::plain(HACTL.as_ref());
    let mut hactl = Daemon::start_command(run.args(["run", "--config", &file]).envs(here));
    hactl.wait_for_line(&format!("{BACKEND}/wg1 is online"), PATIENCE).await;
    hactl.wait_for_line(&format!("{BACKEND}/later is offline"), PATIENCE).await;
    assert!(!hactl.lines().iter().any(|line| line.contains("databases") || line.contains("/web ")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_can_be_steered_it_says_why_and_what_to_do() {
    let lab = Lab::start(Layout::AllBackup).await;
    let haproxy = lab.haproxy.admin_socket().display().to_string();
    let unknown = command::run(HACTL, &["init", "--haproxy", &haproxy, "--backend", "other"]).await;
    assert_eq!(unknown.code, Some(64));
    assert!(
        unknown.stderr.contains(&format!("  why:  it has {BACKEND}\n  next: correct --backend")),
        "{unknown:?}"
    );
    for exit in [&lab.wg1, &lab.wg2, &lab.warp] {
        exit.set(e2e::Fault::Refuse).await;
    }
    let nothing = command::run(HACTL, &["init", "--haproxy", &haproxy]).await;
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), ""));
    assert!(nothing.stderr.contains("has no backend that hactl could steer"), "{nothing:?}");
    assert!(nothing.stderr.contains("  next: start the SOCKS servers"), "{nothing:?}");
    let nobody = command::run(HACTL, &["init", "--haproxy", "/nonexistent/admin.sock"]).await;
    assert_eq!(nobody.code, Some(3));
    assert!(nobody.stderr.contains("/nonexistent/admin.sock does not exist"), "{nobody:?}");
}

/// The places of this scene, and its targets, which no configuration made from HAProxy knows.
fn here(lab: &Lab) -> Vec<(String, String)> {
    let path = |path: &Path| path.display().to_string();
    [
        ("HACTL_ADMIN__SOCKET", path(&lab.hactl_socket())),
        ("HACTL_STATE__DIR", path(&lab.hactl_state())),
        ("HACTL_PROBE__TARGETS", format!("[\"{}\", \"{}\"]", lab.https.url(), lab.http.url())),
        ("HACTL_PROBE__CA_FILE", path(lab.ca.file())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
