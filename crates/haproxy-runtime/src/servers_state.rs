//! The reply to `show servers state`: every server's state as HAProxy would save it. The bits of the administrative
//! state are handed on raw; what they mean together is the caller's to say.

use crate::table::{self, Column, FormatError, RowError, Rows};
use crate::{BackendName, ServerName, ServerPath};

/// The only version of the format so far.
const VERSION_LINE: &[u8] = b"1";

/// `srv_op_state`: whether a server takes traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpState {
    /// 0: takes no traffic.
    Stopped,
    /// 1: takes traffic in slow start.
    Starting,
    /// 2: takes traffic.
    Running,
    /// 3: finishes what it has.
    Stopping,
    /// A number that this crate does not know.
    Other(u8),
}

impl From<u8> for OpState {
    fn from(raw: u8) -> Self {
        match raw {
            0 => Self::Stopped,
            1 => Self::Starting,
            2 => Self::Running,
            3 => Self::Stopping,
            other => Self::Other(other),
        }
    }
}

/// `srv_admin_state` as HAProxy prints it: a set of bits, never to be compared with 0 as a whole (0x04 stays set for
/// ever on a server that is `disabled` in haproxy.cfg, whatever its state is now).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AdminBits(u32);

impl AdminBits {
    /// The bits as HAProxy printed them.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits as HAProxy printed them.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// One row of `show servers state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerState {
    /// The backend's id, by which `show stat` can be narrowed.
    pub be_id: u32,
    /// The backend's name.
    pub be_name: BackendName,
    /// The server's id; unique in its backend at one time, but used again after `del server`.
    pub srv_id: u32,
    /// The server's name.
    pub srv_name: ServerName,
    /// The address without the port; `-` where there is none.
    pub srv_addr: String,
    /// Whether the server takes traffic.
    pub srv_op_state: OpState,
    /// The administrative state's bits.
    pub srv_admin_state: AdminBits,
    /// The weight in force, 0 to 256.
    pub srv_uweight: u32,
    /// The weight of haproxy.cfg, 0 to 256.
    pub srv_iweight: u32,
    /// Seconds since the operational state changed.
    pub srv_time_since_last_change: i64,
    /// The last health check's status code (6 is L4OK, 15 L7OK; 1 none yet).
    pub srv_check_status: u32,
    /// The last health check's result (0 unknown, 1 neutral, 2 failed, 3 passed, 4 conditionally passed).
    pub srv_check_result: u32,
    /// The health counter: up when at least `rise`.
    pub srv_check_health: i32,
    /// The health check's bits (1 running now, 2 configured, 4 enabled, 8 paused).
    pub srv_check_state: u32,
    /// The agent check's bits, as `srv_check_state`; 0x10 marks an agent.
    pub srv_agent_state: u32,
    /// The address that the agent check asks, where it is not the server's own; not in old versions.
    pub srv_agent_addr: Option<String>,
    /// The port that the agent check asks; not in old versions.
    pub srv_agent_port: Option<u16>,
    /// The name that the address is resolved from, where there is one.
    pub srv_fqdn: Option<String>,
    /// The port.
    pub srv_port: u16,
}

impl ServerState {
    /// The server's full name.
    #[must_use]
    pub fn path(&self) -> ServerPath {
        ServerPath::new(self.be_name.clone(), self.srv_name.clone())
    }
}

pub(crate) fn parse(body: &[u8]) -> Result<Rows<ServerState>, FormatError> {
    let mut lines = body.split(|byte| *byte == b'\n');
    if lines.next() != Some(VERSION_LINE) {
        return Err(FormatError::beginning("the version line `1`", body));
    }
    let header =
        lines.next().and_then(|line| line.strip_prefix(b"# ")).ok_or(FormatError::Missing("# be_id"))?;
    let header = table::header(cells(header))?;
    let columns = Columns::find(&header)?;
    table::rows(lines, |line| columns.row(&table::fields(cells(line), header.len())?))
}

fn cells(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b' ')
}

