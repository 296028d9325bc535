//! What is in the file: HAProxy's format v1, read by its `src/server_state.c` (the same in 2.6 and 3.4 in all that counts
//! here).
//!
//! A row takes effect column by column, in an order: administrative state and weight, then the SRV record, then port,
//! check port and agent port. A port that is in a row wins over haproxy.cfg, for ever, and the format has no way to leave
//! it out: at least twenty columns are asked for, the port is the nineteenth. But HAProxy stops at the twentieth, before
//! it takes the port, where that names a SRV record for a server that has none. So the rows name one: the maint is in
//! force, and port and address are those of haproxy.cfg (tried on 2.6 and 3.4). HAProxy says `server-state
//! partially applied ... no SRV resolution` then, and means just that.
//!
//! A server with a name for its address is left out: there HAProxy asks for no SRV record before it takes the port.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use failover::{Admin, Observed, Owner, ServerId, Step};
use haproxy_runtime::ServerState;

use crate::look::Sight;
use crate::ours::server_id;

/// The version, a line to know the file by, which HAProxy takes for a comment like the next one, and HAProxy's own header
/// as far as the rows go.
pub(super) const HEAD: &str = "1
# hactl keeps this file: the servers that it holds out, for HAProxy to begin with. What others write here is lost.
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight \
srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state \
bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord
";

/// By this a file is known as ours.
pub(super) const MARK: &str = "\n# hactl keeps this file";

/// `srv_op_state`: down until it is made ready, which for a server in maint is no verdict (measured: it is up at once).
const STOPPED: u8 = 0;
/// Up: a server that is drained goes on being checked.
const RUNNING: u8 = 2;

/// `srv_admin_state`: by command. Those of the configuration are not repeated, so that the configuration's win.
const FMAINT: u8 = 1;
const FDRAIN: u8 = 8;

/// `srv_time_since_last_change`, seconds: older than the process that reads it, however long that takes to load, so that
/// the ledger does not take it for somebody else's.
const SINCE: u32 = 3600;

/// The servers that can have a row, and what stands in it besides their state.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) servers: BTreeMap<ServerId, Facts>,
}

#[derive(Debug)]
pub(super) struct Facts {
    pub(super) be_id: u32,
    pub(super) srv_id: u32,
    pub(super) port: u16,
}

impl Rows {
    pub(super) fn see(&mut self, sight: &Sight) {
        let rows = sight.backends.iter().flat_map(|(name, rows)| rows.iter().map(move |row| (name, row)));
        let with_address = rows.filter(|(_, row)| row.srv_fqdn.is_none());
        self.servers = with_address.map(|(name, row)| (server_id(name, row), Facts::of(row))).collect();
    }

    /// The whole file for what `observed` is once `steps` are taken.
    pub(super) fn file(&self, observed: &Observed, steps: &[Step]) -> String {
        let steps: BTreeMap<&ServerId, Admin> = steps.iter().map(|step| (&step.server, step.set)).collect();
        let mut text = HEAD.to_owned();
        for (backend, seen) in &observed.backends {
            for server in seen.servers.iter().filter(|server| server.managed) {
                let id = ServerId::new(backend.clone(), server.name.clone());
                let ours = (server.owner == Owner::Ours).then_some(server.admin);
                let state = steps.get(&id).copied().or(ours);
                if let (Some(state), Some(facts)) = (state, self.servers.get(&id)) {
                    facts.write(&id, state, &mut text);
                }
            }
        }
        text
    }
}

/// The servers that have a row in `file`, which is one of ours.
pub(super) fn servers(file: &str) -> impl Iterator<Item = ServerId> {
    file.lines().skip(1).filter_map(|line| {
        let mut columns = line.split(' ');
        let (backend, server) = (columns.nth(1)?, columns.nth(1)?);
        (!line.starts_with('#')).then(|| ServerId::new(backend, server))
    })
}

impl Facts {
    const fn of(row: &ServerState) -> Self {
        Self { be_id: row.be_id, srv_id: row.srv_id, port: row.srv_port }
    }

    /// One row, where one is needed. Weights of 1 on both sides mean: as configured. The port is the present one, should
    /// a HAProxy take it after all.
    fn write(&self, id: &ServerId, state: Admin, text: &mut String) {
        let (operational, administrative) = match state {
            Admin::Ready => return,
            Admin::Maint => (STOPPED, FMAINT),
            Admin::Drain => (RUNNING, FDRAIN),
        };
        let Self { be_id, srv_id, port } = self;
        let ServerId { backend, server } = id;
        // Memory takes whatever is written to it.
        let _ = writeln!(
            text,
            "{be_id} {backend} {srv_id} {server} - {operational} {administrative} 1 1 {SINCE} 1 0 0 0 0 0 0 hactl {port} _hactl"
        );
    }
}
