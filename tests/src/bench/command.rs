//! How long it takes from a command to what clients see of it, without the detection before it.

use std::time::{Duration, Instant};

use e2e::haproxy::BACKEND;
use e2e::{Lab, Layout, get_through};
use haproxy_runtime::{Address, AdminState, BackendName, Client, ServerName, ServerPath};

use crate::figure::{Figure, Measured, Quantile};

/// Enough that p99 is not simply the worst.
const TRIALS: u32 = 200;

/// Milliseconds.
const MOST: f64 = 5.0;

const HOW: &str = "From `set server wg1 state maint`, sent on a new connection by haproxy-runtime, to the end of the \
    first answer that a client gets from wg2. The exits have no delay here. Beside it: connect and \
    `show info`.";

pub(crate) async fn measure() -> Figure {
    let lab = Lab::start(Layout::AllBackup).await;
    let client = Client::new(Address::Unix(lab.haproxy.admin_socket()));
    let backend: BackendName = BACKEND.parse().expect("the scene's backend has a valid name");
    let wg1: ServerName = "wg1".parse().expect("the scene's server has a valid name");
    let wg1 = ServerPath::new(backend, wg1);
    let (mut effects, mut questions) = (Vec::new(), Vec::new());
    for _ in 0..TRIALS {
        let start = Instant::now();
        client.show_info().await.expect("HAProxy runs");
        questions.push(start.elapsed());

        effects.push(effect(&lab, &client, &wg1).await);
        client.set_server_state(&wg1, AdminState::Ready).await.expect("HAProxy runs");
        assert_eq!(asked(&lab).await, "wg1", "ready is in force when it is answered");
    }
    Figure::new(Measured::trials("command to effect", &effects), HOW)
        .beside(Measured::trials("connect + show info", &questions))
        .at_most(MOST, Quantile::P99)
}

async fn effect(lab: &Lab, client: &Client, wg1: &ServerPath) -> Duration {
    let start = Instant::now();
    client.set_server_state(wg1, AdminState::Maint).await.expect("HAProxy runs");
    while asked(lab).await != "wg2" {}
    start.elapsed()
}

async fn asked(lab: &Lab) -> String {
    let answer = get_through(lab.haproxy.frontend(), lab.http.addr()).await;
    answer.unwrap_or_else(|error| panic!("a client was not served although all exits are well: {error}"))
}
