//! What all probes have in common.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::Target;

/// Whom to ask, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    targets: Arc<[Target]>,
    control: Option<Arc<Target>>,
    timeout: Duration,
}

/// Settings that no probe could follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// Nobody to ask.
    #[error("no target to probe; name at least one")]
    NoTarget,
    /// No probe could ever pass.
    #[error("the probe's timeout is zero; set one above the time that an answer takes")]
    NoTime,
}

impl Settings {
    /// Probes ask `targets`; `timeout` is what an answer may take before it is too late.
    ///
    /// # Errors
    /// Where there is no target, or no time.
    pub fn new(targets: Vec<Target>, timeout: Duration) -> Result<Self, SettingsError> {
        if targets.is_empty() {
            return Err(SettingsError::NoTarget);
        }
        if timeout.is_zero() {
            return Err(SettingsError::NoTime);
        }
        Ok(Self { targets: targets.into(), control: None, timeout })
    }

    /// The same with `control` to be asked past all servers.
    #[must_use]
    pub fn with_control(self, control: Target) -> Self {
        Self { control: Some(Arc::new(control)), ..self }
    }

    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    pub(crate) fn control(&self) -> Option<&Target> {
        self.control.as_deref()
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_need_a_target_and_time() {
        let target: Target = "https://1.1.1.1/".parse().unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(Settings::new(vec![], second), Err(SettingsError::NoTarget));
        assert_eq!(Settings::new(vec![target.clone()], Duration::ZERO), Err(SettingsError::NoTime));
        assert!(Settings::new(vec![target], second).is_ok());
    }
}
