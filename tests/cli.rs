//! What a person and a service manager see of hactl: the real program beside a real HAProxy.

mod cli {
    mod alike;
    mod attack;
    mod beside;
    mod check;
    mod config;
    mod doctor;
    mod documents;
    mod events;
    mod exits;
    mod init;
    mod interface;
    mod metrics;
    mod process;
    mod raw;
    mod reading;
    mod readme;
    mod recording;
    mod schema;
    mod status;
    mod top;
    mod transcripts;
    mod typed;
}
