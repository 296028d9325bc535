//! `make sim`: the failure detector on virtual time, beside its rivals.

fn main() -> std::process::ExitCode {
    e2e::sim::main()
}
