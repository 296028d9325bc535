//! The demo as a person meets it. It alone uses the ports of `config/haproxy.cfg`, so its cases come one after the
//! other, in one test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What the story has to say; each line only where its scenario came true.
const TOLD: [&str; 8] = [
    "wg1 is degraded: ",
    "1. tunnel down, port open  wg1 -> wg2 ",
    "wg2 -> cloudflare_warp ",
    "2. wireproxy crashed       wg1 -> cloudflare_warp ",
    "wg1 is offline: ",
    "3. tunnel back             cloudflare_warp -> wg1  no request failed",
    "socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp",
    "never reloaded, never restarted",
];

#[test]
fn the_demo_tells_its_story_says_what_is_in_its_way_and_leaves_nothing_behind() {
    a_port_in_use_is_named_before_anything_is_started();
    an_interrupted_story_leaves_nothing_behind();
    the_story_comes_true_and_the_scene_stays_until_it_is_ended();
}

fn a_port_in_use_is_named_before_anything_is_started() {
    let taken = TcpListener::bind("127.0.0.1:18182");
    let _taken = taken.expect("this test needs the ports 7891, 8091, 8111, 18181 and 18182 of 127.0.0.1");
    let (code, errors) = Demo::start(&[], "").end();
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains(&format!("(pid {})", std::process::id())), "{errors}");
    assert!(errors.contains("18182  by demo-") && !errors.contains("18181"), "{errors}");
    assert!(errors.contains("Nothing was started."), "{errors}");
}

fn an_interrupted_story_leaves_nothing_behind() {
    let mut demo = Demo::start(&[], "");
    let told = demo.read_until("the tunnel behind wg1 dies");
    demo.signal(Signal::INT);
    let (code, errors) = demo.end();
    assert_eq!(code, Some(130), "{errors}");
    assert!(errors.contains("ended by SIGINT"), "{errors}");
    assert_processes_ended(&told);
}

fn the_story_comes_true_and_the_scene_stays_until_it_is_ended() {
    let mut demo = Demo::start(&["--keep"], "break nobody\ncrash wg1\n");
    let told = demo.read_until("There is no exit `nobody`");
    for words in TOLD {
        assert!(told.contains(words), "`{words}` is missing:\n{told}");
    }
    demo.read_until("No more input");
    demo.read_until("wg1 is offline");
    demo.signal(Signal::TERM);
    let (code, errors) = demo.end();
    assert_eq!(code, Some(0), "{errors}");
    assert_processes_ended(&told);
}

/// HAProxy and hactl, by what the demo says of them.
fn assert_processes_ended(told: &str) {
    let words = told.split("pid ").skip(1);
    let pids: Vec<&str> = words.filter_map(|rest| rest.split([',', '.', ' ', '\n']).next()).collect();
    assert!(pids.len() >= 2, "no pids in {told}");
    for pid in pids {
        assert!(!Path::new("/proc").join(pid).exists(), "process {pid} was left behind: {told}");
    }
}

/// The demo, with its files in a directory of its own.
struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
    files: TempDir,
}

impl Demo {
    /// Starts it with these arguments, and with this and no more to read.
    fn start(arguments: &[&str], input: &str) -> Self {
        let files = tempfile::tempdir().expect("the directory for temporary files is writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        command.args(arguments).env("TMPDIR", files.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it was built with this test");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("a pipe holds more than this");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, output, files }
    }

    /// What it says, from where the last reading ended to the line with `text`.
    fn read_until(&mut self, text: &str) -> String {
        let mut said = String::new();
        let mut line = 0;
        while !said[line..].contains(text) {
            line = said.len();
            if self.output.read_line(&mut said).expect("its output is text") == 0 {
                panic!("ended before `{text}`:\n{said}\n{}", self.errors());
            }
        }
        said
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    fn errors(&mut self) -> String {
        let mut errors = String::new();
        let mut stderr = self.child.stderr.take().expect("it is piped, and read once");
        stderr.read_to_string(&mut errors).expect("its errors are text");
        errors
    }

    /// Waits until it has ended and asserts that none of its files is left; its exit code and standard error.
    fn end(mut self) -> (Option<i32>, String) {
        std::io::copy(&mut self.output, &mut std::io::sink()).expect("its output can be read");
        let errors = self.errors();
        let status = self.child.wait().expect("it is our child");
        let left = self.files.path().read_dir().expect("it is our directory");
        let left: Vec<_> = left.flatten().map(|file| file.path()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        (status.code(), errors)
    }
}

impl Drop for Demo {
    /// It cleans up after itself only when it is asked to end.
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).ok();
        self.child.wait().ok();
    }
}
