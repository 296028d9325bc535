//! The reply to `show info`: which process answered and how it is.

use std::str::FromStr;

use crate::table::FormatError;
use crate::text;

/// One HAProxy process as `show info` describes it. `pid` with `start_time_sec` identifies the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// `Pid`: of the worker that answered.
    pub pid: u32,
    /// `Version`, such as `2.6.12-1+deb12u4`.
    pub version: String,
    /// `Stopping`: an old worker after a reload; what it is told is lost.
    pub stopping: bool,
    /// `Start_time_sec`: seconds since 1970 at which the process started; since HAProxy 2.4.
    pub start_time_sec: Option<u64>,
    /// `Uptime_sec`: seconds since the process started.
    pub uptime_sec: u64,
    /// `node`: the name of this HAProxy, by default the host's.
    pub node: Option<String>,
    /// All `key: value` lines, printable.
    lines: String,
}

impl Info {
    /// The value of any key, spelled as HAProxy spells it (`CurrConns`, `Build info`).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        get(&self.lines, key)
    }

    pub(crate) fn parse(body: &[u8]) -> Result<Self, FormatError> {
        if !body.starts_with(b"Name: ") {
            return Err(FormatError::beginning("`Name: `", body));
        }
        let mut lines = String::with_capacity(body.len());
        for line in body.split(|byte| *byte == b'\n') {
            lines.push_str(&text::printable(line));
            lines.push('\n');
        }
        Ok(Self {
            pid: required(&lines, "Pid")?,
            version: required(&lines, "Version")?,
            stopping: required::<u8>(&lines, "Stopping")? != 0,
            start_time_sec: number(&lines, "Start_time_sec")?,
            uptime_sec: required(&lines, "Uptime_sec")?,
            node: get(&lines, "node").map(ToOwned::to_owned),
            lines,
        })
    }
}

fn get<'a>(lines: &'a str, key: &str) -> Option<&'a str> {
    lines
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(k, _)| *k == key)
        .map(|(_, value)| value.trim())
}

fn number<T: FromStr>(lines: &str, key: &'static str) -> Result<Option<T>, FormatError> {
    let parse = |value: &str| value.parse().map_err(|_| FormatError::value(key, value));
    get(lines, key).map(parse).transpose()
}

fn required<T: FromStr>(lines: &str, key: &'static str) -> Result<T, FormatError> {
    number(lines, key)?.ok_or(FormatError::Missing(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_reply_of_2_6_is_read() {
        let info =
            Info::parse(include_bytes!("../tests/replies/2.6/show-info.txt").trim_ascii_end()).unwrap();
        assert_eq!(info.version, "2.6.12-1+deb12u4");
        assert!(!info.stopping);
        assert_eq!(info.node.as_deref(), Some("lab-node"));
        assert_eq!(info.get("Pid"), Some(info.pid.to_string().as_str()));
        assert_eq!(info.get("Unstoppable Jobs"), Some("0"));
        assert_eq!(info.get("no such key"), None);
        assert!(info.start_time_sec.is_some_and(|seconds| seconds > 1_700_000_000));
    }

    #[test]
    fn a_reply_of_a_later_version_is_read() {
        let info =
            Info::parse(include_bytes!("../tests/replies/invented/show-info.txt").trim_ascii_end()).unwrap();
        assert_eq!((info.pid, info.stopping, info.start_time_sec), (412, true, Some(1_786_000_000)));
    }

    #[test]
    fn what_identifies_the_process_must_be_there_and_whole() {
        let parse = |body: &str| Info::parse(body.as_bytes()).unwrap_err();
        assert_eq!(parse("Name: HAProxy\nVersion: 1"), FormatError::Missing("Pid"));
        let body = "Name: HAProxy\nVersion: 2.6\nPid: 7\nUptime_sec: 1";
        assert_eq!(parse(body), FormatError::Missing("Stopping"));
        assert_eq!(parse("Name: x\nPid: -1"), FormatError::value("Pid", "-1"));
        assert_eq!(parse("admin").to_string(), "it begins with `admin`, not with `Name: `");
    }

    #[test]
    fn control_characters_in_values_do_not_get_through() {
        let body = b"Name: HAProxy\nVersion: 2\x1b[31m\nPid: 7\nUptime_sec: 1\nStopping: 0\nnode: a\rb\xff";
        let info = Info::parse(body).unwrap();
        assert_eq!(info.version, "2\\u{1b}[31m");
        assert_eq!(info.node.as_deref(), Some("a\\rb\u{fffd}"));
    }
}
