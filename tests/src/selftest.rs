//! The support library under test: what a scene is told to do is what a client then meets.

mod exits;
mod haproxy;
mod scene;
