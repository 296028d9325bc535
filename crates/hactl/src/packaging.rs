//! What packages ship beside the program: completions and manual pages, made from the command line and the configuration
//! themselves, so that they cannot say anything else.

mod page;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::reference;
use crate::report::{Report, print};
use crate::terminal::Terminal;

const COMPLETIONS_HELP: &str = "Examples:
  hactl completions bash > /etc/bash_completion.d/hactl
  hactl completions zsh > /usr/local/share/zsh/site-functions/_hactl
  hactl completions fish > ~/.config/fish/completions/hactl.fish";

/// Behind the script of clap: names of servers where a command takes them. The daemon is asked, and where it does not answer
/// there are none.
const BASH_NAMES: &str = r#"
_hactl_names() {
    _hactl "$@"
    local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
    case "${COMP_WORDS[1]}" in
        status|explain|wait|check|maint|drain|ready|auto|pin)
            if [[ ${current} != -* && ${before} != -* ]]; then
                COMPREPLY+=( $(compgen -W "$(hactl status -o name --timeout 1s 2>/dev/null)" -- "${current}") )
            fi
            ;;
    esac
}
complete -F _hactl_names -o nosort -o bashdefault -o default hactl
"#;

const FISH_NAMES: &str = r#"
complete -c hactl -n "__fish_seen_subcommand_from status explain wait check maint drain ready auto pin" -f -a "(hactl status -o name --timeout 1s 2>/dev/null)"
"#;

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory that the pages are written into.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hactl", &mut script);
    print(&format!("{}{}", String::from_utf8_lossy(&script), names(args.shell)));
    Exit::Ok.into()
}

/// What adds the servers that the daemon has to a shell's script, where that can be added to.
fn names(shell: Shell) -> &'static str {
    let known = [(Shell::Bash, BASH_NAMES), (Shell::Fish, FISH_NAMES)];
    known.into_iter().find(|(known, _)| *known == shell).map_or("", |(_, names)| names)
}

pub(crate) fn man(args: &ManArgs, terminal: &Terminal) -> ExitCode {
    match write_pages(&args.dir) {
        Ok(()) => Exit::Ok.into(),
        Err(error) => {
            let report = Report::new(format!("cannot write manual pages into {}", args.dir.display()));
            report
                .because(error.to_string())
                .next("name a directory that is there and that you may write to")
                .print(terminal);
            Exit::Unusable.into()
        }
    }
}

fn write_pages(dir: &Path) -> io::Result<()> {
    let mut hactl = Cli::command();
    hactl.build();
    write(dir, "1", &hactl)?;
    if let Some(run) = hactl.find_subcommand("run") {
        write(dir, "8", &run.clone().bin_name("hactld").display_name("hactld"))?;
    }
    fs::write(dir.join("hactl.toml.5"), reference::manual())
}

/// The page of a command, and those of the commands below it.
fn write(dir: &Path, section: &str, command: &Command) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let described = command.clone().version(hactld::VERSION);
    let man = Man::new(described).title(name.to_uppercase()).section(section).manual("hactl");
    let man = man.source(format!("hactl {}", hactld::VERSION));
    fs::write(dir.join(format!("{name}.{section}")), page::render(&man, command)?)?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(dir, section, below)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_each_command_and_one_for_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        write_pages(dir.path()).unwrap();
        let page = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let text = page(&format!("hactl-{}.1", command.get_name()));
            assert!(text.contains(".SH SYNOPSIS"), "{text}");
        }
        assert!(page("hactl.1").contains("hactl\\-status(1)"), "{}", page("hactl.1"));
        let maint = page("hactl-maint.1");
        for part in [
            "\n.SH SYNOPSIS\n\\fBhactl maint\\fR",
            "[\\fB\\-m|\\-\\-reason\\fR \\fITEXT\\fR]",
            " \\fIBACKEND/SERVER\\fR...",
            "\n.SH EXAMPLES\n.nf\nhactl maint ",
            "\n.SH \"EXIT STATUS\"\n.TP 5\n\\fB0\\fR\ndone, and HAProxy was read again\n.TP 5\n\\fB1\\fR\n",
        ] {
            assert!(maint.contains(part), "{part}: {maint}");
        }
        assert!(
            page("hactl-status.1").contains("\\-\\-watch\\fR[=\\fIINTERVAL\\fR]]"),
            "{}",
            page("hactl-status.1")
        );
        assert!(
            page("hactld.8").contains("hactld") && page("hactld.8").contains("HACTLD 8"),
            "{}",
            page("hactld.8")
        );
        assert!(page("hactl.toml.5").contains(".TH HACTL.TOML 5"), "{}", page("hactl.toml.5"));
    }

    /// Seven columns are the page's own margin.
    #[test]
    fn what_a_page_does_not_fill_fits_a_terminal_of_80_columns() {
        let dir = tempfile::tempdir().unwrap();
        write_pages(dir.path()).unwrap();
        for entry in fs::read_dir(dir.path()).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            for block in text.split("\n.nf\n").skip(1).filter_map(|rest| rest.split("\n.fi").next()) {
                let long = block
                    .lines()
                    .map(|line| line.replace("\\*(Aq", "'").replace('\\', ""))
                    .find(|line| line.chars().count() > 73);
                assert_eq!(long, None, "{text}");
            }
        }
    }

    #[test]
    fn every_shell_has_a_script_that_knows_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "hactl", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("doctor") && script.contains("failback"), "{shell}");
            let has_values = matches!(shell, Shell::Bash | Shell::Zsh | Shell::Fish);
            assert!(script.contains("blackout_over") || !has_values, "kinds of events: {shell}");
        }
    }
}
