//! Replies as recorded, as a later version may have them, and as nobody should have them.

use proptest::prelude::*;

use super::*;
use crate::command::tests::any_command;
use crate::{AdminState, framing};

#[test]
fn a_recorded_chain_gives_each_command_its_own_reply() {
    let server =
        |path: &str| Command::SetServerState { server: path.parse().unwrap(), state: AdminState::Maint };
    let commands = [
        Command::ShowInfo,
        server("socks_back_7891/wg1"),
        server("socks_back_7891/nope"),
        server("nope/wg1"),
        Command::ShutdownSessionsServer("socks_back_7891/wg1".parse().unwrap()),
        Command::ShowCliLevel,
        Command::ShowServersState(Some("socks_back_7891".parse().unwrap())),
    ];
    for bytes in [
        &include_bytes!("../../tests/replies/2.6/chain.txt")[..],
        include_bytes!("../../tests/replies/3.4/chain.txt"),
    ] {
        chain_is_taken_apart(&parse(&commands, bytes));
    }
}

fn chain_is_taken_apart(replies: &[Result<Reply, CommandError>]) {
    assert!(matches!(&replies[0], Ok(Reply::Info(info)) if !info.stopping));
    assert_eq!(replies[1], Ok(Reply::Done));
    assert_eq!(replies[2], Err(CommandError::NoSuchServer("socks_back_7891/nope".parse().unwrap())));
    assert_eq!(replies[3], Err(CommandError::NoSuchBackend("nope".parse().unwrap())));
    assert_eq!(replies[4], Ok(Reply::Done));
    assert_eq!(replies[5], Ok(Reply::Level(Level::Admin)));
    let Ok(Reply::ServersState(state)) = &replies[6] else { panic!("{:?}", replies[6]) };
    assert_eq!(state.rows[0].srv_admin_state.bits(), 1);
}

#[test]
fn short_recorded_replies_are_read() {
    let version = include_bytes!("../../tests/replies/2.6/show-version.txt");
    assert_eq!(one(&Command::ShowVersion, version), Ok(Reply::Version("2.6.12-1+deb12u4".to_owned())));
    let backends = include_bytes!("../../tests/replies/2.6/show-backend.txt");
    let names = ["front", "socks_back_7891", "empty_back"].map(|name| name.parse().unwrap());
    assert_eq!(one(&Command::ShowBackend, backends), Ok(Reply::Backends(names.to_vec())));
    let level = include_bytes!("../../tests/replies/2.6/show-cli-level.txt");
    assert_eq!(one(&Command::ShowCliLevel, level), Ok(Reply::Level(Level::Admin)));
}

#[test]
fn recorded_replies_of_3_4_are_read() {
    let version = include_bytes!("../../tests/replies/3.4/show-version.txt");
    assert_eq!(one(&Command::ShowVersion, version), Ok(Reply::Version("3.4.0-64a335366".to_owned())));
    let backends = include_bytes!("../../tests/replies/3.4/show-backend.txt");
    let names = ["socks_back_7891", "other"].map(|name| name.parse().unwrap());
    assert_eq!(one(&Command::ShowBackend, backends), Ok(Reply::Backends(names.to_vec())));
    let level = include_bytes!("../../tests/replies/3.4/show-cli-level.txt");
    assert_eq!(one(&Command::ShowCliLevel, level), Ok(Reply::Level(Level::Admin)));
    let denied = one(&ready(), include_bytes!("../../tests/replies/3.4/permission-denied.txt"));
    assert!(matches!(denied, Err(CommandError::PermissionDenied { .. })));

    let command = Command::ShowStatProxy { proxy_id: 3 };
    let stat = one(&command, include_bytes!("../../tests/replies/3.4/show-stat.txt"));
    let Ok(Reply::Stat(stat)) = stat else { panic!("{stat:?}") };
    assert_eq!(stat.rows.iter().map(|row| row.bck).collect::<Vec<_>>(), [Some(1), Some(1), Some(1), Some(0)]);
    assert_eq!(stat.rows[3].algo.as_deref(), Some("first"));
    let user = one(&command, include_bytes!("../../tests/replies/3.4/show-stat-user-level.txt"));
    assert!(
        matches!(user, Ok(Reply::Stat(stat)) if stat.rows[3].algo.is_none() && stat.rows[0].addr.is_none())
    );

    let servers = Command::ShowServersState(Some("socks_back_7891".parse().unwrap()));
    let state = one(&servers, include_bytes!("../../tests/replies/3.4/show-servers-state.txt"));
    let Ok(Reply::ServersState(state)) = state else { panic!("{state:?}") };
    let bits: Vec<u32> = state.rows.iter().map(|row| row.srv_admin_state.bits()).collect();
    assert_eq!((bits, state.rejected.len()), (vec![0, 0, 5], 0));
}

