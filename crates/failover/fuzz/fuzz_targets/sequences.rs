//! Sequences of events for the core; the harness is the one of `tests/sequences.rs`.

#![no_main]

#[path = "../../tests/sequences/harness.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::run(bytes));
