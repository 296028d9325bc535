//! The world under test: what it promises to whoever is judged in it.

mod catalogue;
mod driven;
mod estimate;
mod hands;
mod kept;
mod path;
mod probes;
mod pulse;
mod run;
