//! What counts as an upstream, and what is said of what does not.

use super::*;

#[tokio::test]
async fn ports_and_addresses_need_no_haproxy() {
    let address = |word: &'static str| async move { resolved(word).await.map(|one| one.address.to_string()) };
    assert_eq!(address("18181").await, Ok("127.0.0.1:18181".to_owned()));
    assert_eq!(address("127.0.0.2:1").await, Ok("127.0.0.2:1".to_owned()));
    assert_eq!(address("[::1]:65535").await, Ok("[::1]:65535".to_owned()));
    assert_eq!(address("socks5h://127.0.0.1:8111").await, Ok("127.0.0.1:8111".to_owned()));
    assert_eq!(address("socks5://127.0.0.1:8111/").await, Ok("127.0.0.1:8111".to_owned()));
}

#[tokio::test]
async fn what_is_no_upstream_is_told_before_anything_is_opened() {
    for word in [":1", "host:", "host:0x1", "70000", "99999999999999999999", "socks5h://", "socks5h://host"] {
        assert_eq!(resolved(word).await.err(), Some(UpstreamError::Form), "{word}");
    }
    for word in ["0", "127.0.0.1:0"] {
        assert_eq!(resolved(word).await.err(), Some(UpstreamError::PortZero), "{word}");
    }
    let word = "socks5h://user:secret@127.0.0.1:1";
    assert_eq!(resolved(word).await.err(), Some(UpstreamError::PasswordInUrl));
}

#[tokio::test]
async fn control_characters_and_commas_are_in_no_upstream() {
    for word in
        ["\u{1b}]0;x\u{7}evil", "a\nb", "a,b", "wg1,online", "socks5h://a,b@127.0.0.1:1", "127.0.0.1:1\u{9b}"]
    {
        assert_eq!(resolved(word).await.err(), Some(UpstreamError::Form), "{word:?}");
    }
}

#[tokio::test]
async fn haproxy_is_asked_once_and_its_absence_is_told_for_every_name() {
    let mut servers = Servers::of(Vec::new(), vec!["/nonexistent/admin.sock".parse().unwrap()]);
    for word in ["wg1", "socks_back_7891/wg1"] {
        let error = resolve(word, &mut servers).await.err().unwrap();
        assert_eq!(
            error.to_string(),
            "/nonexistent/admin.sock does not exist: is haproxy running, and does its `stats socket` line name this \
             path?"
        );
        assert!(matches!(servers.asked, Some((_, Some(_)))));
    }
}

#[tokio::test]
async fn where_the_daemon_knows_a_server_nobody_else_is_asked() {
    let known = |instance: &str, backend: &str, name: &str, port: u16| Known {
        instance: Some(instance.to_owned()),
        backend: backend.to_owned(),
        name: name.to_owned(),
        address: (port != 0).then(|| ([127, 0, 0, 1], port).into()),
    };
    let told = vec![
        known("7891", "b", "wg1", 1),
        known("7891", "b", "wg2", 2),
        known("7892", "b", "wg2", 3),
        known("7892", "b", "unresolved", 0),
    ];
    let mut servers = Servers::of(told, vec!["/nonexistent/admin.sock".parse().unwrap()]);
    for (word, port) in [("wg1", 1), ("b/wg1", 1), ("7891:b/wg2", 2), ("7892:b/wg2", 3)] {
        let found = resolve(word, &mut servers).await.map(|upstream| upstream.address.port());
        assert_eq!(found, Ok(port), "{word}");
    }
    for word in ["wg2", "b/wg2"] {
        let error = resolve(word, &mut servers).await.err().unwrap();
        assert_eq!(error.to_string(), "there are several of that name: 7891:b/wg2, 7892:b/wg2");
    }
    assert_eq!(resolve("unresolved", &mut servers).await.err(), Some(UpstreamError::NoAddressInHaproxy));
    assert!(servers.asked.is_none());
    assert!(matches!(resolve("b/wg9", &mut servers).await, Err(UpstreamError::Haproxy(_))));
}

#[test]
fn standard_input_is_one_upstream_a_line() {
    let words = lines(b"18181\n\n  wg1 \r\n\xff\xfe\nlast".as_slice());
    assert_eq!(words, ["18181", "wg1", "\u{fffd}\u{fffd}", "last"]);
}

#[test]
fn standard_input_ends_somewhere() {
    let endless = std::io::BufReader::new(std::io::repeat(b'\n'));
    assert!(lines(endless).is_empty());
}

async fn resolved(word: &str) -> Result<Upstream, UpstreamError> {
    let mut servers = Servers::of(Vec::new(), vec!["/nonexistent/admin.sock".parse().unwrap()]);
    resolve(word, &mut servers).await
}

#[test]
fn a_password_that_was_typed_is_not_printed_again() {
    for (typed, printed) in [
        ("socks5h://user:pw@127.0.0.1:1", "socks5h://user:***@127.0.0.1:1"),
        ("socks5h://user:p@w:x@127.0.0.1:1", "socks5h://user:***@127.0.0.1:1"),
        ("http://user:pw@h", "http://user:***@h"),
        ("user:pw@h:1", "user:***@h:1"),
        ("socks5h://user@h:1", "socks5h://user@h:1"),
        ("127.0.0.1:18181", "127.0.0.1:18181"),
    ] {
        assert_eq!(without_password(typed), printed);
    }
}
