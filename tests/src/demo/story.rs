//! The story: the three scenarios that hactl is made for, and what clients see of each.

use std::time::{Duration, Instant};

use e2e::Fault;
use e2e::lab::EXITS;
use tokio::time::sleep;

use crate::clients::RATE;
use crate::ports;
use crate::run::Failure;
use crate::scene::{POLL, START_LIMIT, Scene};
use crate::step::{Seen, Step};
use crate::voice::Voice;

const FIRST: Step<'static> = Step {
    what: "the tunnel behind wg1 dies",
    exits: &["wg1"],
    fault: Fault::BlackHole,
    health: "degraded",
    by: "wg2",
};

const SECOND: Step<'static> = Step {
    what: "the tunnel behind wg2 dies as well",
    exits: &["wg2"],
    fault: Fault::BlackHole,
    health: "degraded",
    by: "cloudflare_warp",
};

const HEALED: Step<'static> = Step {
    what: "both tunnels work again",
    exits: &["wg1", "wg2"],
    fault: Fault::None,
    health: "online",
    by: "wg1",
};

const CRASHED: Step<'static> = Step {
    what: "both wireproxies crash: their ports are closed",
    exits: &["wg1", "wg2"],
    fault: Fault::Refuse,
    health: "offline",
    by: "cloudflare_warp",
};

const RESTARTED: Step<'static> = Step { what: "both wireproxies are started again", ..HEALED };

/// Tells it; the scene is left as it is at the end.
pub(crate) async fn tell(voice: &Voice) -> Result<Scene, Failure> {
    voice.heading("hactl demo: tunnels die behind open ports, and HAProxy is steered around them")?;
    let mut scene = Scene::start().await?;
    introduce(voice, &scene)?;
    before(voice, &mut scene).await?;

    voice.heading("1. Tunnel down, port open")?;
    let first = FIRST.play(voice, &mut scene).await?;
    voice.say("")?;
    let second = SECOND.play(voice, &mut scene).await?;
    voice.say("\n$ hactl status")?;
    scene.hactl.print_status()?;
    voice.say("")?;
    let healed = HEALED.play(voice, &mut scene).await?;

    voice.heading("2. Wireproxy crashed, port closed")?;
    let crashed = CRASHED.play(voice, &mut scene).await?;

    voice.heading("3. Tunnel back")?;
    let restarted = RESTARTED.play(voice, &mut scene).await?;

    let rows = [
        ("1. tunnel down, port open", "wg1 -> wg2", &first),
        ("", "wg2 -> cloudflare_warp", &second),
        ("", "cloudflare_warp -> wg1", &healed),
        ("2. wireproxy crashed", "wg1 -> cloudflare_warp", &crashed),
        ("3. tunnel back", "cloudflare_warp -> wg1", &restarted),
    ];
    conclude(voice, &scene, &rows).await?;
    Ok(scene)
}

fn introduce(voice: &Voice, scene: &Scene) -> Result<(), Failure> {
    let (haproxy, pid) = (&scene.haproxy, scene.haproxy.pid());
    let (version, front, page) = (haproxy.version(), ports::FRONTEND, ports::PAGE);
    let exits: Vec<String> =
        EXITS.iter().zip(ports::EXITS).map(|((name, _), port)| format!("{name} {port}")).collect();
    let hactl = scene.hactl.pid();
    voice.say(&format!(
        "
  HAProxy  {version}, pid {pid}, with config/haproxy.cfg
           (its own page: http://127.0.0.1:{page}/)
  exits    {}
           (SOCKS5 servers of this demo that stand for wireproxy and WARP)
  hactl    pid {hactl}, asks two web servers through every exit, all the time
  clients  ask it {RATE} times a second through HAProxy's port {front}

  All of it is on this machine, on loopback only, and ends with the demo. Times
  are counted from each change. What hactl says is its own log.",
        exits.join(", ")
    ))?;
    Ok(())
}

/// Waits for the first answer.
async fn before(voice: &Voice, scene: &mut Scene) -> Result<(), Failure> {
    let start = Instant::now();
    while scene.clients.answered_by() != Some("wg1") {
        if start.elapsed() > START_LIMIT {
            return Err(Failure::Start(format!("no answer by wg1 within {START_LIMIT:?}")));
        }
        sleep(POLL).await;
        scene.clients.changes();
    }
    scene.hactl.news();
    voice.say("\n  Clients are answered by wg1.")?;
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

/// What is to be remembered, and that it was one HAProxy process from start to end.
async fn conclude(voice: &Voice, scene: &Scene, rows: &[(&str, &str, &Seen)]) -> Result<(), Failure> {
    voice.heading("What clients saw")?;
    for (scenario, switch, seen) in rows {
        let outage = match seen.failed {
            0 => "no request failed".to_owned(),
            failed => format!("{:.2} s, {failed} requests failed", seen.outage.as_secs_f64()),
        };
        voice.say(&format!("  {scenario:<26} {switch:<23} {outage}"))?;
    }
    let (pid, now) = (scene.haproxy.pid(), scene.haproxy.answering().await);
    if now != Some(pid) {
        let now = now.map_or_else(|| "nobody".to_owned(), |now| format!("pid {now}"));
        return Err(Failure::Story(format!("HAProxy was pid {pid} at the start, and now {now} answers")));
    }
    voice.good(&format!("HAProxy is still pid {pid}: never reloaded, never restarted."))?;
    Ok(())
}