struct Columns {
    be_id: Column,
    be_name: Column,
    srv_id: Column,
    srv_name: Column,
    srv_addr: Column,
    srv_op_state: Column,
    srv_admin_state: Column,
    srv_uweight: Column,
    srv_iweight: Column,
    srv_time_since_last_change: Column,
    srv_check_status: Column,
    srv_check_result: Column,
    srv_check_health: Column,
    srv_check_state: Column,
    srv_agent_state: Column,
    srv_agent_addr: Option<Column>,
    srv_agent_port: Option<Column>,
    srv_fqdn: Column,
    srv_port: Column,
}

impl Columns {
    fn find(header: &[&[u8]]) -> Result<Self, FormatError> {
        let column = |name| Column::require(header, name);
        Ok(Self {
            be_id: column("be_id")?,
            be_name: column("be_name")?,
            srv_id: column("srv_id")?,
            srv_name: column("srv_name")?,
            srv_addr: column("srv_addr")?,
            srv_op_state: column("srv_op_state")?,
            srv_admin_state: column("srv_admin_state")?,
            srv_uweight: column("srv_uweight")?,
            srv_iweight: column("srv_iweight")?,
            srv_time_since_last_change: column("srv_time_since_last_change")?,
            srv_check_status: column("srv_check_status")?,
            srv_check_result: column("srv_check_result")?,
            srv_check_health: column("srv_check_health")?,
            srv_check_state: column("srv_check_state")?,
            srv_agent_state: column("srv_agent_state")?,
            srv_agent_addr: Column::find(header, "srv_agent_addr"),
            srv_agent_port: Column::find(header, "srv_agent_port"),
            srv_fqdn: column("srv_fqdn")?,
            srv_port: column("srv_port")?,
        })
    }

