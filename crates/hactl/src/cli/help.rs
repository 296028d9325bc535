//! What stands below the options in each command's help: examples, and the documented exit codes.

macro_rules! status_codes {
    () => {
        "   0  everything is online and applied
   1  clients are served, but something is degraded, offline, on backup or not
      as wanted
   2  a backend has no working server, or HAProxy cannot be reached or refuses
   3  unknown: hactl does not run or does not answer, or no verdict yet"
    };
}

macro_rules! check_codes {
    () => {
        "   0  online    1  degraded    2  offline    3  could not be tested"
    };
}

macro_rules! run_codes {
    () => {
        "   0  ended by SIGTERM or SIGINT    1  could not start"
    };
}

macro_rules! change_codes {
    () => {
        "   0  done    3  hactl does not run or does not answer
  64  usage or configuration error    77  permission denied"
    };
}

macro_rules! reload_codes {
    () => {
        "   0  done    1  an instance could not be started, which is tried again, or
      HAProxy has no backend of a name that is new
   3  hactl does not run or does not answer
  64  the configuration has mistakes, and nothing is changed; or a usage error
  77  permission denied"
    };
}

/// Who may change something, for the help of each command that does.
macro_rules! operators {
    () => {
        "Root, the user that hactl runs as and [admin] operators may do this.\n"
    };
}

/// Of commands that order something of servers.
macro_rules! order_codes {
    () => {
        "   0  done, and HAProxy was read again    1  taken in, and not done yet
   2  refused    3  hactl does not run or does not answer
  64  usage error    77  permission denied"
    };
}

macro_rules! simulate_codes {
    () => {
        "   0  done    1  the file cannot be replayed"
    };
}

pub(super) const EXIT_CODES: &str = concat!(
    "Without COMMAND it is hactl status, with its options: hactl -o json, hactl -w.
Options may stand before the command as well. hactl help COMMAND explains one.

Exit codes of status:\n",
    status_codes!(),
    "\n\nExit codes of check (the worst upstream's):\n",
    check_codes!(),
    "\n\nExit codes of maint, drain, ready, auto and pin:
   0  done, and HAProxy was read again    1  taken in, and not done yet
   2  refused                             3  hactl does not run or answer

Exit codes of doctor:
   0  nothing found    1  warnings    2  errors

Exit codes of run:\n",
    run_codes!(),
    "\n\nExit codes of simulate:\n",
    simulate_codes!(),
    "\n\nOf all commands:
  64  usage or configuration error
  74  what was to be printed could not be written
  77  permission denied on hactl's own socket
 124  of wait: the time is over"
);

pub(super) const STATUS_HELP: &str = concat!(
    "Examples:\n",
    "  hactl status\n",
    "  hactl status socks_back_7891/wg1
  hactl status -o json | jq '.backends[].active_server'
  hactl status -w=1s\n\n",
    "Exit codes; with NAME, of that alone and of what keeps hactl from steering it:\n",
    status_codes!(),
    "\n  64  usage error    77  permission denied on hactl's own socket"
);

pub(super) const CHECK_HELP: &str = concat!(
    "Examples:
  hactl check 18181
  hactl check -o csv 18181 18182
  hactl check -v socks_back_7891/wg1
  hactl check --url https://example.org/ socks5h://127.0.0.1:8111

A port alone is one of 127.0.0.1. Where an UPSTREAM is a server's name, its
address is what the daemon says, who knows INSTANCE:backend/server as well.
Where none runs, and with --haproxy, HAProxy is asked. The password for a USER
is HACTL_SOCKS_PASSWORD.
Where an UPSTREAM is called by name and the daemon runs, targets and CA file are
the daemon's, if none are given here. Its logins are not used: `c` in hactl top
has it probe a server itself.
In csv and table a line is what was given, in that order; why one could not be
tested stands on standard error.

Exit codes, the worst upstream's: offline, then degraded, then not tested:
",
    check_codes!(),
    "\n  64  usage error"
);

pub(super) const RUN_HELP: &str = concat!(
    "Without --config, and without both --haproxy and --backend, the file
/etc/hactl/hactl.toml is read. Variables are stronger than the file, and flags
are stronger than both. HACTL_PROBE__HOLD is hold in [probe], and so for each
key of [probe], [admin], [web], [state], [events] and [exit]. HACTL_LOG is
error, warn, info, debug or trace. hactl.toml(5) and hactl config show
--defaults have the keys.

Examples:
  hactl run --haproxy /run/haproxy/admin.sock --backend socks_back_7891
  hactl run --config /etc/hactl/hactl.toml
  hactl run --record /var/tmp/hactl.jsonl

hactl writes down what it takes out, and lifts nothing else, also after a
restart. At the end its maint stays, unless --on-exit restore is said. A second
hactl on one HAProxy does not start.

A recording holds what was seen, and no password. Where there is something in
FILE already, the next free one of FILE.1 to FILE.99 is taken, and the log says
so. Each server takes 5 MB in an hour with profile fast (measured), a quarter of
that with eco. It ends at 1 GiB, or when the disk is full; hactl goes on. Of
several instances each has a file of its own, FILE.NAME. The service is given
--record by systemctl edit hactl.

SIGHUP and hactl reload have all of it read again; a mistake in it changes
nothing. --haproxy and --backend are of one instance.

Exit codes:
",
    run_codes!(),
    "\n  64  usage or configuration error    77  permission denied"
);

pub(super) const SIMULATE_HELP: &str = concat!(
    "Keys of --set are those of the configuration:
  probe.profile, probe.canary, probe.interval, probe.timeout,
  probe.false_alarm_every, probe.ride_through, probe.hold, probe.hold_max
  and of all backends policy, failback, allow_exit_change, when_all_down,
  on_slow

Without --set the decisions are those of the daemon. With it they are beside
those of a daemon with other settings, which is an estimate: its probes were not
made, and are answered from those that were made through the same server at
about the same time. It cannot know when between two probes a fault began or
ended, whether a request that was given up would have been answered after all,
what a server did that was not probed for a minute, and where clients would have
gone.
A suspected false alarm is a server that was condemned and trusted again within
10 s; a fault that was over as soon looks the same.

Examples:
  hactl simulate /var/tmp/hactl.jsonl
  hactl simulate /var/tmp/hactl.jsonl --set probe.ride_through=2s
  hactl simulate -o json /var/tmp/hactl.jsonl | jq .recorded.decisions

Exit codes:
",
    simulate_codes!(),
    "    64  usage error"
);

pub(super) const CHANGE_HELP: &str = concat!(operators!(), "\nExit codes:\n", change_codes!());

pub(super) const RELOAD_HELP: &str = concat!(operators!(), "\nExit codes:\n", reload_codes!());

pub(super) const PAUSE_HELP: &str = concat!(
    "Probing goes on, and hactl status lists what would be sent. A pause ends with
the daemon.
",
    operators!(),
    "
Examples:
  hactl pause --for 30m -m \"moving wg1\"
  hactl resume

Exit codes:
",
    change_codes!()
);

pub(super) const FAILBACK_HELP: &str = concat!(
    "Preferred servers that are good again wait for this where the backend has
failback = \"manual\"; hactl status names them. Where none waits, nothing is done.
Paused, it is decided and listed, and done when the pause ends.
",
    operators!(),
    "
Examples:
  hactl failback socks_back_7891

Exit codes:
",
    order_codes!()
);

pub(crate) use {operators, order_codes};
