//! One HAProxy by many names, and who holds it.

use super::*;

#[test]
fn one_haproxy_has_one_name_however_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    std::fs::create_dir(real.join("run")).unwrap();
    std::os::unix::fs::symlink(real.join("run"), real.join("link")).unwrap();
    let name = |text: String| canonical(&text.parse().unwrap());
    let expected = real.join("run/admin.sock").display().to_string();
    for there in [false, true] {
        if there {
            std::fs::write(real.join("run/admin.sock"), "").unwrap();
            std::os::unix::fs::symlink(real.join("run/admin.sock"), real.join("other.sock")).unwrap();
            assert_eq!(name(format!("{}/other.sock", real.display())), expected);
        }
        for path in ["run/admin.sock", "link/admin.sock", "./run/../run//admin.sock"] {
            assert_eq!(name(format!("unix:{}/{path}", real.display())), expected, "{path}");
        }
    }
    for text in ["tcp:localhost:9", "tcp:LocalHost:9", "tcp:127.0.0.1:9", "tcp:[::1]:9"] {
        assert_eq!(name(text.to_owned()), "tcp:127.0.0.1:9");
    }
    assert_ne!(name("tcp:127.0.0.2:9".to_owned()), name("tcp:127.0.0.1:9".to_owned()));
    let here = std::env::current_dir().unwrap().canonicalize().unwrap();
    assert_eq!(name("x.sock".to_owned()), here.join("x.sock").display().to_string());
}

#[tokio::test]
async fn the_second_is_told_who_was_first_and_where_and_gets_it_when_that_one_has_gone() {
    let dir = tempfile::tempdir().unwrap();
    let address = Address::Unix(dir.path().join("admin.sock"));
    let first = HaproxyLock::take(&address, Path::new("/run/hactl/first.sock")).await.unwrap();
    let held = HaproxyLock::take(&address, Path::new("/run/second.sock")).await.unwrap_err();
    let LockError::Held { holder, socket, .. } = &held else { panic!("{held:?}") };
    let me = user(rustix::process::geteuid().as_raw());
    assert_eq!(*holder, format!(" (pid {}, user {me})", std::process::id()));
    assert_eq!(socket.as_deref(), Some("/run/hactl/first.sock"));
    drop(first);
    HaproxyLock::take(&address, Path::new("/run/second.sock")).await.unwrap();
}

#[tokio::test]
async fn a_path_of_any_length_can_be_locked() {
    let address = Address::Unix(format!("/{}", "x".repeat(300)).into());
    let _first = HaproxyLock::take(&address, Path::new("a")).await.unwrap();
    assert!(HaproxyLock::take(&address, Path::new("b")).await.is_err());
    let other = Address::Unix(format!("/{}", "x".repeat(301)).into());
    HaproxyLock::take(&other, Path::new("c")).await.unwrap();
}

#[tokio::test]
async fn names_on_tcp_are_locked_by_where_they_lead() {
    let names = |text: &str| {
        let address: Address = text.parse().unwrap();
        async move { names(&address, &canonical(&address)).await }
    };
    assert_eq!(names("tcp:localhost:9").await, ["tcp:127.0.0.1:9"]);
    assert_eq!(names("tcp:127.0.0.3:9").await, ["tcp:127.0.0.3:9"]);
    assert_eq!(names("tcp:nowhere.invalid:9").await, ["tcp:nowhere.invalid:9"]);
}