#[test]
fn an_unknown_backend_is_told_by_show_servers_state_in_other_words() {
    let backend: BackendName = "nope".parse().unwrap();
    let bytes = include_bytes!("../../tests/replies/2.6/show-servers-state-unknown-backend.txt");
    let reply = one(&Command::ShowServersState(Some(backend.clone())), bytes);
    assert_eq!(reply, Err(CommandError::NoSuchBackend(backend)));
}

#[test]
fn a_low_level_is_answered_with_the_line_to_write() {
    let error = one(&ready(), include_bytes!("../../tests/replies/2.6/permission-denied.txt")).unwrap_err();
    let line = "`stats socket /run/haproxy/admin.sock mode 660 level admin`";
    assert!(error.to_string().contains(line), "{error}");
}

#[test]
fn a_recorded_chain_through_the_master_cli_has_no_reply_to_its_prefix() {
    let set = |path: &str, state| Command::SetServerState { server: path.parse().unwrap(), state };
    let commands = [
        Command::ShowCliLevel,
        set("b/s1", AdminState::Maint),
        set("b/zz", AdminState::Maint),
        set("b/s1", AdminState::Ready),
        Command::ShowServersState(Some("noagent".parse().unwrap())),
    ];
    let replies = parse(&commands, include_bytes!("../../tests/replies/2.6/master-chain.txt"));
    assert_eq!(replies[0], Ok(Reply::Level(Level::Admin)));
    assert_eq!(replies[2], Err(CommandError::NoSuchServer("b/zz".parse().unwrap())));
    assert_eq!((&replies[1], &replies[3]), (&Ok(Reply::Done), &Ok(Reply::Done)));
    assert!(matches!(&replies[4], Ok(Reply::ServersState(state)) if state.rows.len() == 1));
}

#[test]
fn a_recorded_master_without_a_worker_is_told_from_every_reply() {
    let bytes = include_bytes!("../../tests/replies/2.6/master-no-worker.txt");
    assert!(framing::is_without_worker(bytes));
    assert!(framing::split(&[Command::ShowInfo], bytes).is_err());
    assert!(!framing::is_without_worker(include_bytes!("../../tests/replies/2.6/chain.txt")));
}

#[test]
fn unknown_commands_are_told_by_their_first_words_in_every_version() {
    for bytes in [
        &include_bytes!("../../tests/replies/2.6/unknown-command.txt")[..],
        include_bytes!("../../tests/replies/3.4/unknown-command.txt"),
    ] {
        let reply = one(&Command::ShowVersion, bytes);
        assert_eq!(reply, Err(CommandError::UnknownCommand(Command::ShowVersion)));
    }
}

#[test]
fn an_old_worker_is_told_from_a_refusal() {
    let commands = [Command::ShowInfo, ready()];
    let replies = parse(&commands, include_bytes!("../../tests/replies/2.6/stale-worker.txt"));
    assert!(matches!(&replies[0], Ok(Reply::Info(info)) if info.stopping));
    assert_eq!(replies[1], Err(CommandError::StaleWorker(ready())));
}

#[test]
fn severities_in_front_of_texts_are_skipped() {
    for bytes in [
        include_bytes!("../../tests/replies/2.6/severity-number.txt").to_vec(),
        include_bytes!("../../tests/replies/2.6/severity-string.txt").to_vec(),
    ] {
        let replies = parse(&[Command::ShowCliLevel, ready(), ready()], &bytes);
        assert_eq!(replies[0], Ok(Reply::Level(Level::Admin)));
        assert_eq!(replies[1], Err(CommandError::NoSuchBackend("tcpb".parse().unwrap())));
        assert_eq!(replies[2], Ok(Reply::Done));
    }
}

