//! Prints the servers of a backend, and which HAProxy process says so.
//!
//! ```text
//! cargo run -p haproxy-runtime --example servers -- /run/haproxy/admin.sock socks_back
//! ```
//!
//! A stats socket of any level will do. The address may also be `tcp:HOST:PORT`.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use haproxy_runtime::{Address, BackendName, Client, Command, Reply};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(error) = print_servers().await else { return ExitCode::SUCCESS };
    // The messages never repeat their sources, so the whole chain is worth reading.
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        message = format!("{message}: {source}");
        cause = source.source();
    }
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "servers: {message}");
    ExitCode::FAILURE
}

async fn print_servers() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(address), Some(backend)) = (arguments.next(), arguments.next()) else {
        return Err("usage: servers ADDRESS BACKEND".into());
    };
    let client = Client::new(address.parse::<Address>()?);
    let backend: BackendName = backend.parse()?;

    // Both on one connection, so that the process and its servers belong together.
    let commands = [Command::ShowInfo, Command::ShowServersState(Some(backend))];
    let mut replies = client.exchange(&commands).await?.into_iter();

    let mut out = io::stdout().lock();
    if let Some(Reply::Info(info)) = replies.next().transpose()? {
        writeln!(out, "haproxy {} pid {} up {} s", info.version, info.pid, info.uptime_sec)?;
    }
    if let Some(Reply::ServersState(servers)) = replies.next().transpose()? {
        for server in &servers.rows {
            let address = format!("{}:{}", server.srv_addr, server.srv_port);
            let admin = server.srv_admin_state.bits();
            let state = server.srv_op_state;
            writeln!(out, "{}  {address}  {state:?}  admin {admin:#04x}", server.path())?;
        }
        for row in &servers.rejected {
            writeln!(out, "{row}: {}", row.reason)?;
        }
    }
    Ok(())
}
