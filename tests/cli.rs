//! What a person and a service manager see of hactl: the real program beside a real HAProxy.

mod cli {
    mod attack;
    mod beside;
    mod check;
    mod events;
    mod process;
    mod recording;
    mod status;
}
