//! The formats that are not JSON: tables for people, lines for scripts.

use failover::Verdict;
use failover::status::{BackendStatus, ServerStatus, Status};
use hactld::text::Shown;

use super::render::{self, Shape, answers, haproxy, overridden, reason};
use crate::cli::StatusFormat;
use crate::terminal::Terminal;

const CSV_HEADER: &str = "instance,backend,server,address,role,health,haproxy,override,in_service,latency_ms,since_seconds,reason\n";

/// How it is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style<'a> {
    pub(super) format: StatusFormat,
    /// With a line of headings.
    pub(super) header: bool,
    pub(super) terminal: &'a Terminal,
}

/// Of the servers, those that are called `server`, or all. Where something was `named`, nothing is left out for brevity.
pub(super) fn render(status: &Status, server: Option<&str>, named: bool, style: &Style<'_>) -> String {
    match style.format {
        StatusFormat::Table | StatusFormat::Json => {
            let shape = Shape { server, all: named, wide: false, header: style.header };
            style.terminal.copyable(&render::table(status, &shape, style.terminal))
        }
        // Whoever wants it wide scrolls.
        StatusFormat::Wide => {
            let shape = Shape { server, all: named, wide: true, header: style.header };
            let text = render::table(status, &shape, &Terminal { width: None, ..*style.terminal });
            style.terminal.copyable(&text)
        }
        StatusFormat::Csv => csv(status, server, style.header),
        StatusFormat::Name => names(status, server),
    }
}

fn servers<'a>(
    status: &'a Status,
    server: Option<&'a str>,
) -> impl Iterator<Item = (&'a BackendStatus, &'a ServerStatus)> {
    status.backends.iter().flat_map(move |backend| {
        let of_it = backend.servers.iter().filter(move |there| server.is_none_or(|name| there.name == name));
        of_it.map(move |there| (backend, there))
    })
}

/// As other commands take them; the instance stands before it where its backend is not the only one of that name.
fn names(status: &Status, server: Option<&str>) -> String {
    let line = |(backend, server): (&BackendStatus, &ServerStatus)| {
        let one_of_several = status.backends.iter().filter(|other| other.name == backend.name).count() > 1;
        let instance = if one_of_several { format!("{}:", backend.instance) } else { String::new() };
        format!("{instance}{}/{}\n", Shown(&backend.name), Shown(&server.name))
    };
    servers(status, server).map(line).collect()
}

/// As RFC 4180 has it, but for line ends, which are those of this system. What is not known is empty.
fn csv(status: &Status, server: Option<&str>, header: bool) -> String {
    let line = |(backend, server): (&BackendStatus, &ServerStatus)| {
        // Of a HAProxy that does not answer neither is known.
        let answering = answers(status, backend);
        let serves = if backend.in_service.contains(&server.name) { "yes" } else { "no" };
        let of_haproxy = |text: String| if answering { text } else { String::new() };
        let known = |text: String| if text == "-" { String::new() } else { text };
        let cells = [
            backend.instance.clone(),
            backend.name.clone(),
            server.name.clone(),
            server.address.clone().unwrap_or_default(),
            server.role.clone(),
            server.health.map(Verdict::as_str).unwrap_or_default().to_owned(),
            of_haproxy(haproxy(server, answering)),
            known(overridden(backend, server, &status.generated_at)),
            of_haproxy(serves.to_owned()),
            server.latency_ms.last.map(|millis| format!("{millis:.1}")).unwrap_or_default(),
            server.health_seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default(),
            known(reason(backend, server)),
        ];
        format!("{}\n", cells.map(|cell| quoted(&cell)).join(","))
    };
    let lines: String = servers(status, server).map(line).collect();
    if header { format!("{CSV_HEADER}{lines}") } else { lines }
}

fn quoted(cell: &str) -> String {
    let cell = Shown(cell).to_string();
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::render::tests::{of_instance, on_backup, scene};
    use super::*;

    #[test]
    fn csv_has_a_line_for_each_server_and_what_is_not_known_is_empty() {
        assert_snapshot!(shown(&on_backup(), StatusFormat::Csv, true), @"
        instance,backend,server,address,role,health,haproxy,override,in_service,latency_ms,since_seconds,reason
        7891,socks_back_7891,wg1,127.0.0.1:18181,primary,degraded,maint,,no,,252.0,connect to 1.1.1.1:443: no reply in 2 s
        7891,socks_back_7891,wg2,127.0.0.1:18182,primary,offline,maint,,no,,252.0,127.0.0.1:18182: connection refused
        7891,socks_back_7891,cloudflare_warp,127.0.0.1:8111,primary,online,up,,yes,112.0,187200.0,
        ");
        let mut away = on_backup();
        away.haproxy.answering = false;
        let of_warp = shown(&away, StatusFormat::Csv, false).lines().last().unwrap().to_owned();
        assert_eq!(
            of_warp,
            "7891,socks_back_7891,cloudflare_warp,127.0.0.1:8111,primary,online,,,,112.0,187200.0,"
        );
        let without = shown(&on_backup(), StatusFormat::Csv, false);
        assert_eq!(without.lines().count(), 3);
        assert_eq!(quoted("a,\"b\"\n"), "\"a,\"\"b\"\"\\n\"");
    }

    #[test]
    fn names_are_as_other_commands_take_them() {
        assert_snapshot!(shown(&scene(), StatusFormat::Name, true), @"
        socks_back_7891/wg1
        socks_back_7891/wg2
        socks_back_7891/cloudflare_warp
        ");
        let both = Status::whole(vec![of_instance("a", scene()), of_instance("b", scene())]).unwrap();
        let names = shown(&both, StatusFormat::Name, true);
        assert!(
            names.starts_with("a:socks_back_7891/wg1\n") && names.contains("b:socks_back_7891/wg1\n"),
            "{names}"
        );
    }

    #[test]
    fn wide_has_every_column_in_whatever_terminal() {
        assert_snapshot!(shown(&on_backup(), StatusFormat::Wide, true), @"
        ! socks_back_7891 DEGRADED: 1 of 3 online, on backup cloudflare_warp for 4m12s
          hactl 0.1.0 gw1 · HAProxy 2.6.12-1+deb12u4 pid 412 up 3d4h · /run/haproxy/admin.sock · applying · data 0.1s old

          SERVER           ADDRESS          ROLE     HEALTH      HAPROXY  WANTED  WEIGHT  OVERRIDE  LATENCY    P50    P95  LAST 20               SINCE  REASON
          wg1              127.0.0.1:18181  primary  ▲ degraded  maint    maint        1  -               -   48ms   48ms  ▃▄█✕✕✕✕               4m12s  connect to 1.1.1.1:443: no reply in 2 s
          wg2              127.0.0.1:18182  primary  ✕ offline   maint    maint        1  -               -   51ms   51ms  ▃▄█✕✕✕✕               4m12s  127.0.0.1:18182: connection refused
        > cloudflare_warp  127.0.0.1:8111   primary  ● online    up       ready        1  -           112ms  112ms  112ms  ████████████████████   2d4h  -

        next: hactl explain socks_back_7891/wg1
        ");
    }

    fn shown(status: &Status, format: StatusFormat, header: bool) -> String {
        let terminal =
            Terminal { color: false, color_errors: false, unicode: true, width: Some(40), socket: None };
        render(status, None, false, &Style { format, header, terminal: &terminal })
    }
}
