//! What a person and a service manager see of hactl: the real program beside a real HAProxy.

mod cli {
    mod attack;
    mod beside;
    mod check;
    mod doctor;
    mod events;
    mod init;
    mod metrics;
    mod process;
    mod raw;
    mod reading;
    mod recording;
    mod status;
}
