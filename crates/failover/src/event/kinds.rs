//! All kinds of events: what filters and hooks may name.

use super::Event;

impl Event {
    /// What [`kind`](Self::kind) may give, in the order of its list.
    pub const KINDS: [&str; 49] = [
        "health",
        "in_service",
        "blackout",
        "blackout_over",
        "frozen",
        "thawed",
        "slow",
        "target_rests",
        "target_back",
        "no_canary",
        "starved",
        "steered",
        "kept_out",
        "failed_back",
        "sessions_killed",
        "sessions_kept",
        "applied",
        "answered",
        "agent_misuse",
        "refused",
        "held",
        "adopted",
        "left_out",
        "gone",
        "overridden",
        "contended",
        "ledger_lost",
        "ledger_writable",
        "haproxy_present",
        "haproxy_replaced",
        "haproxy_away",
        "writes_denied",
        "reloads_suffer",
        "missing",
        "exit_changed",
        "reloaded",
        "not_reloaded",
        "paused",
        "resumed",
        "fail_back",
        "override",
        "pin",
        "override_kept",
        "override_expired",
        "override_lost",
        "auto",
        "raw",
        "would",
        "let_go",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_kind_that_an_event_can_be_of() {
        let sources = [include_str!("../event.rs"), include_str!("asked.rs")].concat();
        let written = sources.lines().filter_map(|line| line.trim().strip_suffix("\","));
        let written: Vec<&str> = written
            .filter(|line| line.starts_with("Self::") && line.contains(" => \""))
            .filter_map(|line| line.rsplit('"').next())
            .collect();
        assert_eq!(written, Event::KINDS);
    }
}
