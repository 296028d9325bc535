//! The wire form of every command, and that no name can change it.

use proptest::prelude::*;

use super::*;
use crate::MAX_NAME;

#[test]
fn each_command_has_its_one_canonical_form() {
    let server: ServerPath = "socks_back_7891/wg1".parse().unwrap();
    let forms = [
        (Command::ShowInfo, "show info"),
        (Command::ShowVersion, "show version"),
        (Command::ShowServersState(None), "show servers state"),
        (Command::ShowServersState(Some(server.backend.clone())), "show servers state socks_back_7891"),
        (Command::ShowStat, "show stat"),
        (Command::ShowStatProxy { proxy_id: 3 }, "show stat 3 6 -1"),
        (Command::ShowStatServers { proxy_id: 3 }, "show stat 3 4 -1"),
        (Command::ShowBackend, "show backend"),
        (Command::ShowCliLevel, "show cli level"),
        (set_state(&server, AdminState::Ready), "set server socks_back_7891/wg1 state ready"),
        (set_state(&server, AdminState::Drain), "set server socks_back_7891/wg1 state drain"),
        (set_state(&server, AdminState::Maint), "set server socks_back_7891/wg1 state maint"),
        (
            Command::SetServerWeight { server: server.clone(), weight: Weight(256) },
            "set server socks_back_7891/wg1 weight 256",
        ),
        (Command::SetServerAgentDown(server.clone()), "set server socks_back_7891/wg1 agent down"),
        (Command::ShutdownSessionsServer(server), "shutdown sessions server socks_back_7891/wg1"),
    ];
    for (command, form) in forms {
        assert_eq!(command.to_string(), form);
    }
}

#[test]
fn commands_share_a_line_by_semicolons_and_one_line_feed_ends_it() {
    let commands = [Command::ShowInfo, Command::ShowServersState(None), Command::ShowCliLevel];
    assert_eq!(line(&worker(), &commands), "show info;show servers state;show cli level\n");
    assert_eq!(line(&worker(), &commands[..1]), "show info\n");
    assert_eq!(line(&master(), &commands), "@1;show info;show servers state;show cli level\n");
}

#[test]
fn weights_end_at_256() {
    assert_eq!(Weight::try_from(256).unwrap().get(), 256);
    assert_eq!(Weight::try_from(257), Err(WeightError(257)));
}

#[test]
fn nothing_makes_no_batch() {
    assert_eq!(batches(&[]).count(), 0);
}

#[test]
fn a_command_of_the_longest_names_fits_many_times() {
    let longest = "x".repeat(MAX_NAME);
    let server: ServerPath = format!("{longest}/{longest}").parse().unwrap();
    let commands = vec![Command::ShutdownSessionsServer(server); 20];
    assert!(batches(&commands).all(|batch| !batch.is_empty()));
    assert_eq!(batches(&commands).next().map(<[_]>::len), Some(15));
}

proptest! {
    #[test]
    fn whatever_the_names_one_command_is_one_line_of_the_right_words(command in any_command()) {
        let sent = line(&worker(), std::slice::from_ref(&command));
        prop_assert_eq!(&line(&master(), std::slice::from_ref(&command)), &format!("@1;{sent}"));
        prop_assert_eq!(sent.bytes().filter(|b| *b == b'\n').count(), 1);
        prop_assert!(sent.ends_with('\n'));
        let text = sent.trim_end_matches('\n');
        prop_assert!(text.bytes().all(|b| (b' '..=b'~').contains(&b) && !b";\\<#\"'".contains(&b)), "{}", text);
        let words: Vec<_> = text.split(' ').collect();
        prop_assert!(words.iter().all(|word| !word.is_empty()));
        prop_assert_eq!(words.len(), words_of(&command));
        if let Some(server) = command.server() {
            prop_assert_eq!(words.iter().filter(|word| **word == server.to_string()).count(), 1);
        }
    }

    #[test]
    fn batches_lose_nothing_and_fit_with_a_leading_show_info(commands in prop::collection::vec(any_command(), 0..200)) {
        let mut joined = Vec::new();
        for batch in batches(&commands) {
            prop_assert!(!batch.is_empty());
            let mut asked = vec![Command::ShowInfo];
            asked.extend_from_slice(batch);
            prop_assert!(line(&master(), &asked).len() <= MAX_LINE);
            joined.extend_from_slice(batch);
        }
        prop_assert_eq!(joined, commands);
    }
}

fn worker() -> Address {
    Address::Unix("admin.sock".into())
}

fn master() -> Address {
    Address::Master("master.sock".into())
}

fn set_state(server: &ServerPath, state: AdminState) -> Command {
    Command::SetServerState { server: server.clone(), state }
}

fn words_of(command: &Command) -> usize {
    match command {
        Command::ShowInfo | Command::ShowVersion | Command::ShowStat | Command::ShowBackend => 2,
        Command::ShowServersState(None) | Command::ShowCliLevel => 3,
        Command::ShowServersState(Some(_)) | Command::ShutdownSessionsServer(_) => 4,
        Command::ShowStatProxy { .. }
        | Command::ShowStatServers { .. }
        | Command::SetServerState { .. }
        | Command::SetServerAgentDown(_)
        | Command::SetServerWeight { .. } => 5,
    }
}

/// Any command with any name that the newtypes accept; the texts tried include hostile ones.
pub(crate) fn any_command() -> impl Strategy<Value = Command> {
    let text = "[A-Za-z0-9_.:-]{1,40}|[A-Za-z0-9_.:-]{255}|[ -~\\n\\x00]{1,4}";
    let path = (text, text).prop_filter_map("not a name", |(backend, server)| {
        format!("{backend}/{server}").parse::<ServerPath>().ok()
    });
    let state = prop_oneof![Just(AdminState::Ready), Just(AdminState::Drain), Just(AdminState::Maint)];
    prop_oneof![
        Just(Command::ShowInfo),
        Just(Command::ShowVersion),
        Just(Command::ShowServersState(None)),
        path.clone().prop_map(|server| Command::ShowServersState(Some(server.backend))),
        Just(Command::ShowStat),
        any::<u32>().prop_map(|proxy_id| Command::ShowStatProxy { proxy_id }),
        any::<u32>().prop_map(|proxy_id| Command::ShowStatServers { proxy_id }),
        Just(Command::ShowBackend),
        Just(Command::ShowCliLevel),
        (path.clone(), state).prop_map(|(server, state)| Command::SetServerState { server, state }),
        (path.clone(), 0..=256_u16)
            .prop_map(|(server, weight)| Command::SetServerWeight { server, weight: Weight(weight) }),
        path.clone().prop_map(Command::SetServerAgentDown),
        path.prop_map(Command::ShutdownSessionsServer),
    ]
}
