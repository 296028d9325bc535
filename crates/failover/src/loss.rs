//! What suspicions that proved wrong have taught about a path: how often its answers are late, how long it may be
//! silent and still come back, and so how much confirmation is needed before it is believed dead. An outage itself
//! teaches nothing here: counted in, each one made the next harder to see (measured).

use std::time::Duration;

use crate::{Settings, Time};

/// Assumed of a path of which nothing is known: with less, 5 % loss caused a false alarm in the first minute (simulated).
const LATE_AT_START: f64 = 0.10;

/// How much one answer changes the estimate: the last hundred count.
const WEIGHT: f64 = 0.01;

/// Nobody is believed to be better than this.
const LATE_MIN: f64 = 0.02;

/// Probes in a wave.
pub(crate) const WAVE: u32 = 3;

/// A full probe has three exchanges with the far side, and it is late where one of them is.
const EXCHANGES: f64 = 3.0;

/// Beyond this a probe says next to nothing, and more of them would not help.
const LATE_PROBE_MAX: f64 = 0.6;

/// Never fewer waves: what falls into one moment is over in the next.
const WAVES_MIN: u32 = 2;

/// Never more: then the path carries nothing for its clients either.
const WAVES_MAX: u32 = 6;

/// Answers in a row, none late, after which a path is quiet: with 1 % loss one path in 400 gets there by chance. It is
/// 75 s of canaries at the quick cadence.
const QUIET_AFTER: u32 = 300;

/// A silence that a path came back from teaches as long as it halves in this time.
const SILENCE_HALF_LIFE: Duration = Duration::from_secs(3600);

/// A longer one is an outage, and teaches no more than this.
const SILENCE_MAX: Duration = Duration::from_millis(600);

/// One server's record.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    late: f64,
    on_time_in_row: u32,
    silence: Duration,
    silence_at: Time,
}

impl Loss {
    pub(crate) const fn new() -> Self {
        Self { late: LATE_AT_START, on_time_in_row: 0, silence: Duration::ZERO, silence_at: Time::ZERO }
    }

    /// An exchange was on time.
    pub(crate) fn on_time(&mut self) {
        self.late -= WEIGHT * self.late;
        self.on_time_in_row = self.on_time_in_row.saturating_add(1);
    }

    /// An exchange was late on a path that turned out to be alive.
    pub(crate) fn late(&mut self) {
        self.late += WEIGHT * (1.0 - self.late);
        self.on_time_in_row = 0;
    }

    /// The path came back after nothing was heard of it for `silence`.
    pub(crate) fn survived(&mut self, silence: Duration, now: Time) {
        if silence >= self.remembered(now) {
            self.silence = silence.min(SILENCE_MAX);
            self.silence_at = now;
        }
    }

    /// It loses nothing, as far as can be seen: it may be judged at its own pace.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.on_time_in_row >= QUIET_AFTER
    }

    /// How long a silence it is given: a quarter more than the longest that it came back from lately.
    pub(crate) fn patience(&self, now: Time) -> Duration {
        let remembered = self.remembered(now);
        remembered + remembered / 4
    }

    /// How many waves of confirmation a mistake each `false_alarm_every` allows, where an exchange is made every `every`
    /// (Chen's bound for independent losses, two-sided by one standard deviation).
    pub(crate) fn waves(&self, every: Duration, settings: &Settings) -> u32 {
        let late = (self.late + (self.late * (1.0 - self.late) * WEIGHT).sqrt()).max(LATE_MIN);
        let rate = late / every.as_secs_f64().max(0.001);
        let suspicions = (rate * settings.false_alarm_every.as_secs_f64()).max(2.0);
        let probes = suspicions.ln() / -(EXCHANGES * late).min(LATE_PROBE_MAX).ln();
        // At most some hundreds, and never negative.
        let waves = (probes / f64::from(WAVE)).ceil();
        let waves = if waves >= f64::from(WAVES_MAX) { WAVES_MAX } else { waves as u32 };
        waves.max(WAVES_MIN)
    }

    fn remembered(&self, now: Time) -> Duration {
        let halves = now.since(self.silence_at).as_secs_f64() / SILENCE_HALF_LIFE.as_secs_f64();
        self.silence.mul_f64(0.5_f64.powf(halves))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(late_in_a_thousand: u32) -> Loss {
        let mut loss = Loss::new();
        for index in 0..20_000_u32 {
            // Spread evenly, so that the end of the training says nothing of its own.
            if (index * late_in_a_thousand) % 1000 < late_in_a_thousand {
                loss.late()
            } else {
                loss.on_time()
            }
        }
        loss
    }

    fn settings() -> Settings {
        Settings::new(vec!["https://1.1.1.1/".into()])
    }

    #[test]
    fn more_is_asked_of_a_path_that_loses_more_or_is_not_known() {
        let waves = |loss: &Loss| loss.waves(Duration::from_millis(250), &settings());
        assert_eq!(waves(&trained(0)), 2);
        assert_eq!(waves(&trained(20)), 2);
        assert_eq!(waves(&trained(100)), 5);
        assert_eq!(waves(&trained(500)), WAVES_MAX);
        assert_eq!(waves(&Loss::new()), 5);
    }

    #[test]
    fn more_is_asked_where_mistakes_are_to_be_rarer() {
        let loss = trained(60);
        let waves = |days: u64| {
            let false_alarm_every = Duration::from_secs(days * 24 * 3600);
            loss.waves(Duration::from_millis(250), &Settings { false_alarm_every, ..settings() })
        };
        assert!(waves(3650) > waves(1));
        assert!((WAVES_MIN..=WAVES_MAX).contains(&waves(0)));
    }

    #[test]
    fn a_path_is_quiet_after_a_long_time_without_a_late_answer_and_no_longer_after_one() {
        let mut loss = trained(0);
        assert!(loss.is_quiet());
        loss.late();
        assert!(!loss.is_quiet());
        for _ in 0..QUIET_AFTER {
            assert!(!loss.is_quiet());
            loss.on_time();
        }
        assert!(loss.is_quiet());
    }

    #[test]
    fn a_survived_silence_is_granted_again_and_slowly_forgotten() {
        let mut loss = Loss::new();
        let at = Time::from_millis;
        assert_eq!(loss.patience(at(0)), Duration::ZERO);
        loss.survived(Duration::from_millis(400), at(0));
        loss.survived(Duration::from_millis(100), at(1));
        assert_eq!(loss.patience(at(0)).as_millis(), 500);
        assert_eq!(loss.patience(at(3_600_000)).as_millis(), 250);
        loss.survived(Duration::from_secs(9), at(3_600_000));
        assert_eq!(loss.patience(at(3_600_000)), SILENCE_MAX + SILENCE_MAX / 4);
    }
}
