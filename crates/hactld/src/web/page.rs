//! The page's changing part, made from what is known: the verdict first, then each backend with what is wrong first. It
//! says what others have found out and decides nothing; all that it writes goes through `Html`, which escapes it.

mod chart;
mod history;
mod row;
mod words;

use std::cmp::Reverse;
use std::fmt::Display;
use std::path::Path;

use axum::body::Bytes;
use failover::Verdict;
use failover::status::{BackendStatus, InstanceStatus, Level, PauseStatus, ServerStatus, Status};

use crate::admin::sse::message;
use crate::feed::essence;

use super::html::Html;
use super::past::Past;

use self::row::Context;

/// Rows of servers on one page: a person reads no more, and a browser draws them in a moment.
const ROWS_MAX: usize = 100;

/// A backend of so many servers is shown whole, in HAProxy's order.
const WHOLE_MAX: usize = 24;

/// The names of servers that are well, in a fold.
const NAMES_MAX: usize = 300;

/// Of more there is nothing but a number.
const BACKENDS_MAX: usize = 60;

/// Older than this, what is known of HAProxy is said to be: it is looked at every second.
const STALE_SECONDS: f64 = 3.0;

/// A page without its frame.
pub(super) struct Page {
    /// The `main` element, on one line.
    pub(super) main: String,
    /// The same as a message: one in memory, however many are slow to take it.
    pub(super) message: Bytes,
    /// The window's title, escaped.
    pub(super) title: String,
    /// The icon, as a `data:` address, escaped.
    pub(super) icon: String,
    /// Another one where something of weight is another: not times, latencies and texts alone.
    pub(super) weight: (u64, u64),
    /// Something is known.
    pub(super) knows: bool,
}

/// What there is to see; `socket` is hactl's own, where commands have to name it.
pub(super) fn of_status(status: &Status, past: &Past, socket: Option<&Path>) -> Page {
    let level = status.worst();
    let headline = words::headline(status);
    let title = format!("{} {headline} · {}", words::mark(level), status.node);
    let mut html = Html::default();
    top(&mut html, Some(&status.node));
    hero(&mut html, level, &headline, &words::summary(status));
    notes(&mut html, status);
    backends(&mut html, status, socket);
    history::past(&mut html, past);
    footer(&mut html, &status.version);
    let weight = (essence(status), past.latest());
    page(level, &title, html, weight, true)
}

/// The decision loop does not answer.
pub(super) fn of_silence(why: &str) -> Page {
    let mut html = Html::default();
    top(&mut html, None);
    hero(&mut html, Level::Unknown, "Nothing is known right now", &why);
    footer(&mut html, crate::VERSION);
    page(Level::Unknown, "○ hactl does not know", html, (0, 0), false)
}

fn page(level: Level, title: &str, inside: Html, weight: (u64, u64), knows: bool) -> Page {
    let escaped = |text: &str| {
        let mut html = Html::default();
        html.text(text);
        html.into_string()
    };
    let attributes: [(&str, &dyn Display); 6] = [
        ("id", &"page"),
        ("data-version", &crate::VERSION),
        ("data-level", &level),
        ("data-title", &title),
        ("data-icon", &words::icon(level)),
        ("data-icon-lost", &words::icon(Level::Unknown)),
    ];
    let mut main = Html::default();
    main.element("main", &attributes, |html| html.append(inside));
    let main = main.into_string();
    let message = message("page", None, main.as_bytes());
    Page { main, message, title: escaped(title), icon: escaped(words::icon(level)), weight, knows }
}

fn top(html: &mut Html, node: Option<&str>) {
    html.element("header", &[("class", &"top")], |html| {
        html.element("span", &[("class", &"brand")], |html| {
            html.icon("brand", 22);
            html.text("hactl");
        });
        if let Some(node) = node {
            html.classed("span", "node", node);
        }
        html.element("span", &[("class", &"live")], |html| {
            html.element("i", &[], |_| {});
            html.classed("span", "word", "");
        });
    });
}

