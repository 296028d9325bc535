//! Configurations that cannot be used, each with the whole of what is said about it.

mod changed;
mod difference;
mod hooks;
mod origins;
mod places;
mod probe;
mod rules;
mod show;
mod together;
mod ui;
mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use failover::{Failback, OnSlow, Policy, Sessions, WhenAllDown};

use super::*;

/// The least that works: an instance with a backend.
const INSTANCE: &str = r#"
[[instance]]
haproxy = "/run/haproxy/admin.sock"
[[instance.backend]]
name = "socks_back_7891"
"#;

#[test]
fn a_file_with_nothing_but_an_instance_has_the_documented_defaults() {
    let config = resolved(INSTANCE, &[], &Flags::default()).unwrap();
    assert_eq!(targets(&config), DEFAULT_TARGETS);
    assert_eq!(config.probe.settings, Settings::new(DEFAULT_TARGETS.map(Name::from).to_vec()));
    assert_eq!((&config.probe.control, &config.probe.ca_file), (&None, &None));
    assert_eq!(config.admin_socket, Path::new("/run/hactl/hactl.sock"));
    assert_eq!(config.instances[0].name.as_str(), "haproxy");
    assert_eq!(config.instances[0].haproxy.to_string(), "/run/haproxy/admin.sock");
    let [backend] = config.instances[0].backends.as_slice() else { panic!("{config:?}") };
    assert_eq!(backend.name.as_str(), "socks_back_7891");
    assert!(backend.servers.is_none() && backend.credentials.is_none());
    assert_eq!(backend.rules, Rules::DEFAULT);
}

#[test]
fn every_key_is_read() {
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "secret\r\n").unwrap();
    let text = format!(
        r#"
[probe]
targets = ["tcp://127.0.0.1:7", {{ url = "https://localhost/", expect = [200, 204], sni = "one.test" }}]
profile = "eco"
canary = "1.5s"
interval = "1m 30s"
timeout = "500ms"
false_alarm_every = "1w 3d"
ride_through = "2s"
control = "http://192.0.2.1/"
ca_file = "/etc/ssl/extra.pem"
[admin]
socket = "/tmp/h.sock"
[state]
dir = "/tmp/state"
on_exit = "restore"
[[instance]]
name = "7891"
haproxy = "tcp:[::1]:9999"
master = "/run/haproxy-master.sock"
server_state_file = "/var/lib/hactl/haproxy.state"
mode = "observe"
[[instance.backend]]
name = "one"
servers = ["b", "a"]
policy = "order"
on_slow = "move"
username = "user"
password_file = "{}"
"#,
        password.path().display()
    );
    let config = resolved(&text, &[], &Flags::default()).unwrap();
    assert_eq!(targets(&config), ["tcp://127.0.0.1:7", "https://localhost/"]);
    let settings = Settings {
        profile: Profile::Eco,
        eco: Cadence { canary: Duration::from_millis(1500), full: Duration::from_secs(90) },
        timeout: Duration::from_millis(500),
        false_alarm_every: Duration::from_secs(10 * 24 * 3600),
        ride_through: Duration::from_secs(2),
        control: true,
        rules: BTreeMap::from([(Name::from("one"), Rules { on_slow: OnSlow::Move, ..Rules::DEFAULT })]),
        ..Settings::new(["tcp://127.0.0.1:7", "https://localhost/"].map(Name::from).to_vec())
    };
    assert_eq!(config.instances[0].settings(&config.probe), settings);
    assert_eq!(config.probe.control, Some("http://192.0.2.1/".parse().unwrap()));
    assert_eq!(config.probe.ca_file.as_deref(), Some(Path::new("/etc/ssl/extra.pem")));
    assert_eq!(config.admin_socket, Path::new("/tmp/h.sock"));
    assert_eq!(
        (config.state.dir.as_path(), config.state.on_exit),
        (Path::new("/tmp/state"), OnExit::Restore)
    );
    assert_eq!(config.instances[0].name.as_str(), "7891");
    assert!(config.instances[0].observe);
    assert_eq!(config.instances[0].master.as_deref(), Some(Path::new("/run/haproxy-master.sock")));
    let state_file = config.instances[0].server_state_file.as_deref();
    assert_eq!(state_file, Some(Path::new("/var/lib/hactl/haproxy.state")));
    assert_eq!(config.instances[0].haproxy.to_string(), "tcp:[::1]:9999");
    let backend = &config.instances[0].backends[0];
    let servers: Vec<_> = backend.servers.iter().flatten().map(ServerName::as_str).collect();
    assert_eq!(servers, ["a", "b"]);
    assert_eq!(backend.credentials, Some(Credentials::new("user", "secret").unwrap()));
}

#[test]
fn the_environment_is_stronger_than_the_file_and_flags_are_stronger_than_both() {
    let text =
        format!("[probe]\ninterval = \"1s\"\ntimeout = \"1s\"\n[admin]\nsocket = \"/file\"\n{INSTANCE}");
    let environment = [("HACTL_PROBE__INTERVAL", "3s"), ("HACTL_ADMIN__SOCKET", "/environment")];
    let config = resolved(&text, &environment, &Flags::default()).unwrap();
    assert_eq!(config.probe.settings.fast.full, Duration::from_secs(3));
    assert_eq!(config.probe.settings.timeout, Duration::from_secs(1));
    assert_eq!(config.admin_socket, Path::new("/environment"));

    let flags = Flags {
        haproxy: Some("/flag.sock".to_owned()),
        backends: vec!["flag".to_owned(), "flag".to_owned()],
        socket: Some("/flag".into()),
        file: None,
        record: Some("/recording".into()),
        state_dir: Some("/state".into()),
        on_exit: Some("restore".to_owned()),
        observe: true,
    };
    let config = resolved(&text, &environment, &flags).unwrap();
    assert_eq!(config.record.as_deref(), Some(Path::new("/recording")));
    assert_eq!((config.state.dir.as_path(), config.state.on_exit), (Path::new("/state"), OnExit::Restore));
    assert_eq!(config.admin_socket, Path::new("/flag"));
    assert!(config.instances[0].observe);
    assert_eq!(config.instances[0].haproxy.to_string(), "/flag.sock");
    let names: Vec<_> = config.instances[0].backends.iter().map(|backend| backend.name.as_str()).collect();
    assert_eq!(names, ["flag"]);
}

