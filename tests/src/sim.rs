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
mod clock;
mod driver;
mod haproxy;
mod kept;
mod path;
mod prober;
mod rng;
mod routing;
mod stages;
mod stand_in;
mod timeline;
mod world;

#[cfg(test)]
mod tests;