fn hero(html: &mut Html, level: Level, headline: &str, summary: &dyn Display) {
    let class = format!("hero l-{level}");
    html.element("section", &[("class", &class), ("aria-label", &"verdict")], |html| {
        html.icon(words::level_icon(level), 52);
        html.element("h1", &[], |html| html.text(headline));
        html.element("p", &[], |html| html.text(summary));
    });
}

/// What stands in the way, and what somebody has asked for.
fn notes(html: &mut Html, status: &Status) {
    html.element("div", &[("class", &"notes")], |html| {
        if let Some(PauseStatus { by, reason, until, .. }) = &status.paused {
            let until = words::until(until.as_deref());
            let what = format!("by {by}{until}: {reason}");
            note(html, Level::Degraded, "Paused", &what, Some("hactl resume"));
        }
        if status.config_stale {
            let what = "was read again and cannot be used; hactl runs on with the one before.";
            note(html, Level::Degraded, "The configuration", what, Some("hactl config check"));
        }
        let several = status.instances.len() > 1;
        for instance in &status.instances {
            let InstanceStatus { name, problems, would, .. } = instance;
            let name = if several { name.as_str() } else { "" };
            for problem in problems {
                note(html, instance.verdict, name, problem, None);
            }
            if !would.is_empty() {
                let what = format!("hactl looks on; it would send: {}", would.join("; "));
                note(html, Level::Unknown, name, &what, None);
            }
        }
    });
}

fn note(html: &mut Html, level: Level, strong: &str, what: &str, command: Option<&str>) {
    let class = format!("note l-{level}");
    html.element("div", &[("class", &class)], |html| {
        html.icon(words::level_icon(level), 18);
        html.element("p", &[], |html| {
            if !strong.is_empty() {
                html.element("strong", &[], |html| html.text(strong));
                html.text(" ");
            }
            html.text(what);
        });
        if let Some(text) = command {
            html.element("div", &[("class", &"next")], |html| row::command(html, text, ""));
        }
    });
}

fn backends(html: &mut Html, status: &Status, socket: Option<&Path>) {
    let mut shown: Vec<&BackendStatus> = status.backends.iter().collect();
    shown.sort_by_key(|backend| Reverse(backend.verdict));
    let beyond = shown.len().saturating_sub(BACKENDS_MAX);
    shown.truncate(BACKENDS_MAX);
    let mut room = ROWS_MAX;
    for backend in shown {
        let instance = status.instances.iter().find(|instance| instance.name == backend.instance);
        let answering = instance.is_none_or(|instance| instance.haproxy.answering);
        let context = Context {
            backend,
            socket,
            answering,
            several: status.instances.len() > 1,
            bounds: status.latency_bounds_ms,
        };
        let id = format!("b-{}:{}", backend.instance, backend.name);
        html.element("section", &[("class", &"backend"), ("id", &id)], |html| {
            heading(html, &context);
            html.element("div", &[("class", &"card")], |html| {
                servers(html, &context, &mut room);
                row::about_backend(html, &context);
            });
        });
    }
    if beyond > 0 {
        let text = format!("and {beyond} more backends: see `hactl status`");
        html.element("p", &[("class", &"says")], |html| html.text(text));
    }
}

fn heading(html: &mut Html, context: &Context<'_>) {
    let backend = context.backend;
    html.element("header", &[], |html| {
        html.element("h2", &[], |html| {
            if context.several {
                html.classed("span", "of", format_args!("{} / ", backend.instance));
            }
            html.text(&backend.name);
        });
        html.element("span", &[("class", &format_args!("chip l-{}", backend.verdict))], |html| {
            html.icon(words::level_shape(backend.verdict), 11);
            html.text(backend.verdict);
        });
        html.classed("p", "says", words::service(backend, context.answering));
        if let Some(pinned) = words::pinned(backend) {
            html.classed("p", "over", pinned);
        }
    });
}

