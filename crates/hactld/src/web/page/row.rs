//! One server: a line that says how it is, and behind it what is known, why, and which commands there are.

use std::fmt::Display;
use std::path::Path;

use failover::status::{BackendStatus, LatencyBounds, ServerStatus};

use super::super::html::Html;
use super::{chart, words};
use crate::text::word;

/// Where a server stands.
pub(super) struct Context<'a> {
    pub(super) backend: &'a BackendStatus,
    /// hactl's own socket, where commands have to name it.
    pub(super) socket: Option<&'a Path>,
    /// HAProxy answers, so that what was seen of it holds.
    pub(super) answering: bool,
    /// There are several instances, so that names need theirs.
    pub(super) several: bool,
    /// From which latency on it has another colour.
    pub(super) bounds: LatencyBounds,
}

impl Context<'_> {
    /// As commands and addresses call it.
    fn backend_name(&self) -> String {
        let BackendStatus { instance, name, .. } = self.backend;
        if self.several { format!("{instance}:{name}") } else { name.clone() }
    }

    /// For commands that ask hactl.
    fn socket_option(&self) -> String {
        let named = self.socket.map(|path| format!(" --socket {}", word(&path.display().to_string())));
        named.unwrap_or_default()
    }
}

pub(super) fn row(html: &mut Html, context: &Context<'_>, server: &ServerStatus, used: bool) {
    let id = format!("s-{}:{}/{}", context.backend.instance, context.backend.name, server.name);
    let verdict = server.health.map_or_else(|| "none".to_owned(), |verdict| verdict.to_string());
    let class = format!("server v-{verdict}{}", if used { " used" } else { "" });
    html.element("li", &[("class", &class), ("id", &id)], |html| {
        html.element("details", &[], |html| {
            html.element("summary", &[], |html| {
                html.element("div", &[("class", &"cols")], |html| line(html, context, server, used));
            });
            html.element("div", &[("class", &"more")], |html| more(html, context, server));
        });
    });
}

fn line(html: &mut Html, context: &Context<'_>, server: &ServerStatus, used: bool) {
    html.element("div", &[("class", &"who")], |html| {
        html.element("span", &[("class", &"name")], |html| {
            html.element("b", &[], |html| html.text(&server.name));
            if used {
                html.classed("span", "used-tag", "in use");
            }
        });
        html.classed("span", "addr", server.address.as_deref().unwrap_or("no address"));
    });
    html.element("span", &[("class", &"health")], |html| {
        html.icon(words::shape(server.health), 13);
        html.text(words::health(server.health));
    });
    html.element("span", &[("class", &"haproxy")], |html| {
        let (word, note) = words::haproxy(server, context.answering);
        html.text(word);
        if let Some(note) = note {
            html.text(" ");
            html.classed("small", "", note);
        }
        if let Some(text) = words::override_of(server) {
            html.text(" ");
            html.classed("span", "over", text);
        }
    });
    html.element("span", &[("class", &"latency")], |html| {
        match server.latency_ms.last {
            Some(last) => {
                html.element("span", &[("class", &words::latency(context.bounds.level(last)))], |html| {
                    html.text(words::millis(last));
                    html.classed("small", "", "ms");
                })
            }
            None => html.classed("span", "ms none", "–"),
        }
        chart::line(html, &server.history);
    });
    chart::bars(html, &server.history);
    html.classed("span", "since", server.health_seconds.map_or_else(|| "–".to_owned(), words::span));
    html.classed("span", "turn", "");
    if let Some(why) = words::reason(server) {
        let class = if server.reason.is_some() { "why" } else { "why calm" };
        html.classed("div", class, why);
    }
}

fn more(html: &mut Html, context: &Context<'_>, server: &ServerStatus) {
    html.element("dl", &[("class", &"facts")], |html| {
        for (name, value) in facts(server) {
            html.element("dt", &[], |html| html.text(name));
            html.element("dd", &[], |html| html.text(value));
        }
    });
    let (backend, name) = (context.backend_name(), &server.name);
    explanation(html, &format!("{}/{}", encoded(&backend), encoded(name)));
    let full = word(&format!("{backend}/{name}"));
    let socket = context.socket_option();
    html.element("div", &[("class", &"commands")], |html| {
        html.element("div", &[("class", &"also")], |html| {
            command(html, &format!("hactl explain{socket} {full}"), "why it is so");
            command(html, &format!("hactl check{socket} -v {full}"), "try it now");
        });
        if server.override_.is_some() {
            command(html, &format!("hactl auto{socket} {full}"), "give it back to the probes");
        } else {
            command(
                html,
                &format!("hactl maint{socket} {full} --for 1h -m REASON"),
                "take it out for a while",
            );
        }
    });
}

/// Where the page's script writes what the API says of it, once it is opened.
fn explanation(html: &mut Html, path: &str) {
    let address = format!("api/v1/explain/{path}");
    let own: [(&str, &dyn Display); 3] =
        [("class", &"explain"), ("data-own", &""), ("data-explain", &address)];
    html.element("div", &own, |_| {});
}

/// Behind its servers: why the backend is served as it is.
pub(super) fn about_backend(html: &mut Html, context: &Context<'_>) {
    let backend = context.backend_name();
    let id = format!("e-{backend}");
    html.element("div", &[("class", &"rest")], |html| {
        html.element("details", &[("id", &id)], |html| {
            html.element("summary", &[], |html| {
                html.element("span", &[], |html| {
                    html.text(format_args!("Why {} is as it is", context.backend.name))
                });
                html.classed("span", "turn", "");
            });
            html.element("div", &[("class", &"more")], |html| {
                explanation(html, &encoded(&backend));
                html.element("div", &[("class", &"commands")], |html| {
                    let text = format!("hactl explain{} {}", context.socket_option(), word(&backend));
                    html.element("div", &[("class", &"also")], |html| command(html, &text, ""));
                });
            });
        });
    });
}

fn facts(server: &ServerStatus) -> Vec<(&'static str, String)> {
    let haproxy = &server.haproxy;
    let mut facts = Vec::new();
    if let Some(reason) = &server.reason {
        facts.push(("Failed at", format!("{} ({})", reason.stage, reason.code)));
    }
    let latency = &server.latency_ms;
    if let (Some(p50), Some(p95)) = (latency.p50, latency.p95) {
        let (p50, p95) = (words::millis(p50), words::millis(p95));
        facts.push(("Latency", format!("half of the last 60 probes within {p50} ms, 95 % within {p95} ms")));
    }
    if let Some(desired) = server.desired {
        facts.push(("Wanted", desired.as_str().to_owned()));
    }
    let flags =
        if haproxy.admin.is_empty() { String::new() } else { format!(" ({})", haproxy.admin.join(", ")) };
    let operational = format!("{:?}", haproxy.operational).to_lowercase();
    facts.push((
        "In HAProxy",
        format!(
            "{}{flags}, {operational}, weight {}, {}",
            haproxy.state.as_str(),
            haproxy.weight,
            server.role
        ),
    ));
    facts
}

/// A command to be copied, and what it is for.
pub(super) fn command(html: &mut Html, text: &str, what_for: &str) {
    html.element("div", &[("class", &"command")], |html| {
        html.element("code", &[], |html| html.text(text));
        let label = format!("copy {text}");
        let attributes: [(&str, &dyn Display); 4] =
            [("class", &"copy"), ("type", &"button"), ("data-copy", &text), ("aria-label", &label)];
        html.element("button", &attributes, |html| html.text("Copy"));
        if !what_for.is_empty() {
            html.element("span", &[], |html| html.text(what_for));
        }
    });
}

/// One part of an address's path.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
