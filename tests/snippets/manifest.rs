//! What the manifests in `deploy/` are made of: YAML, the image that they name, and hactl's configuration as it is in force.

use std::path::{Component, Path, PathBuf};
use std::process::Command;

use figment::Figment;
use figment::providers::{Format, Toml};
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

/// The program under test.
pub(crate) const HACTL: &str = env!("CARGO_BIN_EXE_hactl-dup");

/// Where the program reads its configuration, when it is started as the image starts it.
pub(crate) const CONFIG_FILE: &str = "/etc/hactl/hactl.toml";

/// Where HAProxy's image has its own, and whom it runs as.
pub(crate) const HAPROXY_CONFIG: &str = "/usr/local/etc/haproxy/haproxy.cfg";
pub(crate) const HAPROXY_USER: i64 = 99;

/// The image that `deploy/container/Containerfile` makes.
pub(crate) struct Image {
    pub(crate) user: i64,
    pub(crate) group: i64,
    /// As it is written there: a list of texts.
    pub(crate) command: String,
}

impl Image {
    pub(crate) fn read() -> Self {
        let text = read("deploy/container/Containerfile");
        let of = |word: &str| {
            text.lines().find_map(|line| line.strip_prefix(word)).expect("the file has it").trim()
        };
        let (user, group) = of("USER ").split_once(':').expect("user and group");
        let number = |text: &str| text.parse().expect("a number, since the image has no names");
        Self { user: number(user), group: number(group), command: of("CMD ").to_owned() }
    }
}

/// The directory of the repository.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
pub(crate) fn read(file: &str) -> String {
    std::fs::read_to_string(top().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The documents of a YAML file of the repository.
pub(crate) fn load(file: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(crate) fn text(yaml: &Yaml) -> &str {
    yaml.as_str().unwrap_or_else(|| panic!("{yaml:?} is no text"))
}

pub(crate) fn list(yaml: &Yaml) -> &[Yaml] {
    yaml.as_vec().unwrap_or_else(|| panic!("{yaml:?} is no list"))
}

/// The one in a list that is called `name`.
pub(crate) fn named<'a>(list: &'a [Yaml], name: &str) -> &'a Yaml {
    list.iter()
        .find(|one| one["name"].as_str() == Some(name))
        .unwrap_or_else(|| panic!("nothing is called {name}"))
}

pub(crate) fn keys(yaml: &Yaml) -> Vec<&str> {
    yaml.as_hash().unwrap_or_else(|| panic!("{yaml:?} is no table")).keys().map(text).collect()
}

/// `path` seen from `base`, which need not be there.
pub(crate) fn joined(base: &str, path: &str) -> PathBuf {
    Path::new(base).join(path).components().fold(PathBuf::new(), |mut so_far, part| {
        if part == Component::ParentDir {
            so_far.pop();
        } else {
            so_far.push(part);
        }
        so_far
    })
}

/// hactl's configuration with all defaults, as the program itself understands it.
pub(crate) fn in_force(config: &str) -> Value {
    let file = tempfile::NamedTempFile::new().expect("the directory for temporary files is writable");
    std::fs::write(file.path(), config).expect("it is ours");
    let ran = Command::new(HACTL).args(["config", "show", "--defaults"]).arg(file.path()).output();
    let ran = ran.expect("it was built for this test");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let shown = String::from_utf8(ran.stdout).expect("it writes UTF-8");
    Figment::from(Toml::string(&shown)).extract().expect("it is TOML")
}

/// The directory of a file that hactl's configuration names.
pub(crate) fn directory(path: &Value) -> String {
    let path = Path::new(path.as_str().expect("a path"));
    path.parent().expect("a file is in a directory").display().to_string()
}
