//! What hactl is measured against, in the same world: detectors that judge the primary and move to the backup.

pub(crate) mod native;
pub(crate) mod script;
