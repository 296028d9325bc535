//! What does not go together, or is not there.

use std::net::Ipv6Addr;

use insta::assert_snapshot;

use super::*;

#[test]
fn an_instance_and_its_backends_have_to_be_complete() {
    assert_snapshot!(problems(""), @r#"
    hactl.toml: which HAProxy is not said
      next: say haproxy = "/run/haproxy/admin.sock" in [[instance]], or --haproxy ADDR
    "#);
    assert_snapshot!(problems("[[instance]]\nhaproxy = \"a.sock\"\n"), @r"
    hactl.toml:1:1: no backend to steer
      1 | [[instance]]
        | ^^^^^^^^^^^^
      next: name it in [[instance.backend]], or by --backend NAME
    ");
    assert_snapshot!(problems("[[instance]]\n[[instance.backend]]\nname = \"b\"\n"), @r#"
    hactl.toml:1:1: which HAProxy is not said
      1 | [[instance]]
        | ^^^^^^^^^^^^
      next: say haproxy = "/run/haproxy/admin.sock" in [[instance]], or --haproxy ADDR
    "#);
    assert_snapshot!(problems("[[instance]]\nhaproxy = \"a.sock\"\n[[instance.backend]]\nservers = [\"wg1\"]\n"), @r#"
    hactl.toml:3:1: a backend without a name
      3 | [[instance.backend]]
        | ^^^^^^^^^^^^^^^^^^^^
      next: say name = "NAME" with HAProxy's name of the backend
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}[[instance.backend]]\nname = \"socks_back_7891\"\n")), @r#"
    hactl.toml:7:8: backend socks_back_7891 is named twice
      7 | name = "socks_back_7891"
        |        ^^^^^^^^^^^^^^^^^
      next: remove one of them
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}servers = []\n")), @r"
    hactl.toml:6:11: no server to steer
      6 | servers = []
        |           ^^
      next: name one, or leave `servers` out to steer all that HAProxy lists
    ");
    assert_snapshot!(problems(&format!("{INSTANCE}policy = \"backups\"\n")), @r#"
    hactl.toml:6:10: unknown policy `backups`; known: order, latency
      6 | policy = "backups"
        |          ^^^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[admin]\nsocket = \"\"\n{INSTANCE}")), @r#"
    hactl.toml:2:10: the path is empty
      2 | socket = ""
        |          ^^
      next: name a path such as "/run/hactl/hactl.sock", or leave `socket` out
    "#);
}

