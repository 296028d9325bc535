//! What is a target and what is not.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

#[test]
fn the_three_schemes_have_their_ports_and_paths() {
    for (text, host, port, path) in [
        ("http://1.1.1.1", "1.1.1.1", 80, Some("/")),
        ("https://1.1.1.1/", "1.1.1.1", 443, Some("/")),
        ("HTTPS://one.one.one.one/x?y=1", "one.one.one.one", 443, Some("/x?y=1")),
        ("http://example.com?q", "example.com", 80, Some("/?q")),
        ("https://[2606:4700:4700::1111]:8443/a", "[2606:4700:4700::1111]", 8443, Some("/a")),
        ("http://[::1]", "[::1]", 80, Some("/")),
        ("tcp://192.0.2.1:22", "192.0.2.1", 22, None),
        ("tcp://my_host.example.:65535", "my_host.example.", 65535, None),
        ("http://localhost:1/@home", "localhost", 1, Some("/@home")),
    ] {
        let target: Target = text.parse().unwrap();
        assert_eq!(target.name().as_str(), text);
        assert_eq!(target.to_string(), text);
        assert_eq!((target.host().to_string().as_str(), target.port()), (host, port), "{text}");
        let found = match target.protocol() {
            Protocol::Tcp => None,
            Protocol::Http { path } | Protocol::Https { path, .. } => Some(&**path),
        };
        assert_eq!(found, path, "{text}");
    }
}

#[test]
fn an_error_says_what_why_and_what_to_write() {
    let long_name = format!("http://{}.com/", "a".repeat(252));
    let long_path = format!("http://a/{}", "p".repeat(1024));
    for (text, message) in [
        ("1.1.1.1", "target `1.1.1.1`: no scheme; write https://1.1.1.1/"),
        ("", "target ``: no scheme; write https:///"),
        ("example.com/x", "target `example.com/x`: no scheme; write https://example.com/x"),
        ("::1", "target `::1`: no scheme; write https://[::1]/"),
        ("ftp://a/", "target `ftp://a/`: scheme `ftp` is not known; use http, https or tcp"),
        ("https://::1/", "target `https://::1/`: an IPv6 address stands in brackets; write [::1]"),
        ("tcp://a", "target `tcp://a`: tcp has no default port; write tcp://HOST:PORT"),
        ("tcp://a:1/", "target `tcp://a:1/`: a tcp target has no path; end it after the port"),
        ("http:///x", "target `http:///x`: no host; write SCHEME://HOST"),
        ("http://a:0/", "target `http://a:0/`: port `0` is not a number from 1 to 65535"),
        (&long_name, "the host name is 256 bytes long; SOCKS5 carries at most 255"),
        (&long_path, "the path is 1025 bytes long; at most 1024 are sent"),
    ] {
        let error = text.parse::<Target>().unwrap_err().to_string();
        assert!(error.ends_with(message), "{error}");
    }
}

#[test]
fn malformed_hosts_and_ports_are_refused() {
    for host in [
        "1.1.1",
        "1.1.1.256",
        "1.1.1.1.",
        "a..b",
        ".",
        ".a",
        "-a",
        "a-",
        "[::1",
        "::1]",
        "[]",
        "[1.1.1.1]",
        "[fe80::1%eth0]",
        "a,b",
        "a\\b",
        "[::1]x",
        "%31",
        "a]b",
    ] {
        let error = format!("http://{host}/").parse::<Target>().unwrap_err();
        assert!(matches!(error.flaw, TargetFlaw::Host(_) | TargetFlaw::Port(_)), "{host}: {error}");
    }
    for port in ["", "65536", "+80", "-1", "8o", "80:81"] {
        let error = format!("http://a:{port}/").parse::<Target>().unwrap_err();
        assert_eq!(error.flaw, TargetFlaw::Port(port.to_owned()));
    }
    let label = "l".repeat(64);
    assert!(matches!(format!("http://{label}/").parse::<Target>().unwrap_err().flaw, TargetFlaw::Host(_)));
}

#[test]
fn a_password_in_a_target_is_refused_and_not_repeated() {
    for text in
        ["https://user:secret@host/", "user:secret@host", "https://user:sec/ret@host/", "http://u:secret@"]
    {
        let error = text.parse::<Target>().unwrap_err().to_string();
        assert!(!error.contains("sec") && !error.contains("ret@"), "{error}");
    }
    let error = "https://user:secret@host/".parse::<Target>().unwrap_err();
    assert_eq!(error.flaw, TargetFlaw::UserInfo);
    assert_eq!(error.target, "https://***@host/");
}

#[test]
fn fragments_spaces_and_control_characters_are_refused() {
    assert_eq!("http://a/#b".parse::<Target>().unwrap_err().flaw, TargetFlaw::Fragment);
    for character in [' ', '\n', '\r', '\0', '\t', '\u{7f}', 'ü', '\u{202e}'] {
        for text in [
            format!("http://a{character}/"),
            format!("http://a/{character}"),
            format!("http://a/ {character}"),
        ] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(matches!(error.flaw, TargetFlaw::Character(_)), "{error}");
            assert!(!error.to_string().chars().any(char::is_control), "{error}");
        }
    }
}

#[test]
fn https_by_address_verifies_the_address_and_sni_replaces_it() {
    let target: Target = "https://1.1.1.1/".parse().unwrap();
    let by_address = ServerName::from("1.1.1.1".parse::<IpAddr>().unwrap());
    assert!(matches!(target.protocol(), Protocol::Https { server_name, .. } if *server_name == by_address));
    let options = TargetOptions { sni: Some("one.one.one.one".into()), ..TargetOptions::default() };
    let by_name = ServerName::try_from("one.one.one.one").unwrap();
    let target = target.with(options).unwrap();
    assert!(matches!(target.protocol(), Protocol::Https { server_name, .. } if *server_name == by_name));
    assert_eq!(target.host(), &Host::V4([1, 1, 1, 1].into()));
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let flaw =
        |text: &str, options: TargetOptions| text.parse::<Target>().unwrap().with(options).unwrap_err().flaw;
    let sni = |name: &str| TargetOptions { sni: Some(name.into()), ..TargetOptions::default() };
    let expect = |statuses: &[u16]| TargetOptions {
        expect: Expect::Statuses(statuses.to_vec()),
        ..Default::default()
    };
    assert_eq!(flaw("http://a/", sni("b")), TargetFlaw::SniWithoutTls);
    for name in ["", "1.1.1.1", "a b", "a\n"] {
        assert!(matches!(flaw("https://a/", sni(name)), TargetFlaw::Sni(_)), "{name:?}");
    }
    assert_eq!(flaw("tcp://a:1", expect(&[200])), TargetFlaw::ExpectWithoutHttp);
    assert_eq!(flaw("http://a/", expect(&[])), TargetFlaw::NoStatus);
    assert_eq!(flaw("http://a/", expect(&[204, 100])), TargetFlaw::Status(100));
}

#[test]
fn only_the_expected_statuses_are_allowed() {
    assert!(Expect::AnyResponse.allows(500));
    let some = Expect::Statuses(vec![200, 204]);
    assert!(some.allows(204) && !some.allows(302));
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics_and_prints_safely(text in "\\PC{0,40}|(http|https|tcp)://.{0,40}") {
        match text.parse::<Target>() {
            Ok(target) => prop_assert_eq!(target.name().as_str(), text.as_str()),
            Err(error) => prop_assert!(!error.to_string().chars().any(char::is_control)),
        }
    }
}
