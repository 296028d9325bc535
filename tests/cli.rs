//! What a person and a service manager see of hactl: the real program beside a real HAProxy.

mod cli {
    mod beside;
    mod check;
    mod exits;
    mod metrics;
    mod process;
    mod recording;
    mod status;
}
