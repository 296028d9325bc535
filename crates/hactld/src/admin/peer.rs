//! Who asks, by the credentials that the kernel gives of a peer (SO_PEERCRED), and what they may.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use tokio::net::UnixStream;

/// Of `/etc/passwd`; a larger one is not searched for the sake of a name.
const PASSWD_MAX: u64 = 1 << 20;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Whoever may connect: look.
    Reader,
    /// Root and the daemon's own user: change.
    Operator,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reader => "reader",
            Self::Operator => "operator",
        })
    }
}

/// The other side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peer {
    /// `None` where the kernel does not say.
    uid: Option<u32>,
}

impl Peer {
    pub(crate) fn of(stream: &UnixStream) -> Self {
        Self { uid: stream.peer_cred().ok().map(|credentials| credentials.uid()) }
    }

    pub(crate) fn role(self) -> Role {
        let own = rustix::process::geteuid().as_raw();
        if self.uid.is_some_and(|uid| uid == 0 || uid == own) { Role::Operator } else { Role::Reader }
    }

    /// Their number, where it is known.
    pub(crate) const fn uid(self) -> Option<u32> {
        self.uid
    }

    /// Their name or, where there is none, their number. Reads a file.
    pub(crate) fn name(self) -> String {
        self.uid.and_then(name_of).unwrap_or_else(|| self.to_string())
    }

    /// Who it is, for those who ask later who did it. Reads a file.
    pub(crate) fn described(self) -> String {
        match self.uid {
            Some(uid) => match name_of(uid) {
                Some(name) => format!("uid {uid} ({name})"),
                None => self.to_string(),
            },
            None => self.to_string(),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uid {
            Some(uid) => write!(f, "uid {uid}"),
            None => f.write_str("somebody unknown"),
        }
    }
}

/// As passwd(5) has it; users that are kept elsewhere go by their number.
fn name_of(uid: u32) -> Option<String> {
    let file = BufReader::new(File::open("/etc/passwd").ok()?.take(PASSWD_MAX));
    file.lines().map_while(Result::ok).find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_daemons_own_user_may_change_and_others_may_look() {
        let own = rustix::process::geteuid().as_raw();
        let role = |uid| Peer { uid }.role();
        assert_eq!([Some(0), Some(own)].map(role), [Role::Operator; 2]);
        assert_eq!([Some(own + 1000), None].map(role), [Role::Reader; 2]);
    }

    #[test]
    fn a_user_is_called_by_number_and_name() {
        assert_eq!(Peer { uid: Some(0) }.described(), "uid 0 (root)");
        assert_eq!(Peer { uid: Some(4_000_000_001) }.described(), "uid 4000000001");
    }
}
