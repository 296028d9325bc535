//! `deploy/container/compose.yaml` as far as it can be checked without an engine: it agrees with the image, and with the
//! configurations that it mounts.

use std::collections::BTreeMap;

use yaml_rust2::Yaml;

use super::manifest::{
    CONFIG_FILE, HAPROXY_CONFIG, HAPROXY_USER, Image, directory, in_force, joined, keys, list, load, read,
    text,
};

const DIR: &str = "deploy/container";

/// What the compose specification calls them; a misspelt one would be refused, or worse, passed over.
const SERVICE_KEYS: [&str; 11] = [
    "build",
    "cap_drop",
    "depends_on",
    "image",
    "network_mode",
    "read_only",
    "restart",
    "security_opt",
    "tmpfs",
    "user",
    "volumes",
];

#[test]
fn the_compose_file_agrees_with_the_image_and_with_what_it_mounts() {
    let compose = &load("deploy/container/compose.yaml")[0];
    assert_eq!(keys(compose), ["services", "volumes"]);
    let (haproxy, hactl, image) =
        (&compose["services"]["haproxy"], &compose["services"]["hactl"], Image::read());
    for service in [haproxy, hactl] {
        let unknown: Vec<&str> =
            keys(service).into_iter().filter(|key| !SERVICE_KEYS.contains(key)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        assert_eq!(
            text(&service["network_mode"]),
            "host",
            "both reach the SOCKS servers at the same addresses"
        );
    }

    // Built from what `make static` leaves, by the file that a test builds the image of.
    let context = text(&hactl["build"]["context"]);
    assert_eq!(joined(DIR, context), joined("", "target/static"));
    assert!(read("deploy/build").contains("target/static/hactl"));
    let file = joined(&joined(DIR, context).display().to_string(), text(&hactl["build"]["dockerfile"]));
    assert_eq!(file, joined(DIR, "Containerfile"));
    assert!(
        hactl["user"].is_badvalue() && hactl["command"].is_badvalue(),
        "they are the image's: {}",
        image.command
    );
    assert_eq!(hactl["read_only"].as_bool(), Some(true));
    assert_eq!(text(&list(&hactl["cap_drop"])[0]), "ALL");

    // The files are there, and where the programs look for them.
    let (theirs, ours) = (mounts(haproxy), mounts(hactl));
    let haproxy_cfg = read(&joined(DIR, theirs[HAPROXY_CONFIG]).display().to_string());
    let hactl_toml = in_force(&read(&joined(DIR, ours[CONFIG_FILE]).display().to_string()));

    // The directory of the socket is one volume, which HAProxy may write to, and hactl's group, too.
    let socket = &hactl_toml["instance"][0]["haproxy"];
    assert!(
        haproxy_cfg.contains(socket.as_str().expect("a path"))
            && haproxy_cfg.contains("mode 660 level admin")
    );
    let shared = directory(socket);
    assert_eq!(theirs[&*shared], ours[&*shared]);
    assert_eq!(text(&haproxy["user"]), format!("{HAPROXY_USER}:{}", image.group));
    let options = |volume: &str| text(&compose["volumes"][volume]["driver_opts"]["o"]).to_owned();
    let owned = |user: i64| format!("uid={user},gid={},", image.group);
    assert!(options(ours[&*shared]).starts_with(&owned(HAPROXY_USER)));

    // What hactl writes: the ledger is kept for as long as the volume is, and that is its user's by the image.
    let state = hactl_toml["state"]["dir"].as_str().expect("a path");
    assert!(
        compose["volumes"]
            .as_hash()
            .is_some_and(|volumes| volumes[&Yaml::String(ours[state].into())].is_null())
    );
    let parent = state.rsplit_once('/').expect("a whole path").0;
    let copied = format!("COPY --chown={}:{} lib {parent}\n", image.user, image.group);
    assert!(read("deploy/container/Containerfile").contains(&copied), "{copied}");
    assert!(read("deploy/build").contains("target/static/lib/hactl"));
    let (dir, options) = text(&list(&hactl["tmpfs"])[0]).split_once(':').expect("its owner is said");
    assert_eq!(dir, directory(&hactl_toml["admin"]["socket"]));
    assert!(options.starts_with(&owned(image.user)), "{options}");
}

/// What is mounted, by where.
fn mounts(service: &Yaml) -> BTreeMap<&str, &str> {
    let parts = list(&service["volumes"]).iter().map(|volume| text(volume).split(':').collect::<Vec<_>>());
    parts.map(|parts| (parts[1], parts[0])).collect()
}
