//! What a person and a service manager see of hactl: the real program beside a real HAProxy.

mod cli {
    mod beside;
    mod check;
    mod doctor;
    mod init;
    mod metrics;
    mod process;
    mod raw;
    mod reading;
    mod recording;
    mod status;
}
