//! The core on a virtual clock: what it concludes from what happens, whom it blames, and what it leaves alone.

mod world;

#[path = "scenarios"]
mod scenarios {
    mod blame;
    mod detection;
    mod explain;
    mod latency;
    mod local;
    mod on_demand;
    mod overrides;
    mod recovery;
    mod replay;
    mod rules;
    mod said;
    mod servers;
    mod sessions;
    mod settings;
    mod slow;
}
