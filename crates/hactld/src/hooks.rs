//! Hooks: has programs run when something happens, and servers restarted that carry no traffic. Reads along in the journal as
//! anybody does, so that nobody who decides waits for a program, and tells there how each has ended.

pub(crate) mod program;
mod restarts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failover::{Name, Severity};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::config::{Command, Config, Hook, Restart};
use crate::fleet::Whole;
use crate::journal::{BATCH_MAX, Entry, Follower, HOOK, Journal, Note, RESTART};
use crate::log::Label;

use self::program::{How, Ran};
use self::restarts::{Key, Restarts};

/// Programs under way at a time because something has happened: what hangs is not to become a hundred of it.
const HOOKS_MAX: usize = 8;

/// Servers being restarted at a time. They have places of their own: a restart takes long, and an alarm must not wait for it.
const RESTARTS_MAX: usize = 4;

/// Subjects of which it is kept when a hook was run for them last; more of them than this had something happen within one
/// cooldown only where everything has.
const COOLING_MAX: usize = 4096;

/// What is run, by the configuration.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    hooks: Vec<Hook>,
    /// Of servers in backends of instances that may act.
    restarts: BTreeMap<Key, Restart>,
}

impl Runs {
    pub(crate) fn of(config: &Config) -> Self {
        let acting = config.instances.iter().filter(|instance| !instance.observe);
        let backends = acting.flat_map(|instance| instance.backends.iter().map(move |one| (instance, one)));
        let restarts = backends.flat_map(|(instance, backend)| {
            backend.on_offline.iter().map(move |(server, restart)| {
                let key = Key {
                    instance: instance.name.to_string(),
                    backend: backend.name.to_string(),
                    server: server.to_string(),
                };
                (key, restart.clone())
            })
        });
        Self { hooks: config.hooks.clone(), restarts: restarts.collect() }
    }

    /// Those that are not there now. That is no reason not to start: hactl is of use without them.
    fn missing(&self) -> Vec<&Path> {
        let commands = self.hooks.iter().map(|hook| &hook.command);
        let commands = commands.chain(self.restarts.values().map(|restart| &restart.command));
        let mut missing: Vec<&Path> =
            commands.map(|command| command.program.as_path()).filter(|program| !program.is_file()).collect();
        missing.sort();
        missing.dedup();
        missing
    }
}

/// What a run is for.
struct Run {
    kind: &'static str,
    entry: Arc<Entry>,
    program: PathBuf,
    /// The server that is restarted.
    key: Option<Key>,
}

