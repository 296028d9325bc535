//! The decision core on virtual time: its world, its rivals, the scenarios and the table of `make sim`.
//!
//! ```text
//!   scenario ─> scene ─> world <── prober <── orders ─── brain ── wishes ──> steered (plan, HAProxy)
//!   (data)    (one run)         └── evidence ──────────────^ └──── sights ──────┘        │
//!                                                                                     routing ─> sample ─> figure ─> table
//! ```
//!
//! Time is virtual and chance is seeded: the same seed shows the same, to the microsecond. `subject` is the one place
//! that knows which core is simulated.

mod agenda;
mod brain;
mod catalogue;
mod cli;
mod clock;
mod column;
mod driver;
mod figure;
mod haproxy;
mod kept;
mod path;
mod prober;
mod rivals;
mod rng;
mod routing;
mod run;
mod sample;
mod scenario;
mod scene;
mod stages;
#[cfg(test)]
mod stand_in;
mod subject;
mod table;
mod timeline;
mod trace;
mod world;

#[cfg(test)]
mod tests;

pub use cli::main;