/// All of a small backend. Of a large one those that need a look and those in use; the others are a number and, in a fold,
/// their names.
fn servers(html: &mut Html, context: &Context<'_>, room: &mut usize) {
    let backend = context.backend;
    let in_use = |server: &ServerStatus| context.answering && backend.in_service.contains(&server.name);
    let whole = backend.servers.len() <= WHOLE_MAX && backend.servers.len() <= *room;
    let (rows, rest): (Vec<&ServerStatus>, Vec<&ServerStatus>) = if whole {
        (backend.servers.iter().collect(), Vec::new())
    } else {
        let (troubled, well): (Vec<_>, Vec<_>) =
            backend.servers.iter().partition(|server| words::is_troubled(server));
        // HAProxy may use thousands at once.
        let (used, spare): (Vec<_>, Vec<_>) = if backend.in_service.len() <= WHOLE_MAX {
            well.into_iter().partition(|server| in_use(server))
        } else {
            (Vec::new(), well)
        };
        let mut rows: Vec<_> = troubled.into_iter().chain(used).collect();
        let beyond = rows.split_off(rows.len().min(*room));
        (rows, beyond.into_iter().chain(spare).collect())
    };
    *room = room.saturating_sub(rows.len());
    if !rows.is_empty() {
        heads(html);
        html.element("ul", &[], |html| {
            for server in rows {
                row::row(html, context, server, in_use(server));
            }
        });
    }
    if !rest.is_empty() {
        folded(html, backend, &rest);
    }
    if backend.servers.is_empty() {
        html.element("div", &[("class", &"rest")], |html| {
            html.element("p", &[], |html| html.text("HAProxy has no server in it"));
        });
    }
}

fn heads(html: &mut Html) {
    html.element("div", &[("class", &"heads cols"), ("aria-hidden", &"true")], |html| {
        for (class, name) in [
            ("", "Server"),
            ("", "Health"),
            ("", "HAProxy"),
            ("", "Latency"),
            ("", "Last probes"),
            ("r", "Since"),
            ("", ""),
        ] {
            html.classed("span", class, name);
        }
    });
}

fn folded(html: &mut Html, backend: &BackendStatus, rest: &[&ServerStatus]) {
    let count = |verdict| rest.iter().filter(|server| server.health == verdict).count();
    let words = [
        Some(Verdict::Offline),
        Some(Verdict::Degraded),
        Some(Verdict::Unknown),
        Some(Verdict::Online),
        None,
    ]
    .into_iter()
    .filter(|verdict| count(*verdict) > 0)
    .map(|verdict| format!("{} {}", count(verdict), words::health(verdict)))
    .collect::<Vec<_>>()
    .join(", ");
    html.element("div", &[("class", &"rest")], |html| {
        let id = format!("r-{}:{}", backend.instance, backend.name);
        html.element("details", &[("id", &id)], |html| {
            html.element("summary", &[], |html| {
                html.element("span", &[], |html| html.text(format_args!("{} more: {words}", rest.len())));
                html.classed("span", "turn", "");
            });
            let mut names: Vec<&str> =
                rest.iter().take(NAMES_MAX).map(|server| server.name.as_str()).collect();
            if rest.len() > NAMES_MAX {
                names.push("… all of them: hactl status");
            }
            html.classed("p", "names", names.join("  "));
        });
    });
}

fn footer(html: &mut Html, version: &str) {
    html.element("footer", &[], |html| {
        html.element("span", &[], |html| html.text(format_args!("hactl {version}")));
        for (at, name) in [("api/v1/status", "status as JSON"), ("metrics", "metrics")] {
            html.element("a", &[("href", &at)], |html| html.text(name));
        }
        html.classed("span", "push", "Read only: changes are made by hactl, on this host.");
    });
}

#[cfg(test)]
pub(super) mod tests;
