//! `hactl events`, incidents, hooks and restarts: what people and programs are told of an outage.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use e2e::{Daemon, Fault, Lab, Layout, Ran, command};
use serde_json::Value;
use tokio::time::sleep;

use super::beside::{HACTL, PATIENCE, POLL, patient};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_told_in_events_an_incident_a_hook_and_a_restart_and_outlives_the_daemon() {
    let lab = Lab::start(Layout::AllBackup).await;
    let dir = lab.haproxy.dir();
    let (told, restarted) = (dir.join("told"), dir.join("restarted"));
    let file = lab.write_config(&config(&lab, &told, &restarted));
    let mut hactl = run(&file);
    hactl.wait_for_line("socks_back_7891 is on wg1", PATIENCE).await;
    for server in ["wg1", "wg2"] {
        hactl.wait_for_line(&format!("socks_back_7891/{server} is online"), PATIENCE).await;
    }
    let socket = lab.hactl_socket().display().to_string();
    let mut following = command::plain(HACTL.as_ref());
    following.args(["events", "-f", "-n", "0", "-o", "json", "--type", "health", "--socket", &socket]);
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();

    // Whoever follows may not be heard yet: the fault comes when they are.
    lab.wg1.set(Fault::Reject(5)).await;
    hactl.wait_for_line("socks_back_7891 now on wg2", PATIENCE).await;
    let listed = events(&socket, &["-o", "json", "--server", "socks_back_7891/wg?"]).await;
    let health = document(&listed, |event| event["kind"] == "health" && event["to"] == "degraded");
    assert_eq!((&health["from"], &health["severity"]), (&"online".into(), &"warning".into()));
    assert!(health["began"].is_string() && health["instance"] == "7891", "{health}");

    // What the hook and the restart were given.
    wait(|| read(&restarted).lines().count() == 2).await;
    assert_eq!(read(&restarted), "wg1 degraded health\n".repeat(2), "twice in an hour and not more often");
    let given: Value = serde_json::from_str(&read(&told)).unwrap();
    assert_eq!((&given["kind"], &given["to"]), (&"in_service".into(), &"wg2".into()));
    hactl.wait_for_line("hook for in_service: /bin/sh was done after ", PATIENCE).await;
    hactl.wait_for_line("restart of socks_back_7891/wg1: /bin/sh was done after ", PATIENCE).await;

    lab.wg1.set(Fault::None).await;
    hactl.wait_for_line("socks_back_7891 now on wg1", PATIENCE).await;
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&first["kind"], &first["server"]), (&"health".into(), &"wg1".into()));
    let ran = events(&socket, &["--incidents", "-o", "json"]).await;
    let incident = document(&ran, |incident| incident["server"] == "wg1");
    for key in ["began", "detected", "switched", "ended"] {
        assert!(incident[key].is_string(), "{key} in {incident}");
    }

    // A hook that asks hactl itself.
    fs::remove_file(&told).unwrap();
    let by_hook = ["pause", "-m", "moving", "--socket", &socket];
    assert_eq!(command::run(HACTL, &by_hook).await.code, Some(0));
    wait(|| told.exists()).await;
    assert!(read(&told).starts_with("socks_back_7891/wg1\nsocks_back_7891/wg2\n"), "{}", read(&told));
    assert!(read(&told).contains(" is good: "), "{}", read(&told));

    hactl.terminate().await;
    let mut next = run(&file);
    next.wait_for_line("socks_back_7891 is on wg1", PATIENCE).await;
    let after = events(&socket, &["-n", "1000", "-o", "json", "--type", "in_service"]).await;
    let numbers: Vec<u64> = documents(&after).iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert!(numbers.len() >= 4 && numbers.is_sorted(), "{after:?}");
    let ran = events(&socket, &["--incidents"]).await;
    assert!(ran.stdout.contains("socks_back_7891/wg1 carried no traffic any more; found after "), "{ran:?}");
    following.kill().unwrap();
    following.wait().unwrap();

    let wrong = events(&socket, &["--type", "helth"]).await;
    let meant = "  next: a similar value exists: 'health'; see `hactl events --help`\n";
    assert!(wrong.code == Some(64) && wrong.stderr.ends_with(meant), "{wrong:?}");
    next.terminate().await;
    let gone = events(&socket, &[]).await;
    assert_eq!(gone.code, Some(3), "{gone:?}");
    assert!(gone.stderr.contains("\n  next: start it with `hactl run`, or "), "{gone:?}");
}

fn config(lab: &Lab, told: &Path, restarted: &Path) -> String {
    let (told, restarted) = (told.display(), restarted.display());
    let config = lab.haproxy.dir().join("hactl.toml");
    let config = config.display();
    format!(
        r#"{}
on_offline = {{ wg1 = {{ run = ["/bin/sh", "-c", "echo $HACTL_SERVER $HACTL_TO $HACTL_EVENT >> {restarted}"], after = 0, cooldown = "200ms", per_hour = 2 }} }}

[[hook]]
on = ["in_service", "paused"]
run = ["/bin/sh", "-c", "cat > {told}.new; [ \"$HACTL_TO\" = wg2 ] && mv {told}.new {told}; exit 0"]
cooldown = "0s"

[[hook]]
on = "paused"
run = ["/bin/sh", "-c", "{{ {HACTL} status -o name; {HACTL} config check {config}; }} > {told}.new 2>&1; mv {told}.new {told}"]
"#,
        patient(lab)
    )
}

fn run(file: &Path) -> Daemon {
    Daemon::start_command(command::plain(HACTL.as_ref()).args(["run", "--config"]).arg(file))
}

async fn events(socket: &str, args: &[&str]) -> Ran {
    command::run(HACTL, &[&["events", "--socket", socket], args].concat()).await
}

fn documents(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{ran:?}"))).collect()
}

fn document(ran: &Ran, wanted: impl Fn(&Value) -> bool) -> Value {
    documents(ran).into_iter().find(wanted).unwrap_or_else(|| panic!("{ran:?}"))
}

fn read(file: &Path) -> String {
    let mut text = String::new();
    // Until it is there, it is empty.
    fs::File::open(file).ok().and_then(|mut file| file.read_to_string(&mut text).ok());
    text
}

async fn wait(until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < PATIENCE, "it does not come");
        sleep(POLL).await;
    }
}