#[test]
fn an_unknown_text_in_place_of_success_is_a_refusal_made_harmless() {
    let reply = one(&ready(), b"what\x1b[31m\r\nnow \xff\n\n");
    let text = "what\\u{1b}[31m\\r\\nnow \u{fffd}".to_owned();
    assert_eq!(reply, Err(CommandError::Refused { command: ready(), text }));
    let long = [&b"x".repeat(5000)[..], b"\n\n"].concat();
    let message = one(&ready(), &long).unwrap_err().to_string();
    assert!(message.chars().count() < 300, "{message}");
}

#[test]
fn a_text_that_does_not_fit_its_command_is_malformed() {
    for bytes in [&b"No such server.\n\n"[..], b"\n", b"OK\n\n", b"\xff\xfe\n\n"] {
        for command in [Command::ShowInfo, Command::ShowVersion, Command::ShowBackend, Command::ShowCliLevel]
        {
            let reply = one(&command, bytes);
            assert!(matches!(reply, Err(CommandError::Malformed { .. })), "{command}: {reply:?}");
        }
    }
    let hostile = one(&Command::ShowBackend, b"# name\nok\na;b\n\n");
    assert!(matches!(hostile, Err(CommandError::Malformed { source: FormatError::Name(_), .. })));
}

#[test]
fn levels_are_ordered_by_what_they_may_do() {
    assert!(Level::User < Level::Operator && Level::Operator < Level::Admin);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parsers_panic(command in any_command(), bytes: Vec<u8>) {
        let _ = answer(&command, &bytes).reply();
    }

    #[test]
    fn nothing_like_a_real_reply_makes_the_parsers_panic(
        command in any_command(),
        begin in "1\\n# be_id|# pxname,|# name\\n|Name: |",
        rest in "[\\n,\" #0-9a-z:-]{0,80}",
    ) {
        let _ = answer(&command, format!("{begin}{rest}").as_bytes()).reply();
    }

    #[test]
    fn a_recorded_reply_with_bytes_changed_or_cut_never_panics(
        which in 0..RECORDED.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut: prop::sample::Index,
    ) {
        let (command, recorded) = &RECORDED[which];
        let mut bytes = recorded.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let commands = [command.clone()];
        if let Ok(bodies) = framing::split(&commands, &bytes) {
            let _ = answer(command, bodies[0]).reply();
        }
    }

    #[test]
    fn a_recorded_reply_cut_anywhere_is_never_taken_for_a_whole_one(
        which in 0..RECORDED.len(),
        cut: prop::sample::Index,
    ) {
        let (command, recorded) = &RECORDED[which];
        let bytes = &recorded[..cut.index(recorded.len())];
        prop_assert!(framing::split(std::slice::from_ref(command), bytes).is_err());
    }
}

const RECORDED: [(Command, &[u8]); 8] = [
    (Command::ShowInfo, include_bytes!("../../tests/replies/2.6/show-info.txt")),
    (Command::ShowServersState(None), include_bytes!("../../tests/replies/2.6/show-servers-state.txt")),
    (Command::ShowStat, include_bytes!("../../tests/replies/2.6/show-stat.txt")),
    (Command::ShowStat, include_bytes!("../../tests/replies/2.6/show-stat-binary-check-text.txt")),
    (Command::ShowBackend, include_bytes!("../../tests/replies/2.6/show-backend.txt")),
    (Command::ShowInfo, include_bytes!("../../tests/replies/3.4/show-info.txt")),
    (Command::ShowServersState(None), include_bytes!("../../tests/replies/3.4/show-servers-state.txt")),
    (Command::ShowStat, include_bytes!("../../tests/replies/3.4/show-stat.txt")),
];

fn ready() -> Command {
    Command::SetServerState { server: "tcpb/wg2".parse().unwrap(), state: AdminState::Ready }
}

fn one(command: &Command, bytes: &[u8]) -> Result<Reply, CommandError> {
    parse(std::slice::from_ref(command), bytes).remove(0)
}

fn parse(commands: &[Command], bytes: &[u8]) -> Vec<Result<Reply, CommandError>> {
    let bodies = framing::split(commands, bytes).unwrap();
    commands.iter().zip(bodies).map(|(command, body)| answer(command, body).reply()).collect()
}

fn answer<'a>(command: &'a Command, body: &'a [u8]) -> Answer<'a> {
    static ADDRESS: std::sync::LazyLock<Address> =
        std::sync::LazyLock::new(|| "/run/haproxy/admin.sock".parse().unwrap());
    Answer { address: &ADDRESS, command, body }
}
