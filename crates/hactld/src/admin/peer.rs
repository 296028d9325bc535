//! Who asks, by the credentials that the kernel gives of a peer (SO_PEERCRED), and what they may.

use std::collections::BTreeSet;
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
    /// Root, the daemon's own user and those that the configuration names: change.
    Operator,
}

/// Who may change something beside root and the daemon's own user, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operators {
    /// Users.
    pub(crate) uids: BTreeSet<u32>,
    /// Groups, of those who run as them.
    pub(crate) gids: BTreeSet<u32>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// `None` where the kernel does not say.
    uid: Option<u32>,
    pid: Option<i32>,
    role: Role,
}

impl Peer {
    /// Who it is, and what they may while `operators` are those that the configuration names.
    pub(crate) fn of(stream: &UnixStream, operators: &Operators) -> Self {
        let Ok(credentials) = stream.peer_cred() else {
            return Self { uid: None, pid: None, role: Role::Reader };
        };
        let (uid, gid) = (credentials.uid(), credentials.gid());
        Self { uid: Some(uid), pid: credentials.pid(), role: role(uid, gid, operators) }
    }

    pub(crate) const fn role(self) -> Role {
        self.role
    }

    /// Whose place it takes: that of a user, and of one of their processes.
    pub(crate) const fn whose(self) -> (Option<u32>, Option<i32>) {
        (self.uid, self.pid)
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
        match self.uid.and_then(name_of) {
            Some(name) => format!("{name} ({self})"),
            None => self.to_string(),
        }
    }
}

fn role(uid: u32, gid: u32, operators: &Operators) -> Role {
    let own = rustix::process::geteuid().as_raw();
    let named = operators.uids.contains(&uid) || operators.gids.contains(&gid);
    if uid == 0 || uid == own || named { Role::Operator } else { Role::Reader }
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
    fn root_the_daemons_own_user_and_those_named_may_change_and_others_may_look() {
        let own = rustix::process::geteuid().as_raw();
        let operators = Operators { uids: [own + 1].into(), gids: [70].into() };
        let role = |(uid, gid)| role(uid, gid, &operators);
        assert_eq!([(0, 9), (own, 9), (own + 1, 9), (own + 2, 70)].map(role), [Role::Operator; 4]);
        assert_eq!([(own + 2, 9), (own + 1000, 0)].map(role), [Role::Reader; 2]);
    }

    #[test]
    fn a_user_is_called_by_name_and_number() {
        assert_eq!(peer(0).described(), "root (uid 0)");
        assert_eq!(peer(4_000_000_001).described(), "uid 4000000001");
    }

    fn peer(uid: u32) -> Peer {
        Peer { uid: Some(uid), pid: None, role: Role::Reader }
    }
}
