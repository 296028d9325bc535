//! Which process counts while one takes over from another: for up to 4 ms after the new one has answered, a fresh
//! connection may still be taken by the old one (measured), which then says neither that it is stopping nor that it is
//! no longer asked.

use std::time::Duration;

use failover::Process;
use tokio::time::Instant;

use crate::look::LookError;

/// How long the one before is not believed: far longer than the overlap on a busy machine. Should it be the one that
/// stays after all, because the new one died at once, it is believed again afterwards.
const TAKE_OVER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Switch {
    current: Option<Process>,
    /// The one before, and when it was replaced.
    former: Option<(Process, Instant)>,
}

impl Switch {
    /// Takes `process` as the one that answers now; whether that is another one than before.
    ///
    /// # Errors
    /// Where it is the one that was just replaced.
    pub(crate) fn accept(&mut self, process: &Process, now: Instant) -> Result<bool, LookError> {
        if self.current.as_ref() == Some(process) {
            return Ok(false);
        }
        if let Some((former, since)) = &self.former
            && former == process
            && now.saturating_duration_since(*since) < TAKE_OVER
        {
            return Err(LookError::Replaced);
        }
        self.former = self.current.replace(process.clone()).map(|former| (former, now));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_that_was_just_replaced_is_not_believed_for_a_while() {
        let (old, new) = (process(1), process(2));
        let start = Instant::now();
        let mut switch = Switch::default();
        for pid in [&old, &old, &new, &new] {
            assert!(switch.accept(pid, start).is_ok());
        }
        assert!(switch.accept(&old, start + Duration::from_millis(4)).is_err());
        assert!(switch.accept(&new, start + Duration::from_millis(5)).is_ok());
        assert!(switch.accept(&process(3), start + Duration::from_millis(90)).is_ok());
        assert!(switch.accept(&new, start + Duration::from_millis(91)).is_err());
        assert!(switch.accept(&new, start + Duration::from_secs(2)).is_ok(), "it is the one that stays");
    }

    fn process(pid: u32) -> Process {
        Process { pid, start_time: 1, version: String::new() }
    }
}
