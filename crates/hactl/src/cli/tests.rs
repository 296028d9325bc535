//! The command line and its help texts, as they are typed and read.

use clap::{CommandFactory, Parser};
use insta::assert_snapshot;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help_fits_a_terminal_of_80_columns() {
    for command in Cli::command().get_subcommands().map(clap::Command::get_name).chain([""]) {
        let text = help(command);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn help_lists_the_commands_and_their_exit_codes() {
    assert_snapshot!(help(""), @"
    HAProxy says UP, the tunnel is dead: hactl proves that each SOCKS5 upstream
    carries traffic, and steers HAProxy

    Usage: hactl [OPTIONS OF STATUS]
           hactl COMMAND [OPTIONS]

    Commands:
      run          Run the daemon (also by the name hactld)
      status       Show what hactl knows and does (without a command: this)
      top          Watch it live on the whole screen, and set overrides
      explain      Say why a backend or a server is as it is
      wait         Look on until something is as it is wanted
      check        Test upstreams now, without the daemon
      simulate     Show what was decided on a recording, and with other settings
      exits        Show where traffic leaves from, and whether that is where hactl
                   believes
      reload       Have the daemon read its configuration again
      pause        Have the daemon change nothing in HAProxy
      resume       End a pause
      failback     Have a backend's traffic go back to where it belongs
      maint        Take servers out, whatever their probes say
      drain        Have servers take no new connections, whatever their probes say
      ready        Have servers be used, whatever their probes say
      auto         Leave servers to their probes again
      pin          Have one server carry its backend's traffic
      events       Show what happened, and what happens
      doctor       Look for mistakes in the set-up, with what to do about each
      init         Make a configuration for the HAProxy that runs here
      config       Check and show the configuration
      raw          Send one command to HAProxy's runtime API
      completions  Print the completions of a shell

    Options:
          --color <WHEN>  Colours: auto is on a terminal without NO_COLOR [default:
                          auto] [possible values: auto, always, never]
      -h, --help          Print help
      -V, --version       Print version

    Without COMMAND it is hactl status, with its options: hactl -o json, hactl -w.
    Options may stand before the command as well. hactl help COMMAND explains one.

    Exit codes of status:
       0  everything is online and applied
       1  clients are served, but something is degraded, offline, on backup or not
          as wanted
       2  a backend has no working server, or HAProxy cannot be reached or refuses
       3  unknown: hactl does not run or does not answer, or no verdict yet

    Exit codes of check (the worst upstream's):
       0  online    1  degraded    2  offline    3  could not be tested

    Exit codes of maint, drain, ready, auto and pin:
       0  done, and HAProxy was read again    1  taken in, and not done yet
       2  refused                             3  hactl does not run or answer

    Exit codes of doctor:
       0  nothing found    1  warnings    2  errors

    Exit codes of run:
       0  ended by SIGTERM or SIGINT    1  could not start

    Exit codes of simulate:
       0  done    1  the file cannot be replayed

    Of all commands:
      64  usage or configuration error
      74  what was to be printed could not be written
      77  permission denied on hactl's own socket
     124  of wait: the time is over
    ");
}

#[test]
fn help_of_run_says_how_variables_are_called() {
    assert_snapshot!(help("run"), @"
    Run the daemon (also by the name hactld)

    Usage: hactl run [OPTIONS]

    Options:
          --color <WHEN>     Colours: auto is on a terminal without NO_COLOR
                             [default: auto] [possible values: auto, always, never]
          --config <FILE>    Configuration file
          --haproxy <ADDR>   HAProxy's runtime API: PATH, unix:PATH, master:PATH or
                             tcp:HOST:PORT [env: HACTL_HAPROXY]
          --backend <NAME>   A backend to steer; may be repeated
          --socket <PATH>    hactl's own socket [env: HACTL_SOCKET]
          --record <FILE>    Write what is seen to a new file, for hactl simulate
          --state-dir <DIR>  Where what outlives hactl is kept
          --on-exit <WHAT>   What becomes of our maint at the end: keep or restore
          --observe          Change nothing in HAProxy: list what would be sent
      -h, --help             Print help

    Without --config, and without both --haproxy and --backend, the file
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
       0  ended by SIGTERM or SIGINT    1  could not start
      64  usage or configuration error    77  permission denied
    ");
}

#[test]
fn help_of_status_explains_its_exit_codes() {
    assert_snapshot!(help("status"), @"
    Show what hactl knows and does (without a command: this)

    Usage: hactl status [OPTIONS] [NAME]

    Arguments:
      [NAME]  Only this: INSTANCE, BACKEND (or INSTANCE:BACKEND) or BACKEND/SERVER

    Options:
          --color <WHEN>        Colours: auto is on a terminal without NO_COLOR
                                [default: auto] [possible values: auto, always,
                                never]
          --socket <PATH>       hactl's own socket [env: HACTL_SOCKET] [default:
                                /run/hactl/hactl.sock]
      -o, --output <FORMAT>     How to print it: for people, hactl/v1 for programs,
                                csv, or the names alone [default: table] [possible
                                values: table, wide, json, csv, name]
      -w, --watch[=<INTERVAL>]  Go on, and show it anew each INTERVAL (2s) and on
                                every change
          --no-header           Without headings
      -q, --quiet               Print nothing: the exit code says it
          --timeout <DURATION>  For the daemon to answer, from 50ms to 120s
                                [default: 5s]
          --exit-zero           Exit with 0 in place of 1 and 2
      -h, --help                Print help

    Examples:
      hactl status
      hactl status socks_back_7891/wg1
      hactl status -o json | jq '.backends[].active_server'
      hactl status -w=1s

    Exit codes; with NAME, of that alone and of what keeps hactl from steering it:
       0  everything is online and applied
       1  clients are served, but something is degraded, offline, on backup or not
          as wanted
       2  a backend has no working server, or HAProxy cannot be reached or refuses
       3  unknown: hactl does not run or does not answer, or no verdict yet
      64  usage error    77  permission denied on hactl's own socket
    ");
}

#[test]
fn help_of_failback_says_who_waits_for_it() {
    assert_snapshot!(help("failback"), @r#"
    Have a backend's traffic go back to where it belongs

    Usage: hactl failback [OPTIONS] <BACKEND>

    Arguments:
      <BACKEND>  A backend; where several instances have one of this name,
                 INSTANCE:BACKEND

    Options:
          --color <WHEN>     Colours: auto is on a terminal without NO_COLOR
                             [default: auto] [possible values: auto, always, never]
          --socket <PATH>    hactl's own socket [env: HACTL_SOCKET] [default:
                             /run/hactl/hactl.sock]
      -o, --output <FORMAT>  How to print it: for people, or hactl/v1 for programs
                             [default: table] [possible values: table, json]
      -h, --help             Print help

    Preferred servers that are good again wait for this where the backend has
    failback = "manual"; hactl status names them. Where none waits, nothing is done.
    Paused, it is decided and listed, and done when the pause ends.
    Root, the user that hactl runs as and [admin] operators may do this.

    Examples:
      hactl failback socks_back_7891

    Exit codes:
       0  done, and HAProxy was read again    1  taken in, and not done yet
       2  refused    3  hactl does not run or does not answer
      64  usage error    77  permission denied
    "#);
}

#[test]
fn help_of_check_explains_upstreams() {
    assert_snapshot!(help("check"), @"
    Test upstreams now, without the daemon

    Usage: hactl check [OPTIONS] <UPSTREAM>...

    Arguments:
      <UPSTREAM>...  backend/server, server, PORT, HOST:PORT,
                     socks5[h]://[USER@]HOST:PORT, or - for a list on standard input

    Options:
          --color <WHEN>        Colours: auto is on a terminal without NO_COLOR
                                [default: auto] [possible values: auto, always,
                                never]
          --url <URL>           What to ask for through it; may be repeated, and one
                                answer is enough. Without it what the daemon asks
                                for; else https://1.1.1.1/, https://8.8.8.8/ and
                                https://9.9.9.9/
          --ca-file <FILE>      A further certificate authority, PEM
          --timeout <DURATION>  For the whole of one request, from 50ms to 120s
                                [default: 2s]
          --haproxy <ADDR>      HAProxy's runtime API, for upstreams given by server
                                name, in place of what the daemon knows of them
                                [env: HACTL_HAPROXY]
          --socket <PATH>       hactl's own socket, for upstreams given by server
                                name [env: HACTL_SOCKET] [default:
                                /run/hactl/hactl.sock]
      -o, --output <FORMAT>     How to print it; csv is UPSTREAM,HEALTH,MILLISECONDS
                                [default: table] [possible values: table, csv, json]
      -n, --count <COUNT>       Ask so often, up to 100, a moment apart: the worst
                                is shown, with the median of the times [default: 1]
      -v, --verbose             Show every stage with its time
          --exit-zero           Exit with 0 in place of 1 and 2
      -h, --help                Print help

    Examples:
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
       0  online    1  degraded    2  offline    3  could not be tested
      64  usage error
    ");
}

#[test]
fn help_of_simulate_says_what_an_estimate_cannot_know() {
    assert_snapshot!(help("simulate"), @"
    Show what was decided on a recording, and with other settings

    Usage: hactl simulate [OPTIONS] <FILE>

    Arguments:
      <FILE>  What hactl run --record wrote

    Options:
          --color <WHEN>     Colours: auto is on a terminal without NO_COLOR
                             [default: auto] [possible values: auto, always, never]
          --set <KEY=VALUE>  Set this otherwise; may be repeated
      -o, --output <FORMAT>  How to print it [default: table] [possible values:
                             table, json]
      -h, --help             Print help

    Keys of --set are those of the configuration:
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
       0  done    1  the file cannot be replayed    64  usage error
    ");
}

#[test]
fn the_commands_that_have_to_name_the_socket_are_those_that_ask_there() {
    let command = Cli::command();
    let asks = |command: &&clap::Command| {
        command.get_name() != "run" && command.get_arguments().any(|argument| argument.get_id() == "socket")
    };
    let mut asking: Vec<&str> = command.get_subcommands().filter(asks).map(clap::Command::get_name).collect();
    asking.sort_unstable();
    assert_eq!(asking, hactld::text::ASKING);
    let cli = Cli::try_parse_from(["hactl", "auto", "--all", "--socket", "/x/h.sock"]).unwrap();
    assert_eq!(cli.command.socket(), Some(std::path::Path::new("/x/h.sock")));
}

fn help(command: &str) -> String {
    parse(["hactl", command, "--help"].into_iter().filter(|arg| !arg.is_empty()))
}

/// What is printed at 80 columns.
fn parse<'a>(args: impl Iterator<Item = &'a str>) -> String {
    Cli::command().term_width(80).try_get_matches_from(args).unwrap_err().to_string()
}
