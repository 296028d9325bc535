//! `[admin] operators`: who may change something beside root and the daemon's own user. Names are looked up when the
//! configuration is read, so that a misspelt one is known then.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::str::FromStr;

use super::raw::Parsed;
use super::resolve::Resolver;
use crate::admin::Operators;

/// Of `/etc/passwd` and `/etc/group`; in larger ones nothing is searched.
const FILE_MAX: u64 = 4 << 20;

/// Whoever has more names a group.
const OPERATORS_MAX: usize = 64;

/// Who it is, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RawOperator {
    Uid(u32),
    User(String),
    Gid(u32),
    Group(String),
}

impl FromStr for RawOperator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write \"uid:1000\", \"user:NAME\", \"gid:1000\" or \"group:NAME\"";
        let Some((kind, value)) = text.split_once(':') else {
            return Err(format!("`{text}` does not say whether it is a user or a group; {form}"));
        };
        let number =
            || value.parse::<u32>().map_err(|_| format!("`{value}` in `{text}` is no number; {form}"));
        match kind {
            "uid" => number().map(Self::Uid),
            "gid" => number().map(Self::Gid),
            "user" | "group" if value.is_empty() => Err(format!("`{text}` has no name; {form}")),
            "user" => Ok(Self::User(value.to_owned())),
            "group" => Ok(Self::Group(value.to_owned())),
            _ => Err(format!("`{kind}` in `{text}` is neither a user nor a group; {form}")),
        }
    }
}

/// The users and groups of this host, as passwd(5) and group(5) have them. Those that are kept elsewhere are not there.
pub(super) struct Accounts {
    passwd: Vec<String>,
    group: Vec<String>,
}

impl Accounts {
    pub(super) fn of(passwd: &Path, group: &Path) -> io::Result<Self> {
        Ok(Self { passwd: lines(passwd)?, group: lines(group)? })
    }

    fn uid(&self, name: &str) -> Option<u32> {
        self.passwd.iter().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            if fields.first() == Some(&name) { fields.get(2)?.parse().ok() } else { None }
        })
    }

    /// The group's number, and its members by name.
    fn group(&self, name: &str) -> Option<(u32, Vec<&str>)> {
        self.group.iter().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            if fields.first() != Some(&name) {
                return None;
            }
            let members = fields.get(3).copied().unwrap_or_default();
            let members = members.split(',').map(str::trim).filter(|member| !member.is_empty());
            Some((fields.get(2)?.parse().ok()?, members.collect()))
        })
    }

    fn name_of_group(&self, gid: u32) -> Option<&str> {
        self.group.iter().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse::<u32>().ok()? == gid).then_some(name)
        })
    }

    /// Adds the members of a group, and those whose own group it is. The kernel says of a peer only the group that it runs
    /// as, and not which others it is in.
    fn add_group(&self, gid: u32, operators: &mut Operators) {
        operators.gids.insert(gid);
        let named = self.name_of_group(gid).and_then(|name| self.group(name));
        let members = named.map(|(_, members)| members).unwrap_or_default();
        operators.uids.extend(members.into_iter().filter_map(|member| self.uid(member)));
        operators.uids.extend(self.passwd.iter().filter_map(|line| {
            let mut numbers = line.split(':').skip(2);
            let uid = numbers.next()?.parse::<u32>().ok()?;
            (numbers.next()?.parse::<u32>().ok()? == gid).then_some(uid)
        }));
    }

    /// Adds one, or says who is not known.
    fn add(&self, one: &RawOperator, operators: &mut Operators) -> Result<(), String> {
        match one {
            RawOperator::Uid(uid) => {
                operators.uids.insert(*uid);
            }
            RawOperator::Gid(gid) => self.add_group(*gid, operators),
            RawOperator::User(name) => {
                let uid = self.uid(name).ok_or_else(|| format!("this host has no user `{name}`"))?;
                operators.uids.insert(uid);
            }
            RawOperator::Group(name) => {
                let (gid, _) = self.group(name).ok_or_else(|| format!("this host has no group `{name}`"))?;
                self.add_group(gid, operators);
            }
        }
        Ok(())
    }
}

fn lines(path: &Path) -> io::Result<Vec<String>> {
    BufReader::new(File::open(path)?.take(FILE_MAX)).lines().collect()
}

impl Resolver<'_> {
    pub(super) fn operators(&mut self, raw: Vec<Parsed<RawOperator>>) -> Operators {
        let mut operators = Operators::default();
        if raw.is_empty() {
            return operators;
        }
        if raw.len() > OPERATORS_MAX {
            let what = format!("{} operators; at most {OPERATORS_MAX} are looked at", raw.len());
            self.report(&what, "name a group in place of its members", &["admin", "operators"]);
            return operators;
        }
        let accounts = match Accounts::of(Path::new("/etc/passwd"), Path::new("/etc/group")) {
            Ok(accounts) => accounts,
            // There are images without these files, and numbers need none.
            Err(_) => Accounts { passwd: Vec::new(), group: Vec::new() },
        };
        for (index, Parsed(one)) in raw.iter().enumerate() {
            if let Err(what) = accounts.add(one, &mut operators) {
                let next =
                    "correct it, or name it by number (uid:NUMBER, gid:NUMBER) where it is kept elsewhere";
                self.report(&what, next, &["admin", "operators", &index.to_string()]);
            }
        }
        operators
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_group_are_those_it_lists_and_those_whose_own_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (passwd, group) = (dir.path().join("passwd"), dir.path().join("group"));
        let users = "root:x:0:0::/:\nalice:x:1000:1000::/:\nbob:x:1001:50::/:\nbroken\n:::\n";
        std::fs::write(&passwd, users).unwrap();
        std::fs::write(&group, "netops:x:50:alice, gone,\nempty:x:51:\n").unwrap();
        let accounts = Accounts::of(&passwd, &group).unwrap();
        let of = |texts: &[&str]| {
            let mut operators = Operators::default();
            let added = texts.iter().try_for_each(|text| accounts.add(&text.parse()?, &mut operators));
            added.map(|()| (Vec::from_iter(operators.uids), Vec::from_iter(operators.gids)))
        };
        assert_eq!(of(&["group:netops"]), Ok((vec![1000, 1001], vec![50])));
        assert_eq!(of(&["gid:50", "uid:7"]), Ok((vec![7, 1000, 1001], vec![50])));
        assert_eq!(of(&["user:bob", "gid:99"]), Ok((vec![1001], vec![99])));
        assert_eq!(of(&["user:carol"]), Err("this host has no user `carol`".to_owned()));
        assert_eq!(of(&["group:alice"]), Err("this host has no group `alice`".to_owned()));
        let form = "write \"uid:1000\", \"user:NAME\", \"gid:1000\" or \"group:NAME\"";
        for (text, what) in [
            ("alice", "`alice` does not say whether it is a user or a group"),
            ("uid:alice", "`alice` in `uid:alice` is no number"),
            ("group:", "`group:` has no name"),
            ("usr:alice", "`usr` in `usr:alice` is neither a user nor a group"),
        ] {
            assert_eq!(of(&[text]), Err(format!("{what}; {form}")));
        }
    }
}
