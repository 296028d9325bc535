//! hactl dies, is delayed and fails at each place where it asks HAProxy, changes it, or writes a file. Whoever goes on, the
//! same process or the next one, finishes the job: HAProxy is as it is to be, nothing of an operator's is undone, and the
//! ledger names what is ours and nothing else. HAProxy and its log are the judge.

mod scene;

use e2e::wireguard::Dice;
use e2e::{Fault, closed, hold_through};
use tokio::time::timeout;

use scene::{Action, Case, DEAD, PATIENCE, Scene};

/// Around what changes HAProxy or a file; the turn is that at which it is about the server. The server-state file is also
/// written at each start.
const CHANGES: [(&str, u64); 11] = [
    ("set.connect", 1),
    ("set.write", 1),
    ("set.written", 1),
    ("set.replied", 1),
    ("ledger.write", 1),
    ("ledger.rename", 1),
    ("ledger.renamed", 1),
    ("state-file.write", 1),
    ("state-file.write", 2),
    ("state-file.rename", 2),
    ("state-file.renamed", 2),
];

/// Around the looks at HAProxy. Which one it is, is drawn.
const READS: [&str; 4] = ["read.connect", "read.write", "read.written", "read.replied"];

/// The first looks are at the start, and by the last one of these the server was judged and closed.
const LOOKS: u64 = 20;

/// Around the cutting of sessions.
const CUTS: [&str; 4] = ["cut.connect", "cut.write", "cut.written", "cut.replied"];

const ACTIONS: [Action; 3] = [Action::Kill, Action::Delay, Action::Error];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_each_place_the_next_start_finishes_the_job() {
    let seed = seed();
    println!("E2E_SEED={seed}");
    a_tunnel_dies_and_comes_back(Action::Kill, seed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delayed_at_each_place_it_finishes_the_job() {
    let seed = seed();
    println!("E2E_SEED={seed}");
    a_tunnel_dies_and_comes_back(Action::Delay, seed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_at_each_place_it_finishes_the_job() {
    let seed = seed();
    println!("E2E_SEED={seed}");
    a_tunnel_dies_and_comes_back(Action::Error, seed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_reload_in_between_the_job_is_finished_in_the_new_process() {
    let mut scene = Scene::start("").await;
    for (place, turn) in CHANGES {
        for action in ACTIONS {
            let case = Case { place, turn, action };
            scene.lab.exit(DEAD).set(Fault::Reject(1)).await;
            let (mut hactl, status) = scene.reach(&case).await;
            scene.reload().await;
            if status.is_some() {
                hactl = scene.start_hactl(None);
            }
            scene.until_right(&case, &hactl, true).await;
            hactl.kill();
            scene.heal(&case).await;
        }
    }
    scene.assert_nobody_was_harmed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_each_place_around_the_cutting_of_sessions_they_are_cut_in_the_end() {
    let scene = Scene::start("kill_after = \"0s\"\n").await;
    for place in CUTS {
        for action in ACTIONS {
            let case = Case { place, turn: 1, action };
            let held = hold_through(scene.lab.haproxy.frontend(), scene.lab.http.addr()).await;
            let mut session = held.unwrap_or_else(|error| panic!("no session: {error}"));
            scene.lab.exit(DEAD).set(Fault::BlackHole).await;
            let (mut hactl, status) = scene.reach(&case).await;
            if status.is_some() {
                hactl = scene.start_hactl(None);
            }
            scene.until_right(&case, &hactl, true).await;
            timeout(PATIENCE, closed(&mut session)).await.unwrap_or_else(|_| panic!("{case:?}: not cut"));
            hactl.kill();
            scene.heal(&case).await;
        }
    }
    scene.assert_nobody_was_harmed();
}

fn seed() -> u64 {
    std::env::var("E2E_SEED").map_or_else(|_| Dice::any_seed(), |seed| seed.parse().expect("a seed"))
}

async fn a_tunnel_dies_and_comes_back(action: Action, seed: u64) {
    let mut dice = Dice::new(seed);
    let reads = READS.map(|place| (place, 1 + dice.below(LOOKS)));
    let scene = Scene::start("").await;
    for (place, turn) in CHANGES.into_iter().chain(reads) {
        let case = Case { place, turn, action };
        for dead in [true, false] {
            let fault = if dead { Fault::Reject(1) } else { Fault::None };
            scene.lab.exit(DEAD).set(fault).await;
            let (mut hactl, status) = scene.reach(&case).await;
            if status.is_some() {
                hactl = scene.start_hactl(None);
            }
            scene.until_right(&case, &hactl, dead).await;
            hactl.kill();
        }
    }
    scene.assert_nobody_was_harmed();
}
