//! The demo: a real HAProxy, three exits and hactl on this machine; what clients see when a tunnel dies, and when it
//! comes back.

mod answers;
mod clients;
mod hactl;
mod haproxy;
mod keep;
mod ports;
mod run;
mod scene;
mod step;
mod story;
mod voice;

fn main() -> std::process::ExitCode {
    run::main()
}