    fn row(&self, fields: &[&[u8]]) -> Result<ServerState, RowError> {
        let fqdn = self.srv_fqdn.text(fields);
        Ok(ServerState {
            be_id: self.be_id.number(fields)?,
            be_name: self.be_name.name(fields)?,
            srv_id: self.srv_id.number(fields)?,
            srv_name: self.srv_name.name(fields)?,
            srv_addr: self.srv_addr.text(fields),
            srv_op_state: self.srv_op_state.number::<u8, _>(fields)?.into(),
            srv_admin_state: AdminBits(self.srv_admin_state.number(fields)?),
            srv_uweight: self.srv_uweight.number(fields)?,
            srv_iweight: self.srv_iweight.number(fields)?,
            srv_time_since_last_change: self.srv_time_since_last_change.number(fields)?,
            srv_check_status: self.srv_check_status.number(fields)?,
            srv_check_result: self.srv_check_result.number(fields)?,
            srv_check_health: self.srv_check_health.number(fields)?,
            srv_check_state: self.srv_check_state.number(fields)?,
            srv_agent_state: self.srv_agent_state.number(fields)?,
            srv_agent_addr: self.srv_agent_addr.map(|column| column.text(fields)).filter(|addr| addr != "-"),
            srv_agent_port: self.srv_agent_port.map(|column| column.number(fields)).transpose()?,
            srv_fqdn: Some(fqdn).filter(|fqdn| fqdn != "-"),
            srv_port: self.srv_port.number(fields)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NameError;
    use crate::table::MAX_REJECTED;

    #[test]
    fn a_recorded_reply_of_2_6_is_read() {
        let table = parse(&recorded("2.6")).unwrap();
        assert_eq!(table.rejected, []);
        let paths: Vec<_> = table.rows.iter().map(|row| row.path().to_string()).collect();
        let expected =
            ["front/s1", "socks_back_7891/wg1", "socks_back_7891/wg2", "socks_back_7891/cloudflare_warp"];
        assert_eq!(paths, expected);
        let (down, disabled, warp) = (&table.rows[1], &table.rows[2], &table.rows[3]);
        assert_eq!((down.srv_op_state, down.srv_check_status), (OpState::Stopped, 8));
        assert_eq!(disabled.srv_admin_state.bits(), 5);
        assert_eq!((warp.be_id, warp.srv_id, warp.srv_port), (3, 3, 8111));
        assert_eq!((warp.srv_uweight, warp.srv_iweight), (50, 50));
        assert_eq!((warp.srv_addr.as_str(), &warp.srv_fqdn), ("127.0.0.1", &None));
    }

    #[test]
    fn where_an_agent_check_asks_is_read() {
        let body = include_bytes!("../tests/replies/2.6/show-servers-state-agent.txt").trim_ascii_end();
        let s1 = parse(body).unwrap().rows.remove(0);
        assert_eq!((s1.srv_agent_addr.as_deref(), s1.srv_agent_port), (Some("127.0.0.1"), Some(19777)));
        let without = parse(&recorded("2.6")).unwrap().rows.remove(0);
        assert_eq!((without.srv_agent_addr, without.srv_agent_port), (None, Some(0)));
        let old = String::from_utf8(recorded("2.6")).unwrap().replace(" srv_agent_addr ", " x ");
        assert_eq!(parse(old.as_bytes()).unwrap().rows[0].srv_agent_addr, None);
    }

    #[test]
    fn columns_are_found_by_name_whatever_their_order() {
        let table = parse(&recorded("invented")).unwrap();
        assert_eq!(table.rejected, []);
        let wg1 = &table.rows[0];
        assert_eq!(wg1.path().to_string(), "socks_back_7891/wg1");
        assert_eq!((wg1.srv_op_state, wg1.srv_admin_state.bits()), (OpState::Running, 0x40));
        assert_eq!((wg1.srv_check_health, wg1.srv_fqdn.as_deref()), (-1, Some("wg1.example.net")));
    }

    #[test]
    fn a_backend_without_servers_has_no_rows() {
        let body = include_bytes!("../tests/replies/2.6/show-servers-state-empty.txt").trim_ascii_end();
        assert_eq!(parse(body).unwrap(), Rows { rows: vec![], rejected: vec![] });
    }

    #[test]
    fn one_odd_row_does_not_hide_the_others() {
        let body =
            String::from_utf8(recorded("2.6")).unwrap().replace(" wg1 ", " w#g1 ").replace(" 8111 ", " ");
        let table = parse(body.as_bytes()).unwrap();
        assert_eq!(table.rows.len(), 2);
        let reasons: Vec<_> = table.rejected.into_iter().map(|row| row.reason).collect();
        let name = NameError::Character { name: "w#g1".to_owned(), found: '#' };
        let expected = [
            RowError::Name { column: "srv_name", source: name },
            RowError::Fields { expected: 25, found: 24 },
        ];
        assert_eq!(reasons, expected);
    }

    #[test]
    fn a_reply_of_nothing_but_odd_rows_is_refused() {
        let mut body = recorded("2.6");
        body.extend(b"\nx".repeat(MAX_REJECTED));
        assert_eq!(parse(&body).unwrap().rejected.len(), MAX_REJECTED);
        body.extend(b"\nx");
        let expected = FormatError::Rows(RowError::Fields { expected: 25, found: 1 });
        assert_eq!(parse(&body).unwrap_err(), expected);
    }

    #[test]
    fn another_version_or_a_missing_column_is_refused() {
        let text = String::from_utf8(recorded("2.6")).unwrap();
        let other = parse(text.replacen('1', "2", 1).as_bytes()).unwrap_err();
        assert_eq!(other.to_string(), "it begins with `2`, not with the version line `1`");
        let missing = parse(text.replace("srv_admin_state", "x").as_bytes()).unwrap_err();
        assert_eq!(missing, FormatError::Missing("srv_admin_state"));
        assert_eq!(parse(b"1").unwrap_err(), FormatError::Missing("# be_id"));
        assert!(parse(b"").is_err());
    }

    fn recorded(version: &str) -> Vec<u8> {
        let bytes: &[u8] = match version {
            "2.6" => include_bytes!("../tests/replies/2.6/show-servers-state.txt"),
            _ => include_bytes!("../tests/replies/invented/show-servers-state.txt"),
        };
        bytes.trim_ascii_end().to_vec()
    }
}
