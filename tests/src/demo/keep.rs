//! After the story: the scene stays, to be looked at from another terminal, broken and healed by typed commands.

use std::io;
use std::time::Instant;

use e2e::Fault;
use e2e::lab::EXITS;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::hactl::SOCKET;
use crate::ports;
use crate::run::Failure;
use crate::scene::{POLL, Scene};
use crate::step::look;
use crate::voice::{Voice, Who};

/// Commands that may wait: nobody types faster.
const COMMANDS_WAITING_MAX: usize = 16;

/// A typed line.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Set(Fault, Vec<&'static str>),
    Quit,
}

/// What comes from standard input.
enum Input {
    Line(String),
    /// A terminal's Ctrl-D ends the demo. The end of a file or pipe does not: a demo in the background has no input.
    End,
}

/// Shows what happens, and does what is typed, until it is told to quit.
pub(crate) async fn run(voice: &Voice, scene: &mut Scene) -> Result<(), Failure> {
    introduce(voice, scene)?;
    let mut input = lines();
    let mut start = Instant::now();
    loop {
        tokio::select! {
            () = sleep(POLL) => {}
            Some(read) = input.recv() => match read {
                Input::End if io::IsTerminal::is_terminal(&io::stdin()) => return Ok(()),
                Input::End => voice.say("  No more input; this goes on until SIGINT (Ctrl-C) or SIGTERM.")?,
                Input::Line(line) if line.trim().is_empty() => {}
                Input::Line(line) => match parse(&line) {
                    Ok(Command::Quit) => return Ok(()),
                    Ok(Command::Set(fault, exits)) => {
                        start = Instant::now();
                        voice.told(start.elapsed(), Who::Demo, line.trim())?;
                        scene.set(&exits, fault).await;
                    }
                    Err(why) => voice.say(&format!("  {why}"))?,
                },
            },
        }
        look(voice, scene, start)?;
        if let Some(words) = scene.hactl.last_words() {
            return Err(Failure::Story(words));
        }
    }
}

fn introduce(voice: &Voice, scene: &Scene) -> io::Result<()> {
    let (dir, url) = (scene.dir().display(), scene.target.url());
    let ([wg1, ..], front) = (ports::EXITS, ports::FRONTEND);
    let (own, haproxys) = (scene.page.addr(), ports::at(ports::PAGE));
    voice.heading("It keeps running. In another terminal:")?;
    voice.say(&format!(
        "
  cd {dir}
  curl -x socks5h://127.0.0.1:{front} {url}
  ./hactl status --socket {SOCKET}
  ./hactl top --socket {SOCKET}
  ./hactl check {wg1} --url {url}
  and in a browser hactl's page, http://{own}/, and HAProxy's, http://{haproxys}/"
    ))?;
    voice.heading("Here:")?;
    voice.say(
        "
  break wg1   its tunnel dies, its port stays open
  crash wg1   its port closes
  heal wg1    it works again
              (also wg2, cloudflare_warp, all)
  quit        the end, as Ctrl-C
",
    )
}

/// Lines of standard input. The thread ends with the process: nothing else interrupts a read.
fn lines() -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(COMMANDS_WAITING_MAX);
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(Input::Line(line)).is_err() {
                return;
            }
        }
        sender.blocking_send(Input::End).ok();
    });
    receiver
}

fn parse(line: &str) -> Result<Command, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (fault, name) = match words.as_slice() {
        ["quit" | "exit"] => return Ok(Command::Quit),
        ["break", name] => (Fault::BlackHole, name),
        ["crash", name] => (Fault::Refuse, name),
        ["heal", name] => (Fault::None, name),
        _ => {
            return Err(format!("`{}`? Say break, crash or heal with an exit's name, or quit.", line.trim()));
        }
    };
    let names = EXITS.iter().map(|(known, _)| *known).filter(|known| *name == "all" || known == name);
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [] => Err(format!("There is no exit `{name}`: wg1, wg2, cloudflare_warp, or all.")),
        _ => Ok(Command::Set(fault, names)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_understood() {
        assert_eq!(parse("break wg1"), Ok(Command::Set(Fault::BlackHole, vec!["wg1"])));
        assert_eq!(
            parse("  crash  cloudflare_warp "),
            Ok(Command::Set(Fault::Refuse, vec!["cloudflare_warp"]))
        );
        assert_eq!(parse("heal all"), Ok(Command::Set(Fault::None, vec!["wg1", "wg2", "cloudflare_warp"])));
        assert_eq!(parse("quit"), Ok(Command::Quit));
    }

    #[test]
    fn what_is_no_command_is_answered_with_those_there_are() {
        assert!(parse("break wg9").unwrap_err().contains("wg1, wg2"));
        assert!(parse("mend wg1").unwrap_err().contains("break, crash or heal"));
    }
}