#[test]
fn what_is_to_spare_clients_a_reload_is_a_socket_of_its_own_and_an_absolute_path() {
    let instance =
        |line: &str| INSTANCE.replace("[[instance.backend]]", &format!("{line}\n[[instance.backend]]"));
    for (line, text) in [
        ("master = \"\"", "the path is empty"),
        ("master = \"/run/haproxy/admin.sock\"", "`master` is the same socket as `haproxy`"),
        ("server_state_file = \"hactl.state\"", "`hactl.state` is not the absolute path of a file"),
        ("server_state_file = \"/\"", "`/` is not the absolute path of a file"),
    ] {
        let said = problems(&instance(line));
        assert!(said.contains(text) && said.contains("hactl.toml:"), "{said}");
    }
}

#[test]
fn a_backend_named_by_flag_keeps_what_the_file_says_of_it() {
    let text = format!("{INSTANCE}servers = [\"wg1\"]\n[[instance.backend]]\nname = \"other\"\n");
    let flags = Flags { backends: vec!["socks_back_7891".to_owned()], ..Flags::default() };
    let config = resolved(&text, &[], &flags).unwrap();
    let [backend] = config.instances[0].backends.as_slice() else { panic!("{config:?}") };
    assert_eq!(backend.servers.as_ref().map(BTreeSet::len), Some(1));
}

#[test]
fn no_file_is_needed_where_flags_say_enough() {
    let flags =
        Flags { haproxy: Some("admin.sock".to_owned()), backends: vec!["b".to_owned()], ..Flags::default() };
    let environment = owned(&[("HACTL_PROBE__TARGETS", "[\"tcp://127.0.0.1:1\", https://1.1.1.1/]")]);
    let config = crate::config::resolve(None, &environment, &flags).unwrap();
    assert_eq!(targets(&config), ["tcp://127.0.0.1:1", "https://1.1.1.1/"]);
}

#[test]
fn every_key_of_a_table_that_there_is_once_has_its_variable() {
    for section in ["probe", "admin", "web", "state", "events", "exit"] {
        let error = problems(&format!("[{section}]\nnothing_like_it = 1\n{INSTANCE}"));
        let keys: Vec<&str> = error.rsplit_once("known: ").unwrap().1.split(", ").collect();
        let settable: Vec<&str> = environment::SETTINGS
            .iter()
            .filter(|(name, of, key)| {
                assert_eq!(*name, format!("HACTL_{}__{}", of.to_uppercase(), key.to_uppercase()));
                *of == section
            })
            .map(|(.., key)| *key)
            .collect();
        assert_eq!(settable, keys, "{section}");
    }
}

#[test]
fn a_number_in_a_variable_is_one() {
    let environment = [("HACTL_EVENTS__KEEP", "7"), ("HACTL_EXIT__EVERY", "5m")];
    let config = resolved(INSTANCE, &environment, &Flags::default()).unwrap();
    assert_eq!(config.events.unwrap().keep, 7);
    assert_eq!(config.exit.unwrap().every, std::time::Duration::from_secs(300));
    let error = failed(INSTANCE, &[("HACTL_EVENTS__KEEP", "many")]);
    let expected =
        "environment variable HACTL_EVENTS__KEEP: found the string \"many\", expected a whole number";
    assert_eq!(error, expected);
}

#[test]
fn the_state_directory_is_the_services_unless_one_is_named() {
    let dir = |text: &str, environment: &[(&str, &str)]| {
        resolved(&format!("{text}{INSTANCE}"), environment, &Flags::default()).unwrap().state.dir
    };
    let service = ("STATE_DIRECTORY", "/var/lib/private/hactl:/other");
    assert_eq!(dir("", &[]), Path::new("/var/lib/hactl"));
    assert_eq!(dir("", &[service]), Path::new("/var/lib/private/hactl"));
    assert_eq!(dir("[state]\ndir = \"/file\"\n", &[service]), Path::new("/file"));
    let variable = ("HACTL_STATE__DIR", "/variable");
    assert_eq!(dir("[state]\ndir = \"/file\"\n", &[variable, service]), Path::new("/variable"));
}

fn load_error(file: Option<PathBuf>) -> String {
    load(&Flags { file, ..Flags::default() }).unwrap_err().to_string()
}

fn problems(text: &str) -> String {
    failed(text, &[])
}

fn failed(text: &str, environment: &[(&str, &str)]) -> String {
    resolved(text, environment, &Flags::default()).expect_err(text).to_string()
}

fn resolved(text: &str, environment: &[(&str, &str)], flags: &Flags) -> Result<Config, ConfigError> {
    crate::config::resolve(Some((Path::new("hactl.toml"), text)), &owned(environment), flags)
}

fn owned(environment: &[(&str, &str)]) -> Vec<(String, String)> {
    environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn targets(config: &Config) -> Vec<&str> {
    config.probe.targets.iter().map(|target| target.name().as_str()).collect()
}
