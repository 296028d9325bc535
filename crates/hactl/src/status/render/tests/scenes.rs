//! Statuses to be drawn: what is well, and what is not.

use failover::status::{BackendStatus, Level, ServerStatus, Status};
use failover::status::{HaproxyServerStatus, HaproxyStatus, InstanceStatus, LatencyStatus, ReasonStatus};
use failover::{Admin, Operational, Owner, Verdict};

pub(crate) fn of_instance(name: &str, mut status: Status) -> Status {
    for backend in &mut status.backends {
        backend.instance = name.to_owned();
    }
    let instance = InstanceStatus {
        name: name.to_owned(),
        verdict: status.backends[0].verdict,
        haproxy: status.haproxy.clone(),
        applying: status.applying,
        problems: status.problems.clone(),
        frozen_since: None,
        mode: "active".to_owned(),
        would: Vec::new(),
    };
    Status { instance: name.to_owned(), instances: vec![instance], ..status }
}

pub(crate) fn on_backup() -> Status {
    let mut status = scene();
    status.exit_code = 1;
    let backend = &mut status.backends[0];
    backend.verdict = Level::Degraded;
    backend.in_service = vec!["cloudflare_warp".to_owned()];
    backend.in_service_seconds = Some(252.0);
    backend.on_backup = true;
    for server in &mut backend.servers[..2] {
        fail(server);
    }
    backend.servers[1].health = Some(Verdict::Offline);
    backend.servers[1].reason.as_mut().unwrap().text = "127.0.0.1:18182: connection refused".to_owned();
    status
}

pub(crate) fn blackout() -> Status {
    let mut status = on_backup();
    status.exit_code = 2;
    let backend = &mut status.backends[0];
    backend.verdict = Level::Down;
    backend.blackout_since = Some("2026-01-01T00:00:00.000Z".to_owned());
    fail(&mut backend.servers[2]);
    backend.servers[2].haproxy.state = Admin::Ready;
    backend.servers[2].haproxy.owner = None;
    status
}

pub(super) fn fail(server: &mut ServerStatus) {
    server.health = Some(Verdict::Degraded);
    server.health_seconds = Some(252.0);
    server.reason = Some(ReasonStatus {
        stage: "connect".to_owned(),
        code: "timeout".to_owned(),
        text: "connect to 1.1.1.1:443: no reply in 2 s".to_owned(),
    });
    server.latency_ms.last = None;
    server.history = vec![Some(48.0), Some(50.0), Some(130.0), None, None, None, None];
    server.haproxy.state = Admin::Maint;
    server.haproxy.owner = Some(Owner::Ours);
    server.desired = Some(Admin::Maint);
}

pub(crate) fn scene() -> Status {
    let servers = [("wg1", 18181, 48.4), ("wg2", 18182, 51.0), ("cloudflare_warp", 8111, 112.0)];
    Status {
        api_version: "hactl/v1".to_owned(),
        kind: "Status".to_owned(),
        generated_at: "2026-01-01T00:00:00.000Z".to_owned(),
        exit_code: 0,
        version: "0.1.0".to_owned(),
        node: "gw1".to_owned(),
        instance: "7891".to_owned(),
        haproxy: HaproxyStatus {
            answering: true,
            version: Some("2.6.12-1+deb12u4".to_owned()),
            pid: Some(412),
            uptime_seconds: Some(273_600),
            socket: "/run/haproxy/admin.sock".to_owned(),
            level: Some("admin".to_owned()),
            age_seconds: Some(0.1),
        },
        applying: true,
        problems: Vec::new(),
        frozen_since: None,
        paused: None,
        config_stale: false,
        latency_bounds_ms: failover::status::LatencyBounds::default(),
        instances: Vec::new(),
        backends: vec![BackendStatus {
            instance: "7891".to_owned(),
            name: "socks_back_7891".to_owned(),
            verdict: Level::Ok,
            active_server: Some("wg1".to_owned()),
            in_service: vec!["wg1".to_owned()],
            in_service_since: None,
            in_service_seconds: Some(12_000.0),
            on_backup: false,
            blackout_since: None,
            pinned: None,
            waits_for: None,
            servers: servers.map(|(name, port, millis)| server(name, port, millis)).into(),
        }],
    }
}

pub(super) fn server(name: &str, port: u16, millis: f64) -> ServerStatus {
    ServerStatus {
        name: name.to_owned(),
        address: Some(format!("127.0.0.1:{port}")),
        role: "primary".to_owned(),
        managed: true,
        health: Some(Verdict::Online),
        health_since: None,
        health_seconds: Some(187_200.0),
        reason: None,
        returning: None,
        slow: false,
        latency_ms: LatencyStatus { last: Some(millis), p50: Some(millis), p95: Some(millis) },
        history: vec![Some(millis); 20],
        haproxy: HaproxyServerStatus {
            operational: Operational::Running,
            state: Admin::Ready,
            agent: None,
            admin: Vec::new(),
            owner: None,
            weight: 1,
        },
        override_: None,
        desired: Some(Admin::Ready),
        drift: false,
        held: None,
        exit: None,
    }
}
