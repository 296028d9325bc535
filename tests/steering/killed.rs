//! hactl killed at any instant while tunnels flap: the next start finishes the job, no backend is ever left empty, and
//! what an operator set stays. The judge is HAProxy itself, what it shows and what it logs.

use std::time::{Duration, Instant};

use e2e::haproxy::{Shown, shown};
use e2e::wireguard::Dice;
use e2e::{Daemon, Fault, Lab, Layout, Mode, Witness};
use tokio::time::sleep;

use super::steered::{PATIENCE, start_hactl};

/// What fits into some 40 s; `E2E_KILLS` asks for another number.
const KILLS: u64 = 60;

/// hactl lives for up to this many milliseconds after all was right, so that it is killed while it judges, applies and
/// reads back; a verdict takes some 150.
const LIVES_MAX: u64 = 700;

/// Each so many kills one comes before all is right.
const EARLY_EVERY: u64 = 4;

/// Between two faults, at most: milliseconds.
const FLAP_MAX: u64 = 80;

/// Reloads of the other test; each takes a second and more, because HAProxy 2.6 drops the next one that comes sooner.
const RELOADS: u64 = 8;

/// Milliseconds from the signal to the new worker (measured: up to 106), and some more.
const RELOAD_TAKES: u64 = 200;

/// The operator's server, what it is set to, and how `show servers state` shows that.
const THEIRS: &str = "wg2";
const OPERATORS: &str = "maint";
const OPERATORS_BITS: u32 = 1;

/// The servers that flap.
const OURS: [&str; 2] = ["wg1", "cloudflare_warp"];

const POLL: Duration = Duration::from_millis(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_instant_the_next_start_finishes_the_job_and_nothing_of_an_operators_is_undone() {
    let kills = std::env::var("E2E_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number of kills"));
    let seed =
        std::env::var("E2E_SEED").map_or_else(|_| Dice::any_seed(), |seed| seed.parse().expect("a seed"));
    println!("E2E_SEED={seed} E2E_KILLS={kills}");
    let mut dice = Dice::new(seed);
    let lab = Lab::start(Layout::AllBackup).await;
    lab.haproxy.runtime(&format!("set server socks_back_7891/{THEIRS} state {OPERATORS}")).await;
    let witness = Witness::start(&lab.haproxy);
    let mut took = Vec::new();
    for kill in 0..kills {
        let dead = settle(&lab, &mut dice).await;
        let started = Instant::now();
        let mut hactl = start_hactl(&lab);
        if dice.below(EARLY_EVERY) > 0 || kill + 1 == kills {
            until_right(&lab, &hactl, dead).await;
            took.push(started.elapsed());
        }
        flap(&lab, &mut dice).await;
        hactl.kill();
    }
    took.sort_unstable();
    let (half, most) = (took[took.len() / 2], took[took.len() - 1]);
    println!("right after a start: {half:?} half of the time, {most:?} at most, {} times", took.len());
    witness.assert_never_emptied(&lab.haproxy);
    witness.assert_untouched(&lab.haproxy, THEIRS, OPERATORS_BITS, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_reloads_the_next_start_finishes_the_job_and_nothing_of_an_operators_is_undone() {
    let seed = number("E2E_SEED").unwrap_or_else(Dice::any_seed);
    println!("E2E_SEED={seed}");
    let mut dice = Dice::new(seed);
    let mut lab =
        Lab::start_with(Layout::AllBackup, |haproxy| haproxy.mode(Mode::MasterWorker).expose_fd()).await;
    set_by_operator(&lab).await;
    let witness = Witness::start(&lab.haproxy);
    let mut hactl = start_hactl(&lab);
    for reload in 0..RELOADS {
        let dead = settle(&lab, &mut dice).await;
        let instant = Duration::from_millis(dice.below(RELOAD_TAKES));
        match dice.below(3) {
            0 => lab.haproxy.reload_master().await,
            1 => {
                hactl.kill();
                lab.haproxy.reload_master().await;
                hactl = start_hactl(&lab);
            }
            _ => {
                let kill = async {
                    sleep(instant).await;
                    hactl.kill();
                };
                tokio::join!(lab.haproxy.reload_master(), kill);
                hactl = start_hactl(&lab);
            }
        }
        until_right(&lab, &hactl, dead).await;
        // HAProxy has forgotten it. Any sooner and it may be the operator who takes the last one.
        set_by_operator(&lab).await;
        flap(&lab, &mut dice).await;
        println!("right after reload {reload}");
    }
    witness.assert_never_emptied(&lab.haproxy);
    let changes = usize::try_from(RELOADS).expect("they are few");
    witness.assert_untouched(&lab.haproxy, THEIRS, OPERATORS_BITS, changes);
}

async fn set_by_operator(lab: &Lab) {
    let reply = lab.haproxy.runtime(&format!("set server socks_back_7891/{THEIRS} state {OPERATORS}")).await;
    assert_eq!(reply.trim(), "");
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

/// A state in which something can be right: one of ours is well at least. Which one is not.
async fn settle(lab: &Lab, dice: &mut Dice) -> Option<&'static str> {
    let dead = OURS.get(dice.below(3) as usize).copied();
    for name in OURS {
        let fault = if Some(name) == dead { Fault::Reject(1) } else { Fault::None };
        lab.exit(name).set(fault).await;
    }
    dead
}

async fn flap(lab: &Lab, dice: &mut Dice) {
    let lives = Duration::from_millis(dice.below(LIVES_MAX));
    let began = Instant::now();
    while began.elapsed() < lives {
        let fault = [Fault::None, Fault::Reject(1), Fault::BlackHole][dice.below(3) as usize];
        lab.exit(OURS[dice.below(2) as usize]).set(fault).await;
        let pause = Duration::from_millis(dice.below(FLAP_MAX));
        sleep(pause.min(lives.saturating_sub(began.elapsed()))).await;
    }
}

/// Waits until the dead one is out, and the other one is in.
async fn until_right(lab: &Lab, hactl: &Daemon, dead: Option<&str>) {
    let start = Instant::now();
    loop {
        let shown = shown(&lab.haproxy.admin_socket()).await;
        let is_right = |shown: &Shown| {
            OURS.iter().all(|name| shown.servers[*name].administrative == u32::from(Some(*name) == dead))
        };
        if shown.as_ref().is_some_and(is_right) {
            return;
        }
        let lines = hactl.lines().join("\n");
        assert!(start.elapsed() < PATIENCE, "{dead:?} is dead, HAProxy shows {shown:?}\n{lines}");
        sleep(POLL).await;
    }
}
