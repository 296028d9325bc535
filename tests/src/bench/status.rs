//! How long `hactl status` takes where there are very many servers: what the daemon would answer is recorded here, and served
//! on a socket, so that the command alone is measured.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::figure::{Figure, Measured, Quantile};
use crate::program::Program;

const SERVERS: usize = 10_000;

/// One in this many is offline.
const OFFLINE_EVERY: usize = 3000;

const TRIALS: u32 = 30;

/// Milliseconds: sooner than anybody waits for it.
const MOST: f64 = 200.0;

const HOW: &str = "From the start of `hactl status` to its end, with an answer of 10,000 servers that is served from memory. \
    Beside it: `hactl --version`.";

pub(crate) async fn measure(program: &Program) -> Figure {
    let dir = TempDir::new().expect("the system has room for a directory");
    let socket = dir.path().join("h.sock");
    let listener = UnixListener::bind(&socket).expect("the directory is ours");
    let server = tokio::spawn(serve(listener, status().to_string()));
    let (mut statuses, mut versions) = (Vec::new(), Vec::new());
    for _ in 0..TRIALS {
        let socket = socket.to_str().expect("the directory's name is plain");
        statuses.push(ran(program, &["status", "--socket", socket], Some(1)).await);
        versions.push(ran(program, &["--version"], Some(0)).await);
    }
    server.abort();
    Figure::new(Measured::trials("status of 10,000 servers", &statuses), HOW)
        .beside(Measured::trials("hactl --version", &versions))
        .at_most(MOST, Quantile::P95)
}

async fn ran(program: &Program, args: &[&str], code: Option<i32>) -> Duration {
    let mut command = Command::new(program.path());
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let timed = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        let status = command.status().expect("the program was run before");
        (status.code(), start.elapsed())
    });
    let (ended, took) = timed.await.expect("nothing in it panics");
    assert_eq!(ended, code, "hactl has another exit code than this status has");
    took
}

/// Answers whoever asks, whatever they ask for.
async fn serve(listener: UnixListener, body: String) {
    let answer =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    while let Ok((mut client, _)) = listener.accept().await {
        let _ = client.read(&mut [0; 4096]).await;
        // A client that has gone is its own business.
        let _ = client.write_all(answer.as_bytes()).await;
    }
}

fn status() -> Value {
    let haproxy = json!({
        "answering": true, "version": "2.6.12", "pid": 412, "uptime_seconds": 1000,
        "socket": "/run/haproxy/admin.sock", "level": "admin", "age_seconds": 0.1,
    });
    let servers: Vec<Value> = (0..SERVERS).map(server).collect();
    json!({
        "apiVersion": "hactl/v1", "kind": "Status", "generatedAt": "2026-01-01T00:00:00.000Z", "exit_code": 1,
        "version": "0.1.0", "node": "gw1", "instance": "many", "haproxy": haproxy, "applying": true,
        "problems": [], "frozen_since": null, "paused": null, "config_stale": false,
        "instances": [{
            "name": "many", "verdict": "degraded", "haproxy": haproxy, "applying": true, "problems": [],
            "frozen_since": null, "mode": "active", "would": [],
        }],
        "backends": [{
            "instance": "many", "name": "many", "verdict": "degraded", "active_server": "s1",
            "in_service": ["s1"], "in_service_since": null, "in_service_seconds": 100.0, "on_backup": false,
            "blackout_since": null, "servers": servers,
        }],
    })
}

fn server(index: usize) -> Value {
    let offline = index.is_multiple_of(OFFLINE_EVERY);
    let reason = json!({ "stage": "tcp", "code": "refused", "text": "127.0.0.1:20000: connection refused" });
    let history: Vec<f64> = (0..20_u32).map(|index| 40.0 + f64::from(index) / 10.0).collect();
    json!({
        "name": format!("s{index}"), "address": format!("127.0.0.1:{}", 20_000 + index), "role": "primary",
        "managed": true, "health": if offline { "offline" } else { "online" },
        "health_since": "2026-01-01T00:00:00.000Z", "health_seconds": 1000.0,
        "reason": if offline { reason } else { Value::Null }, "slow": false,
        "latency_ms": { "last": 41.0, "p50": 40.5, "p95": 44.0 }, "history": history,
        "haproxy": {
            "operational": "running", "state": "ready", "agent": null, "admin": [], "owner": null, "weight": 1,
        },
        "override": null, "desired": "ready", "drift": false, "held": null,
    })
}