#[test]
fn several_instances_are_told_apart() {
    let two = |one: &str, other: &str| {
        let backend = "[[instance.backend]]\nname = \"b\"\n";
        format!("[[instance]]\n{one}\n{backend}[[instance]]\n{other}\n{backend}")
    };
    let named = two("name = \"one\"\nhaproxy = \"a.sock\"", "name = \"two\"\nhaproxy = \"b.sock\"");
    let config = resolved(&named, &[], &Flags::default()).unwrap();
    let names: Vec<&str> = config.instances.iter().map(|instance| instance.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);

    assert_snapshot!(problems(&two("haproxy = \"a.sock\"", "haproxy = \"b.sock\"")), @r#"
    hactl.toml:1:1: one of several instances without a name
      1 | [[instance]]
        | ^^^^^^^^^^^^
      next: say name = "NAME" in each [[instance]], so that they can be told apart
    hactl.toml:5:1: one of several instances without a name
      5 | [[instance]]
        | ^^^^^^^^^^^^
      next: say name = "NAME" in each [[instance]], so that they can be told apart
    "#);
    let twice = two("name = \"one\"\nhaproxy = \"a.sock\"", "name = \"one\"\nhaproxy = \"unix:a.sock\"");
    assert_snapshot!(problems(&twice), @r#"
    hactl.toml:7:8: two instances are called one
      7 | name = "one"
        |        ^^^^^
      next: call one of them otherwise
    hactl.toml:8:11: a.sock is steered by instance one already
      8 | haproxy = "unix:a.sock"
        |           ^^^^^^^^^^^^^
      next: put all its backends into one [[instance]]
    "#);
    assert_snapshot!(problems(&two("name = \"a b\"\nhaproxy = \"a.sock\"", "name = \"\"")), @r#"
    hactl.toml:2:8: ' ' in the name `a b`: only letters, digits and `_.:-` are allowed
      2 | name = "a b"
        |        ^^^^^
    hactl.toml:7:8: the name is empty
      7 | name = ""
        |        ^^
    "#);
    let flags =
        Flags { haproxy: Some("c.sock".to_owned()), backends: vec!["b".to_owned()], ..Flags::default() };
    assert_snapshot!(resolved(&named, &[], &flags).unwrap_err(), @r"
    --haproxy (or HACTL_HAPROXY): the configuration has 2 instances, and this does not say which is meant
      next: leave it out and change the configuration instead
    --backend: the configuration has 2 instances, and this does not say which is meant
      next: leave it out and change the configuration instead
    ");
    let many: String = (0..=INSTANCES_MAX).map(|_| "[[instance]]\n").collect();
    assert_snapshot!(problems(&many), @r"
    hactl.toml:17:1: 17 instances; one hactl steers at most 16
      17 | [[instance]]
         | ^^^^^^^^^^^^
      next: run another hactl for the rest, with an [admin] socket of its own
    ");
}

#[test]
fn what_haproxy_would_take_for_a_second_command_is_no_name() {
    assert_snapshot!(
        problems("[[instance]]\nhaproxy = \"127.0.0.1:9999\"\n[[instance.backend]]\nname = \"b;disable frontend f\"\n"),
        @r#"
    hactl.toml:2:11: `127.0.0.1:9999` looks like a TCP address: write `tcp:127.0.0.1:9999`, or `./127.0.0.1:9999` for a file
      2 | haproxy = "127.0.0.1:9999"
        |           ^^^^^^^^^^^^^^^^
    hactl.toml:4:8: ';' in the name `b;disable frontend f`: only letters, digits and `_.:-` are allowed
      4 | name = "b;disable frontend f"
        |        ^^^^^^^^^^^^^^^^^^^^^^
    "#
    );
    assert_snapshot!(problems(&format!("{INSTANCE}servers = [\"wg1\", \"wg 2\"]\n")), @r#"
    hactl.toml:6:19: ' ' in the name `wg 2`: only letters, digits and `_.:-` are allowed
      6 | servers = ["wg1", "wg 2"]
        |                   ^^^^^^
    "#);
    assert_snapshot!(problems("[[instance]]\nhaproxy = \"master:\"\n"), @r#"
    hactl.toml:2:11: the path of the socket is empty
      2 | haproxy = "master:"
        |           ^^^^^^^^^
    "#);
    let flags =
        Flags { haproxy: Some("tcp:1".to_owned()), backends: vec!["a\nb".to_owned()], ..Flags::default() };
    assert_snapshot!(crate::config::resolve(None, &[], &flags).unwrap_err(), @r"
    --haproxy (or HACTL_HAPROXY): `tcp:1` is not of the form tcp:HOST:PORT (IPv6: tcp:[ADDRESS]:PORT, port 1 to 65535)
    --backend: '\n' in the name `a\nb`: only letters, digits and `_.:-` are allowed
    ");
}

#[test]
fn the_agent_lever_has_a_port_on_loopback() {
    let lever = |keys: &str| {
        let text = INSTANCE.replacen("[[instance]]\n", &format!("[[instance]]\n{keys}"), 1);
        resolved(&text, &[], &Flags::default()).unwrap().instances[0].lever
    };
    assert_eq!(lever(""), Lever::State);
    assert_eq!(lever("lever = \"state\"\n"), Lever::State);
    assert_eq!(lever("lever = \"agent\"\n"), Lever::Agent(([127, 0, 0, 1], 9777).into()));
    let v6 = lever("lever = \"agent\"\nagent = \"[::1]:1\"\n");
    assert_eq!(v6, Lever::Agent((Ipv6Addr::LOCALHOST, 1).into()));
    for (keys, expected) in [
        ("lever = \"wheel\"", "unknown lever `wheel`; known: state, agent"),
        ("lever = \"agent\"\nagent = \"0.0.0.0:9777\"", "can be reached from other hosts"),
        ("lever = \"agent\"\nagent = \"127.0.0.1:0\"", "0 is not a port"),
        ("lever = \"agent\"\nagent = \"localhost:9777\"", "is not an address with a port"),
        ("agent = \"127.0.0.1:9777\"", "`agent` is of no use without lever = \"agent\""),
        (
            "lever = \"agent\"\nserver_state_file = \"/var/lib/hactl/haproxy.state\"",
            "a server-state file holds administrative states, which lever = \"agent\" never sets",
        ),
    ] {
        let text = format!("[[instance]]\nhaproxy = \"/run/a.sock\"\n{keys}\n");
        let problems = problems(&text);
        assert!(problems.contains(expected), "{problems}");
    }
}

#[test]
fn credentials_are_whole_and_readable() {
    assert_snapshot!(problems(&format!("{INSTANCE}username = \"u\"\n")), @r#"
    hactl.toml:6:12: `username` without `password_file`
      6 | username = "u"
        |            ^^^
      next: say password_file = "FILE" as well, or remove it
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}password_file = \"/p\"\n")), @r#"
    hactl.toml:6:17: `password_file` without `username`
      6 | password_file = "/p"
        |                 ^^^^
      next: say username = "NAME" as well, or remove it
    "#);
    let both = |user: &str, file: &str| {
        problems(&format!("{INSTANCE}username = \"{user}\"\npassword_file = \"{file}\"\n"))
    };
    assert_snapshot!(both("u", "/nonexistent/password"), @r#"
    hactl.toml:7:17: cannot read the password in /nonexistent/password
      7 | password_file = "/nonexistent/password"
        |                 ^^^^^^^^^^^^^^^^^^^^^^^
      why:  No such file or directory (os error 2)
      next: name a file that this user may read, with nothing but the password in it
    "#);
    assert_snapshot!(both("", "/dev/null"), @r#"
    hactl.toml:6:12: this user cannot be used
      6 | username = ""
        |            ^^
      why:  the SOCKS user is 0 bytes long; RFC 1929 carries 1 to 255
    "#);
    assert_snapshot!(both("u", "/dev/zero"), @r#"
    hactl.toml:7:17: cannot read the password in /dev/zero
      7 | password_file = "/dev/zero"
        |                 ^^^^^^^^^^^
      why:  it has more than 1024 bytes
      next: name a file that this user may read, with nothing but the password in it
    "#);
}

#[test]
fn a_variable_is_named_in_its_own_mistakes() {
    let of = |name, value| failed(INSTANCE, &[(name, value)]);
    assert_snapshot!(of("HACTL_PROBE__INTERVAL", "2"), @r#"environment variable HACTL_PROBE__INTERVAL: 2 has no unit; write "2s""#);
    assert_snapshot!(of("HACTL_PROBE__INTERVAL", "0.7"), @r#"environment variable HACTL_PROBE__INTERVAL: 0.7 has no unit; write "0.7s""#);
    assert_snapshot!(of("HACTL_PROBE__INTERVAL", ""), @r#"environment variable HACTL_PROBE__INTERVAL: `` is not a duration; write one such as "500ms" or "2s""#);
    assert_snapshot!(of("HACTL_PROBE__TARGETS", "https://1.1.1.1/"), @r#"environment variable HACTL_PROBE__TARGETS: found the string "https://1.1.1.1/", expected a list in square brackets"#);
    assert_snapshot!(of("HACTL_PROBE__TARGETS", "[1.1.1.1]"), @"environment variable HACTL_PROBE__TARGETS: target `1.1.1.1`: no scheme; write https://1.1.1.1/");
    assert_snapshot!(of("HACTL_PROBE__INTERVALL", "2s"), @r"
    unknown environment variable HACTL_PROBE__INTERVALL
      next: correct it to HACTL_PROBE__INTERVAL, or unset it
    ");
    assert_snapshot!(of("HACTL_INTERVAL", "2s"), @r"
    unknown environment variable HACTL_INTERVAL
      next: correct it to HACTL_PROBE__INTERVAL, or unset it
    ");
    assert_snapshot!(of("HACTL_probe__interval", "2s"), @r"
    unknown environment variable HACTL_probe__interval
      next: correct it to HACTL_PROBE__INTERVAL, or unset it
    ");
    assert_snapshot!(of("HACTL_X", "1"), @"
    unknown environment variable HACTL_X
      next: unset it; known are HACTL_PROBE__TARGETS, HACTL_PROBE__PROFILE, HACTL_PROBE__CANARY, HACTL_PROBE__INTERVAL, HACTL_PROBE__TIMEOUT, HACTL_PROBE__FALSE_ALARM_EVERY, HACTL_PROBE__RIDE_THROUGH, HACTL_PROBE__HOLD, HACTL_PROBE__HOLD_MAX, HACTL_PROBE__CONTROL, HACTL_PROBE__CA_FILE, HACTL_ADMIN__SOCKET, HACTL_ADMIN__OPERATORS, HACTL_WEB__LISTEN, HACTL_WEB__HOSTS, HACTL_WEB__REACH, HACTL_STATE__DIR, HACTL_STATE__ON_EXIT, HACTL_EVENTS__FILE, HACTL_EVENTS__SIZE_MB, HACTL_EVENTS__KEEP, HACTL_EXIT__URL, HACTL_EXIT__EVERY, HACTL_LOG, HACTL_HAPROXY, HACTL_SOCKET, HACTL_SOCKS_PASSWORD
    ");
    assert_snapshot!(of("HACTL_LOG", "debg"), @r"
    environment variable HACTL_LOG: `debg` is no log level
      next: write error, warn, info, debug or trace, for one part such as controller=debug,info
    ");
    assert!(resolved(INSTANCE, &[("HACTL_LOG", "debug"), ("HACTL_SOCKET", "x")], &Flags::default()).is_ok());
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "[probe]\ninterval = 2\ntimeot = \"1s\"\ntargets = [\"1.1.1.1\", 2]\n[admin]\nsocket = 1\n\
                [[instance]]\nhaproxy = \"\"\n[[instance.backend]]\nname = \"a\"\nservers = 1\n\
                [[instance.backend]]\nname = \"b c\"\npolicy = \"fastest\"\n";
    assert_snapshot!(failed(text, &[("HACTL_PROBE__TIMEOUT", "x"), ("HACTL_Y", "")]), @r#"
    unknown environment variable HACTL_Y
      next: unset it; known are HACTL_PROBE__TARGETS, HACTL_PROBE__PROFILE, HACTL_PROBE__CANARY, HACTL_PROBE__INTERVAL, HACTL_PROBE__TIMEOUT, HACTL_PROBE__FALSE_ALARM_EVERY, HACTL_PROBE__RIDE_THROUGH, HACTL_PROBE__HOLD, HACTL_PROBE__HOLD_MAX, HACTL_PROBE__CONTROL, HACTL_PROBE__CA_FILE, HACTL_ADMIN__SOCKET, HACTL_ADMIN__OPERATORS, HACTL_WEB__LISTEN, HACTL_WEB__HOSTS, HACTL_WEB__REACH, HACTL_STATE__DIR, HACTL_STATE__ON_EXIT, HACTL_EVENTS__FILE, HACTL_EVENTS__SIZE_MB, HACTL_EVENTS__KEEP, HACTL_EXIT__URL, HACTL_EXIT__EVERY, HACTL_LOG, HACTL_HAPROXY, HACTL_SOCKET, HACTL_SOCKS_PASSWORD
    environment variable HACTL_PROBE__TIMEOUT: `x` is not a duration; write one such as "500ms" or "2s"
    hactl.toml:2:12: 2 has no unit; write "2s"
      2 | interval = 2
        |            ^
    hactl.toml:3:1: unknown key `timeot`
      3 | timeot = "1s"
        | ^^^^^^ did you mean `timeout`?   known: targets, profile, canary, interval, timeout, false_alarm_every, ride_through, hold, hold_max, control, ca_file
    hactl.toml:4:12: target `1.1.1.1`: no scheme; write https://1.1.1.1/
      4 | targets = ["1.1.1.1", 2]
        |            ^^^^^^^^^
    hactl.toml:6:10: found the number 1, expected a string in quotes
      6 | socket = 1
        |          ^
    hactl.toml:8:11: the path of the socket is empty
      8 | haproxy = ""
        |           ^^
    hactl.toml:11:11: found the number 1, expected a list in square brackets
      11 | servers = 1
         |           ^
    hactl.toml:13:8: ' ' in the name `b c`: only letters, digits and `_.:-` are allowed
      13 | name = "b c"
         |        ^^^^^
    hactl.toml:14:10: unknown policy `fastest`; known: order, latency
      14 | policy = "fastest"
         |          ^^^^^^^^^
    "#);
    let text = "[probe]\ntargets = []\n[[instance]]\n[[instance.backend]]\nname = \"a\"\nservers = []\n\
                [[instance.backend]]\nname = \"a\"\nusername = \"u\"\n";
    assert_snapshot!(problems(text), @r#"
    hactl.toml:2:11: no target to probe
      2 | targets = []
        |           ^^
      next: name at least one, such as "https://1.1.1.1/", or leave `targets` out
    hactl.toml:3:1: which HAProxy is not said
      3 | [[instance]]
        | ^^^^^^^^^^^^
      next: say haproxy = "/run/haproxy/admin.sock" in [[instance]], or --haproxy ADDR
    hactl.toml:6:11: no server to steer
      6 | servers = []
        |           ^^
      next: name one, or leave `servers` out to steer all that HAProxy lists
    hactl.toml:8:8: backend a is named twice
      8 | name = "a"
        |        ^^^
      next: remove one of them
    hactl.toml:9:12: `username` without `password_file`
      9 | username = "u"
        |            ^^^
      next: say password_file = "FILE" as well, or remove it
    "#);
}

#[test]
fn a_thousand_mistakes_are_not_all_told() {
    let text: String = (0..1000).map(|number| format!("key{number} = 1\n")).collect();
    assert_eq!(problems(&text).matches("unknown key").count(), 20);
}

#[test]
fn the_page_is_for_this_host_unless_it_is_said_otherwise() {
    let web =
        |text: &str| resolved(&format!("[web]\n{text}\n{INSTANCE}"), &[], &Flags::default()).unwrap().web;
    assert_eq!(web(""), None);
    let page = web("listen = \"[::1]:9778\"\nhosts = [\"Hactl.Example.net\"]").unwrap();
    assert_eq!(
        (page.to_string().as_str(), page.hosts.as_slice()),
        ("[::1]:9778", &["hactl.example.net".to_owned()][..])
    );
    assert!(web("listen = \"0.0.0.0:80\"\nreach = \"network\"").is_some());
    let wrong = |text: &str| problems(&format!("[web]\n{text}\n{INSTANCE}"));
    assert_snapshot!(wrong("listen = \"0.0.0.0:9778\""), @r#"
    hactl.toml:2:10: 0.0.0.0:9778 can be reached from other hosts, and whoever reaches it may read names, addresses and events
      2 | listen = "0.0.0.0:9778"
        |          ^^^^^^^^^^^^^^
      next: listen on 127.0.0.1, or say reach = "network" as well if that is meant
    "#);
    assert_snapshot!(wrong("hosts = [\"a\"]"), @r#"
    hactl.toml:2:9: `hosts` is of no use without `listen`
      2 | hosts = ["a"]
        |         ^^^^^
      next: say listen = "127.0.0.1:9778" as well, or remove it
    "#);
    assert_snapshot!(wrong("listen = \"9778\"\nhosts = [\"http://a/\"]\nreach = \"all\""), @r#"
    hactl.toml:2:10: `9778` is not an address with a port, as in 127.0.0.1:9778
      2 | listen = "9778"
        |          ^^^^^^
    hactl.toml:3:10: `http://a/` is not a host's name alone, as in hactl.example.net
      3 | hosts = ["http://a/"]
        |          ^^^^^^^^^^^
    hactl.toml:4:9: unknown reach `all`; known: loopback, network
      4 | reach = "all"
        |         ^^^^^
    "#);
}
