//! User and password for SOCKS servers that ask for them; the password stands in a file of its own.

use std::path::Path;

use checker::{Credentials, CredentialsError};

use super::locate::Origin;
use super::problem::Problem;
use super::raw::RawBackend;
use super::read_at_most;
use super::resolve::Resolver;

/// RFC 1929 carries 255 bytes; the line's end comes on top.
const PASSWORD_FILE_MAX: u64 = 1024;

impl Resolver<'_> {
    pub(super) fn credentials<'k>(
        &mut self,
        backend: &RawBackend,
        at: &dyn Fn(&'k str) -> [&'k str; 5],
    ) -> Option<Credentials> {
        let (user, file) = match (&backend.username, &backend.password_file) {
            (None, None) => return None,
            (Some(user), Some(file)) => (user, file),
            (Some(_), None) => {
                let next = "say password_file = \"FILE\" as well, or remove it";
                self.report("`username` without `password_file`", next, &at("username"));
                return None;
            }
            (None, Some(_)) => {
                let next = "say username = \"NAME\" as well, or remove it";
                self.report("`password_file` without `username`", next, &at("password_file"));
                return None;
            }
        };
        let password = self.password(file, &at("password_file"))?;
        let (what, key, error) = match Credentials::new(user, &password) {
            Ok(credentials) => return Some(credentials),
            Err(error @ CredentialsError::User(_)) => ("this user cannot be used", "username", error),
            Err(error @ CredentialsError::Password(_)) => {
                ("the password in this file cannot be used", "password_file", error)
            }
        };
        let place = self.source.place(&at(key), Origin::Value);
        self.problems.push(Problem::new(what.to_owned()).because(error.to_string()).at(place));
        None
    }

    /// The file's first line, which may end as a line does.
    fn password(&mut self, file: &Path, at: &[&str]) -> Option<String> {
        let read = read_at_most(file, PASSWORD_FILE_MAX).map_err(|error| error.to_string());
        match read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())) {
            Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(why) => {
                let what = format!("cannot read the password in {}", file.display());
                let next = "name a file that this user may read, with nothing but the password in it";
                let place = self.source.place(at, Origin::Value);
                self.problems.push(Problem::new(what).because(why).next(next.to_owned()).at(place));
                None
            }
        }
    }
}
