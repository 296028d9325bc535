//! Takes what came back on a connection apart, one reply per command. What a reply says is not judged here.
//!
//! HAProxy has no length or status in its replies; each command knows how its own one ends:
//!
//! - success of a command that changes something is one empty line;
//! - everything else (answers and refusals) is text that ends with an empty line;
//! - in `show stat` an empty line inside a quoted field does not count: such texts come from checked servers;
//! - some refusals of 2.6 lack their empty line. At the end of the connection that does no harm. Before another reply
//!   the two run together, one reply is missing at the end, and the whole is refused.
//!
//! 2.6 can also skip the rest of a line in a race, which looks the same. So every doubt leaves fewer replies than
//! commands, and never one attributed to the wrong command unseen.

use crate::Command;

/// Why replies and commands do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// The connection ended before every command had its reply.
    #[error("{replies} replies to {commands} commands")]
    Missing {
        /// How many whole replies came.
        replies: usize,
        /// How many commands were sent.
        commands: usize,
    },
    /// The connection ended in the middle of a reply.
    #[error("the reply to command {number} of {commands} is cut short")]
    CutShort {
        /// The command whose reply it is, counted from 1.
        number: usize,
        /// How many commands were sent.
        commands: usize,
    },
    /// Something follows the last reply.
    #[error("{bytes} bytes follow the replies to {commands} commands")]
    Surplus {
        /// How much.
        bytes: usize,
        /// How many commands were sent.
        commands: usize,
    },
}

/// The bodies of the replies, without the empty lines that end them; exactly as many as commands.
pub(crate) fn split<'a>(commands: &[Command], bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, FramingError> {
    let mut bodies = Vec::with_capacity(commands.len());
    let mut rest = bytes;
    for command in commands {
        if rest.is_empty() {
            return Err(FramingError::Missing { replies: bodies.len(), commands: commands.len() });
        }
        let cut_short = FramingError::CutShort { number: bodies.len() + 1, commands: commands.len() };
        let (body, later) = take(command, rest).ok_or(cut_short)?;
        bodies.push(body);
        rest = later;
    }
    match rest.len() {
        0 => Ok(bodies),
        bytes => Err(FramingError::Surplus { bytes, commands: commands.len() }),
    }
}

/// What a master says in place of all replies where it has no present worker, and where that one does not take the
/// connection; a worker says neither.
const WITHOUT_WORKER: [&[u8]; 2] =
    [b"Can't find the target PID matching the prefix", b"Can't connect to the target CLI"];

/// The master had nobody to hand the commands to.
pub(crate) fn is_without_worker(bytes: &[u8]) -> bool {
    WITHOUT_WORKER.iter().any(|text| bytes.starts_with(text))
}

/// The first reply's body and what follows the reply; `None` where the reply has no end.
fn take<'a>(command: &Command, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    if let Some(rest) = bytes.strip_prefix(b"\n") {
        return Some((b"", rest));
    }
    match blank_line(command, bytes) {
        Some(end) => Some((&bytes[..end], &bytes[end + 2..])),
        // Only refusals are known to lack the empty line, and only a command that changes something has no other
        // text: an answer without its end may be half an answer.
        None if command.server().is_some() => Some((bytes.strip_suffix(b"\n")?, b"")),
        None => None,
    }
}

/// Where the first two LF in a row begin.
fn blank_line(command: &Command, bytes: &[u8]) -> Option<usize> {
    let stat = matches!(
        command,
        Command::ShowStat | Command::ShowStatProxy { .. } | Command::ShowStatServers { .. }
    );
    let csv = stat && bytes.starts_with(b"#");
    let mut quoted = false;
    bytes.windows(2).position(|pair| {
        quoted ^= csv && pair[0] == b'"';
        !quoted && pair == b"\n\n"
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::command::tests::any_command;

    #[test]
    fn a_chain_is_taken_apart_by_what_each_command_answers() {
        let commands = [maint(), maint(), Command::ShowCliLevel, maint()];
        let bodies = split(&commands, b"\nNo such server.\n\nadmin\n\n\n").unwrap();
        assert_eq!(bodies, [&b""[..], b"No such server.", b"admin", b""]);
    }

    #[test]
    fn a_refusal_at_the_end_may_lack_its_empty_line() {
        assert_eq!(split(&[maint()], b"Empty weight string\n"), Ok(vec![&b"Empty weight string"[..]]));
    }

    #[test]
    fn a_refusal_that_runs_into_the_next_reply_is_noticed_by_the_count() {
        let error = split(&[maint(), maint()], b"Empty weight string\n\n").unwrap_err();
        assert_eq!(error, FramingError::Missing { replies: 1, commands: 2 });
        let recorded = include_bytes!("../tests/replies/2.6/weights.txt");
        let commands = [maint(), maint(), maint(), maint(), Command::ShowCliLevel];
        let error = split(&commands, recorded).unwrap_err();
        assert_eq!(error, FramingError::Missing { replies: 4, commands: 5 });
    }

    #[test]
    fn an_answer_without_its_empty_line_is_half_an_answer() {
        for answer in [&b"admin\n"[..], b"admin", b"1\n# be_id", b"# name\nb1\n"] {
            let error = split(&[Command::ShowBackend], answer).unwrap_err();
            assert_eq!(error, FramingError::CutShort { number: 1, commands: 1 });
        }
        assert!(split(&[maint()], b"No such serv").is_err());
    }

    #[test]
    fn more_than_was_asked_for_is_refused() {
        let error = split(&[maint()], b"\n\n").unwrap_err();
        assert_eq!(error, FramingError::Surplus { bytes: 1, commands: 1 });
    }

    #[test]
    fn an_empty_line_in_a_quoted_field_of_show_stat_ends_nothing() {
        let stat = b"# pxname,\n\"a \"\"\n\n\",\n\nadmin\n\n";
        let (proxy, servers) =
            (Command::ShowStatProxy { proxy_id: 3 }, Command::ShowStatServers { proxy_id: 3 });
        for show_stat in [Command::ShowStat, proxy, servers] {
            let bodies = split(&[show_stat, Command::ShowCliLevel], stat).unwrap();
            assert_eq!(bodies, [&b"# pxname,\n\"a \"\"\n\n\","[..], b"admin"]);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart_or_refused_without_loss(
            commands in prop::collection::vec(any_command(), 1..8),
            bytes in "[a\\n\"#,]{0,40}",
        ) {
            if let Ok(bodies) = split(&commands, bytes.as_bytes()) {
                prop_assert_eq!(bodies.len(), commands.len());
                let text: usize = bodies.iter().map(|body| body.len()).sum();
                prop_assert!(text < bytes.len());
            }
        }

        #[test]
        fn replies_put_together_are_taken_apart_again(
            replies in prop::collection::vec("([a-z]{1,5}\\n){0,3}", 1..10),
        ) {
            let commands = vec![maint(); replies.len()];
            let wire: String = replies.iter().map(|reply| format!("{reply}\n")).collect();
            let bodies: Vec<_> = replies.iter().map(|reply| reply.trim_end().as_bytes()).collect();
            prop_assert_eq!(split(&commands, wire.as_bytes()), Ok(bodies));
        }
    }

    fn maint() -> Command {
        Command::SetServerState { server: "b/s".parse().unwrap(), state: crate::AdminState::Maint }
    }
}
