//! Names that are safe to splice into a command line. What is not a name of HAProxy's own alphabet cannot be held in
//! these types, and so never reaches the wire.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::text;

/// The longest name accepted, in bytes. HAProxy has no limit of its own; this one lets every command fit many times
/// into one line, and no sane configuration comes near it.
pub const MAX_NAME: usize = 255;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`MAX_NAME`].
    #[error("the name has {length} bytes, more than {MAX_NAME}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A character that HAProxy refuses in names, or that would be syntax on its command line.
    #[error("{found:?} in the name `{name}`: only letters, digits and `_.:-` are allowed")]
    Character {
        /// The name, shortened and escaped.
        name: String,
        /// The first character that does not belong.
        found: char,
    },
}

/// HAProxy's own alphabet (`invalid_char()` in its source). It leaves out what is syntax on the command line (space,
/// `;`, `\`, `<`, `/`, NUL, line feed) and the `#` by which HAProxy tells an id from a name.
fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME {
        return Err(NameError::TooLong { length: name.len() });
    }
    let foreign = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-'));
    match name.chars().find(foreign) {
        Some(found) => Err(NameError::Character { name: text::excerpt(name.as_bytes()), found }),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $type {
            type Error = NameError;

            fn try_from(name: &str) -> Result<Self, NameError> {
                check(name)?;
                Ok(Self(name.into()))
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::try_from(name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

name! {
    /// The name of a backend (or of a `listen` section): 1 to [`MAX_NAME`] of `[A-Za-z0-9_.:-]`. Cheap to clone.
    BackendName
}

name! {
    /// The name of a server, unique in its backend: 1 to [`MAX_NAME`] of `[A-Za-z0-9_.:-]`. Cheap to clone.
    ServerName
}

/// One server of one backend, written `backend/server` as on HAProxy's command line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerPath {
    /// The backend.
    pub backend: BackendName,
    /// The server in it.
    pub server: ServerName,
}

/// Why a text is not a [`ServerPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerPathError {
    /// There is no `/`.
    #[error("`{0}` is not of the form BACKEND/SERVER")]
    NoSlash(String),
    /// The part before the first `/` is no name.
    #[error("the backend of BACKEND/SERVER is not valid")]
    Backend(#[source] NameError),
    /// The part after the first `/` is no name.
    #[error("the server of BACKEND/SERVER is not valid")]
    Server(#[source] NameError),
}

impl ServerPath {
    /// The server `server` of `backend`.
    #[must_use]
    pub const fn new(backend: BackendName, server: ServerName) -> Self {
        Self { backend, server }
    }
}

impl FromStr for ServerPath {
    type Err = ServerPathError;

    fn from_str(path: &str) -> Result<Self, ServerPathError> {
        let (backend, server) =
            path.split_once('/').ok_or_else(|| ServerPathError::NoSlash(text::excerpt(path.as_bytes())))?;
        Ok(Self {
            backend: backend.parse().map_err(ServerPathError::Backend)?,
            server: server.parse().map_err(ServerPathError::Server)?,
        })
    }
}

impl fmt::Display for ServerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.backend, self.server)
    }
}

impl fmt::Debug for ServerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_real_configurations_are_accepted() {
        for name in ["wg1", "socks_back_7891", "cloudflare_warp", "a.b:c-d", "-", "127.0.0.1:80"] {
            assert_eq!(ServerName::try_from(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn whatever_is_syntax_on_the_command_line_is_refused() {
        for name in
            ["#3", "a;b", "a b", "a\\b", "a/b", "<<", "a\nb", "a\rb", "a\0b", "a\tb", "é", "@1", "\"a\""]
        {
            let error = BackendName::try_from(name).unwrap_err();
            assert!(matches!(error, NameError::Character { .. }), "{name:?}: {error}");
            assert!(!error.to_string().chars().any(char::is_control), "{error}");
        }
    }

    #[test]
    fn the_empty_and_the_endless_name_are_refused() {
        assert_eq!(ServerName::try_from(""), Err(NameError::Empty));
        assert!("x".repeat(MAX_NAME).parse::<ServerName>().is_ok());
        assert_eq!("x".repeat(256).parse::<ServerName>(), Err(NameError::TooLong { length: 256 }));
    }

    #[test]
    fn a_server_path_is_read_and_written_as_haproxy_writes_it() {
        let path: ServerPath = "socks_back_7891/wg1".parse().unwrap();
        assert_eq!((path.backend.as_str(), path.server.as_str()), ("socks_back_7891", "wg1"));
        assert_eq!(path.to_string(), "socks_back_7891/wg1");
    }

    #[test]
    fn a_broken_server_path_says_which_part_is_wrong() {
        let parse = |path: &str| path.parse::<ServerPath>().unwrap_err();
        assert_eq!(parse("wg1"), ServerPathError::NoSlash("wg1".to_owned()));
        assert_eq!(parse("/wg1"), ServerPathError::Backend(NameError::Empty));
        assert_eq!(parse("b/"), ServerPathError::Server(NameError::Empty));
        assert!(matches!(parse("#3/#1"), ServerPathError::Backend(NameError::Character { found: '#', .. })));
        assert!(matches!(parse("b/a/c"), ServerPathError::Server(NameError::Character { found: '/', .. })));
    }

    proptest! {
        #[test]
        fn a_name_is_accepted_exactly_when_it_is_of_the_alphabet(name in "[ -~\\n\\r\\t\\x00é]{0,12}|[A-Za-z0-9_.:-]{0,300}") {
            let expected = (1..=MAX_NAME).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b));
            prop_assert_eq!(ServerName::try_from(&*name).is_ok(), expected);
        }
    }
}
