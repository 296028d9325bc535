//! What `hactl simulate` reads, refuses and prints.

mod reading;
mod rendering;
mod scene;
