//! What a look at the page in a browser needs of the machine.

use std::path::{Path, PathBuf};

/// The programs that look.
pub(crate) struct Means {
    pub(crate) node: PathBuf,
    pub(crate) chromium: PathBuf,
    pub(crate) script: PathBuf,
}

/// They, or what is missing.
pub(crate) fn needs() -> Result<Means, String> {
    let named = |variable: &str, program: &str| match std::env::var_os(variable) {
        Some(path) => Some(PathBuf::from(path)),
        None => in_path(program),
    };
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
    let modules = dir.join("node_modules").join("playwright-core").is_dir();
    match (named("NODE_BIN", "node"), named("CHROMIUM_BIN", "chromium")) {
        (Some(node), Some(chromium)) if modules => {
            Ok(Means { node, chromium, script: dir.join("browser.mjs") })
        }
        (Some(_), Some(_)) => Err("no playwright-core in tests/page: tests/prepare page".to_owned()),
        (Some(_), None) => Err("there is no chromium: tests/prepare page".to_owned()),
        (None, _) => Err("there is no node: tests/prepare page".to_owned()),
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}