/// Runs them while it lives. Its end ends what is under way.
pub(crate) struct Hooks {
    journal: Journal,
    events: Follower,
    whole: watch::Receiver<Whole>,
    runs: Arc<Runs>,
    /// hactl's own, for those that ask back.
    socket: PathBuf,
    running: JoinSet<(Run, Ran)>,
    /// When each was run last, by the number of the hook and what it was about.
    cooling: BTreeMap<(usize, [Option<String>; 3]), Instant>,
    restarts: Restarts,
    /// Runs that were left out because too many were under way, and not told yet.
    left_out: u64,
    stop: Arc<AtomicBool>,
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Hooks {
    /// For what is told after the event of number `after`.
    pub(crate) fn new(journal: &Journal, after: u64, whole: watch::Receiver<Whole>, socket: PathBuf) -> Self {
        let mut restarts = Restarts::default();
        let (now, wall) = (Instant::now(), Timestamp::now());
        let (runs, mut known_to) = (Arc::clone(&whole.borrow().runs), 0);
        while let Some(last) = known(journal, known_to, &mut restarts, (now, wall)) {
            known_to = last;
        }
        Self {
            journal: journal.clone(),
            events: journal.follow(after),
            runs,
            whole,
            socket,
            running: JoinSet::new(),
            cooling: BTreeMap::new(),
            restarts,
            left_out: 0,
            stop: Arc::default(),
        }
    }

    /// Goes on until it is dropped.
    pub(crate) async fn run(mut self) {
        self.warn_of_missing();
        loop {
            let due = self.next_restart();
            tokio::select! {
                batch = self.events.next() => {
                    let now = Instant::now();
                    for entry in batch.entries {
                        self.restarts.take(&entry, now);
                        self.start_hooks(&entry, now);
                    }
                }
                Some(ended) = self.running.join_next() => self.ended(ended),
                Ok(()) = self.whole.changed() => self.configure(),
                () = until(due) => self.start_restarts(Instant::now()),
            }
        }
    }

    fn configure(&mut self) {
        let runs = Arc::clone(&self.whole.borrow_and_update().runs);
        if !Arc::ptr_eq(&runs, &self.runs) {
            // Their numbers are of the other configuration.
            self.cooling.clear();
            self.runs = runs;
            self.warn_of_missing();
        }
    }

    fn warn_of_missing(&self) {
        for program in self.runs.missing() {
            let program = program.display();
            tracing::warn!("{program} is to be run as a hook, and is no file that can be seen from here");
        }
    }

    fn start_hooks(&mut self, entry: &Arc<Entry>, now: Instant) {
        let runs = Arc::clone(&self.runs);
        for (number, hook) in runs.hooks.iter().enumerate().filter(|(_, hook)| hook.on.contains(&entry.kind))
        {
            let subject = [&entry.instance, &entry.backend, &entry.server].map(Clone::clone);
            let last = self.cooling.get(&(number, subject.clone())).copied();
            if last.is_some_and(|last| now < last + hook.cooldown) {
                continue;
            }
            if self.running.len().saturating_sub(self.restarts.under_way()) >= HOOKS_MAX {
                self.left_out += 1;
                continue;
            }
            self.forget_cooled(now);
            self.cooling.insert((number, subject), now);
            self.start(HOOK, entry, &hook.command, None);
        }
    }

    fn forget_cooled(&mut self, now: Instant) {
        if self.cooling.len() >= COOLING_MAX {
            let runs = Arc::clone(&self.runs);
            let cooldown =
                |number: usize| runs.hooks.get(number).map_or(Duration::ZERO, |hook| hook.cooldown);
            self.cooling.retain(|(number, _), last| now < *last + cooldown(*number));
        }
        if self.cooling.len() >= COOLING_MAX {
            self.cooling.pop_first();
        }
    }

    /// When the next server is to be restarted. Paused, none is: somebody works there.
    fn next_restart(&self) -> Option<Instant> {
        let may = self.whole.borrow().paused.is_none() && self.restarts.under_way() < RESTARTS_MAX;
        if may { self.restarts.due(&self.runs.restarts) } else { None }
    }

    fn start_restarts(&mut self, now: Instant) {
        let runs = Arc::clone(&self.runs);
        let most = RESTARTS_MAX.saturating_sub(self.restarts.under_way());
        for (key, entry) in self.restarts.take_due(&runs.restarts, now, most) {
            if let Some(restart) = runs.restarts.get(&key) {
                self.start(RESTART, &entry, &restart.command, Some(key));
            }
        }
    }

    fn start(&mut self, kind: &'static str, entry: &Arc<Entry>, command: &Command, key: Option<Key>) {
        let run = Run { kind, entry: Arc::clone(entry), program: command.program.clone(), key };
        let (command, stop) = (command.clone(), Arc::clone(&self.stop));
        let environment = program::environment(entry, &self.socket);
        // Starting and waiting both block.
        self.running.spawn_blocking(move || {
            let input = serde_json::to_vec(&*run.entry).unwrap_or_default();
            let ran = program::run(&command, &environment, &input, &stop);
            (run, ran)
        });
    }

    fn ended(&mut self, ended: Result<(Run, Ran), JoinError>) {
        // It is our own code that runs there, and ends where it panics.
        let Ok((run, ran)) = ended else { return };
        let Run { kind, entry, program, key } = run;
        let program = program.display();
        let text = match &key {
            Some(Key { backend, server, .. }) => format!("restart of {backend}/{server}: {program} {ran}"),
            None => format!("hook for {}: {program} {ran}", entry.kind),
        };
        if let Some(key) = &key {
            self.restarts.ended(key);
        }
        let well = matches!(ran.how, How::Ended(0));
        self.tell(kind, &entry, if well { Severity::Info } else { Severity::Warning }, text);
        if self.left_out > 0 {
            let left_out = std::mem::take(&mut self.left_out);
            let text = format!("{left_out} runs of hooks were left out: {HOOKS_MAX} were under way");
            self.tell(HOOK, &entry, Severity::Warning, text);
        }
    }

    fn tell(&self, kind: &'static str, entry: &Entry, severity: Severity, text: String) {
        let Entry { instance, backend, server, .. } = entry.clone();
        let several = self.whole.borrow().several;
        let label = Label(instance.as_deref().filter(|_| several).map(Name::from));
        self.journal.note(&label, Note { kind, severity, instance, backend, server, text, why: None });
    }
}

/// Takes in which restarts there were before this life of hactl; the number of the last event that was looked at.
fn known(
    journal: &Journal,
    after: u64,
    restarts: &mut Restarts,
    (now, wall): (Instant, Timestamp),
) -> Option<u64> {
    let batch = journal.after(after, BATCH_MAX);
    for entry in batch.entries.iter().filter(|entry| entry.kind == RESTART) {
        let ago = Duration::try_from(wall.duration_since(entry.at)).unwrap_or_default();
        if let Some(at) = now.checked_sub(ago) {
            restarts.was_run(entry, at);
        }
    }
    batch.entries.last().map(|last| last.seq)
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
