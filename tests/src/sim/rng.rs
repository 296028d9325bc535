//! Chance, written out: what a seed has shown it shows for ever, on any machine and with any version of any crate.

use std::time::Duration;

/// xoshiro256++ (Blackman and Vigna 2018), seeded by SplitMix64 as its authors advise.
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    state: [u64; 4],
    /// Normal numbers are made in pairs.
    spare: Option<f64>,
}

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        let mut mixed = seed;
        Self { state: std::array::from_fn(|_| split_mix(&mut mixed)), spare: None }
    }

    /// A stream of its own for one run of what `key` names: no scenario shifts the chances of another one.
    pub(crate) fn of_run(seed: u64, key: &str, run: u32) -> Self {
        let mut mixed = seed;
        for byte in key.bytes() {
            mixed = split_mix(&mut mixed) ^ u64::from(byte);
        }
        Self::new(split_mix(&mut mixed) ^ u64::from(run))
    }

    pub(crate) const fn word(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// Evenly in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.word() >> 11) as f64 * STEP
    }

    /// True in this part of all cases.
    pub(crate) fn chance(&mut self, part: f64) -> bool {
        part > 0.0 && self.unit() < part
    }

    /// Evenly between the two.
    pub(crate) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        least + (most - least).mul_f64(self.unit())
    }

    /// The wait for something that happens by chance, every `mean` on average.
    pub(crate) fn wait(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.unit()).ln())
    }

    /// A factor whose median is 1 and whose logarithm deviates by `sigma`.
    pub(crate) fn lognormal(&mut self, sigma: f64) -> f64 {
        (sigma * self.normal()).exp()
    }

    /// Marsaglia's polar method.
    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(y * scale);
                return x * scale;
            }
        }
    }
}

const fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_generator_that_was_published() {
        // The first numbers of the reference implementation in C for the state 1, 2, 3, 4.
        let mut rng = Rng { state: [1, 2, 3, 4], spare: None };
        let first: [u64; 4] = std::array::from_fn(|_| rng.word());
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn what_a_seed_shows_depends_on_seed_scenario_and_run_alone() {
        let first = |seed, key, run| Rng::of_run(seed, key, run).word();
        assert_eq!(first(1, "a", 0), first(1, "a", 0));
        let others = [first(2, "a", 0), first(1, "b", 0), first(1, "a", 1), first(1, "aa", 0)];
        assert!(!others.contains(&first(1, "a", 0)), "{others:?}");
    }

    #[test]
    fn its_numbers_are_spread_as_their_names_say() {
        const N: u32 = 100_000;
        let mut rng = Rng::new(7);
        let mean =
            |mut draw: Box<dyn FnMut() -> f64 + '_>| (0..N).map(|_| draw()).sum::<f64>() / f64::from(N);
        assert!((mean(Box::new(|| rng.unit())) - 0.5).abs() < 0.005);
        assert!((mean(Box::new(|| rng.normal())).abs()) < 0.01);
        assert!((mean(Box::new(|| rng.normal().powi(2))) - 1.0).abs() < 0.02);
        assert!((mean(Box::new(|| rng.wait(Duration::from_secs(9)).as_secs_f64())) - 9.0).abs() < 0.15);
        assert!((mean(Box::new(|| rng.lognormal(0.25).ln())).abs()) < 0.005);
        assert!((mean(Box::new(|| f64::from(u8::from(rng.chance(0.01))))) - 0.01).abs() < 0.001);
    }
}
