//! The file that `hactl init` writes. What HAProxy calls its things has been checked; addresses are quoted.

use checker::Greeting;
use hactld::config::quoted;
use haproxy_runtime::{Address, Level};

use super::Server;

/// A backend, with who answers at its servers' addresses.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) is_http: bool,
    pub(super) servers: Vec<Server>,
}

impl Found {
    /// Why it is not to be steered.
    pub(super) fn reason(&self) -> Option<String> {
        if self.is_http {
            return Some("mode http".to_owned());
        }
        if self.servers.iter().any(|server| server.speaks()) {
            return None;
        }
        let each = self
            .servers
            .iter()
            .map(|server| format!("{} at {} {}", server.name, server.address, server.found()));
        Some(format!("no server of it speaks SOCKS5: {}", each.collect::<Vec<_>>().join("; ")))
    }

    fn toml(&self) -> String {
        let mut text = String::from("\n[[instance.backend]]\n");
        text.push_str(&format!("name = {}\n", quoted(&self.name)));
        let steered = self.servers.iter().filter(|server| !server.is_foreign());
        if self.servers.iter().any(Server::is_foreign) {
            let names: Vec<String> = steered.map(|server| quoted(&server.name)).collect();
            text.push_str("# Without those that do not speak SOCKS5.\n");
            text.push_str(&format!("servers = [{}]\n", names.join(", ")));
        }
        for server in self.servers.iter().filter(|server| server.greeting != Greeting::Open) {
            text.push_str(&format!("# {} at {}: {}\n", server.name, server.address, server.found()));
        }
        if self.servers.iter().any(|server| server.greeting == Greeting::WantsLogin) {
            text.push_str("# username = \"NAME\"\n# password_file = \"/etc/hactl/socks-password\"\n");
        }
        text
    }
}

impl Server {
    fn speaks(&self) -> bool {
        matches!(self.greeting, Greeting::Open | Greeting::WantsLogin)
    }

    /// Whoever is there is no SOCKS server. One that is not there now may be one.
    fn is_foreign(&self) -> bool {
        matches!(self.greeting, Greeting::Foreign(_) | Greeting::WantsOther)
    }

    fn found(&self) -> String {
        match &self.greeting {
            Greeting::Open => "speaks SOCKS5".to_owned(),
            Greeting::WantsLogin => "asks for user and password".to_owned(),
            Greeting::WantsOther => "wants a login that hactl does not know".to_owned(),
            Greeting::Foreign(why) => format!("does not speak SOCKS5 ({why})"),
            Greeting::Closed(why) => format!("does not answer now ({why})"),
            Greeting::Silent => "is silent".to_owned(),
        }
    }
}

pub(super) fn text(haproxy: &Address, version: &str, level: Option<Level>, backends: &[Found]) -> String {
    let at = haproxy.to_string();
    let mut text = format!(
        "# hactl's configuration, from HAProxy {version} at {at}.
#
# What to do next:
#   hactl config check FILE           is the file good?
#   hactl doctor --config FILE        is everything around it?
#   hactl run --config FILE --observe look on for a while, change nothing: hactl status
#   hactl run --config FILE           steer
#
# Every key: hactl.toml(5), `hactl config show --defaults`. Those that are left out have their defaults.
"
    );
    if level.is_some_and(|level| level < Level::Admin) {
        let level = level.map_or("", Level::as_str);
        text.push_str(&format!(
            "#\n# This socket is of level {level}; to steer, hactl needs another one: {}.\n",
            haproxy.admin_advice()
        ));
    }
    text.push_str(&format!("\n[[instance]]\nname = \"haproxy\"\nhaproxy = {}\n", quoted(&at)));
    for backend in backends.iter().filter(|backend| backend.reason().is_none()) {
        text.push_str(&backend.toml());
    }
    let left_out: Vec<String> = backends
        .iter()
        .filter_map(|backend| Some(format!("#   {}: {}\n", backend.name, backend.reason()?)))
        .collect();
    if !left_out.is_empty() {
        text.push_str(&format!("\n# Not steered:\n{}", left_out.concat()));
    }
    text
}
