//! How long clients are without service while a tunnel is dead, with the two ways to have HAProxy's own checks answered by
//! another program: hactl as the agent of its `agent-check`, and a process for each check (`external-check`).

use std::net::SocketAddr;
use std::time::Instant;

use e2e::lab::EXITS;
use e2e::{Exit, Fault, Haproxy, Lab, Layout, Port, programs};
use tokio::time::sleep;

use crate::clients::{Clients, Unserved};
use crate::figure::{Figure, Measured};
use crate::outage::{CANARY, GETTING_QUIET, LASTS, TRIALS, slow_down};
use crate::program::Program;

const HOW: &str = "Client-seen outage as above, of a tunnel that is dead behind its open port. hactl steers by `lever = \"agent\"`, \
    with a socket of level user, and HAProxy asks each 200 ms. Beside it, from the same exits: a HAProxy without hactl that \
    runs `hactl check --timeout 250ms` of one target for each check, with inter 250ms, which is also how long that may take, \
    and fall 2.";

pub(crate) async fn measure(program: &Program) -> Figure {
    let agent = Port::free();
    let lab = Lab::start_with(Layout::AllBackup, |haproxy| haproxy.agent(agent.addr())).await;
    slow_down([&lab.wg1, &lab.wg2, &lab.warp]);
    let alone = with_external_check(&lab, program).await;
    let admin = format!("haproxy = \"{}\"", lab.haproxy.admin_socket().display());
    let user = lab.haproxy.user_socket();
    let lever = format!("haproxy = \"{}\"\nlever = \"agent\"\nagent = \"{}\"", user.display(), agent.addr());
    let mut daemon = program.run(&lab.write_config(&lab.config().replace(&admin, &lever)));
    let by_agent = Clients::start(lab.haproxy.frontend(), lab.http.addr());
    let by_process = Clients::start(alone.frontend(), lab.http.addr());
    sleep(GETTING_QUIET).await;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for trial in 0..TRIALS {
        tokio::join!(by_agent.wait_until_served_by("wg1"), by_process.wait_until_served_by("wg1"));
        sleep(CANARY * trial / TRIALS).await;
        lab.wg1.set(Fault::BlackHole).await;
        let broken = Instant::now();
        let outages = tokio::join!(by_agent.outage(broken), by_process.outage(broken));
        let came = |unserved: Unserved| unserved.came;
        with.push(came(outages.0));
        without.push(came(outages.1));
        sleep(LASTS.saturating_sub(broken.elapsed())).await;
        lab.wg1.set(Fault::None).await;
    }
    daemon.terminate().await;
    Figure::new(Measured::trials("outage, black hole, by the agent lever", &with), HOW)
        .beside(Measured::trials("HAProxy's external-check", &without))
}

/// HAProxy, and a process for each check.
async fn with_external_check(lab: &Lab, program: &Program) -> Haproxy {
    let addrs = [&lab.wg1, &lab.wg2, &lab.warp].map(Exit::addr);
    let servers: Vec<(&str, SocketAddr)> =
        EXITS.iter().zip(addrs).map(|((name, _), addr)| (*name, addr)).collect();
    let script = lab.haproxy.dir().join("check.sh");
    // HAProxy gives the address and port of the proxy, then those of the server (configuration manual, "external-check command").
    let check = format!("exec '{}' check --timeout 250ms --url", program.path().display());
    programs::write_script(&script, &format!("{check} '{}' \"$3:$4\" >/dev/null 2>&1", lab.http.url()));
    Haproxy::builder(Layout::AllBackup, &servers)
        .global("    external-check\n    insecure-fork-wanted")
        // HAProxy ends a process that takes longer than `inter`, whatever `timeout check` says (measured).
        .defaults("    default-server inter 250ms fall 2 rise 2")
        .backend(&format!("    option external-check\n    external-check command {}", script.display()))
        .start()
        .await
}
