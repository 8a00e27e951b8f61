//! The one source of randomness above `core/`.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The longest interval that is waited for, in place of any longer one: ten years.
pub const INTERVAL_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A seeded generator; not for secrets. Cheap to clone; clones draw from the same sequence.
#[derive(Clone)]
pub struct Random {
    generator: Arc<Mutex<StdRng>>,
}

impl Random {
    /// A generator seeded by the operating system.
    pub fn system() -> Self {
        Self::of(rand::make_rng())
    }

    /// A generator whose sequence is always the same.
    pub fn seeded(seed: u64) -> Self {
        Self::of(StdRng::seed_from_u64(seed))
    }

    fn of(generator: StdRng) -> Self {
        Self { generator: Arc::new(Mutex::new(generator)) }
    }

    /// A number from 0 up to, not including, 1.
    pub fn unit(&self) -> f64 {
        self.generator.lock().expect("drawing a number does not panic").random()
    }

    /// Any number.
    pub fn number(&self) -> u64 {
        self.generator.lock().expect("drawing a number does not panic").random()
    }

    /// Flux's jitter: `interval × (1 + p·(2·rand−1))` with p = percent / 100; of an interval up to [`INTERVAL_MAX`].
    pub fn jittered(&self, interval: Duration, percent: u8) -> Duration {
        let interval = interval.min(INTERVAL_MAX);
        if percent == 0 {
            return interval;
        }
        let share = f64::from(percent.min(100)) / 100.0;
        interval.mul_f64(1.0 + share * (2.0 * self.unit() - 1.0))
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Random")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jittered_interval_stays_in_its_bounds_and_uses_them() {
        let random = Random::seeded(7);
        let minute = Duration::from_secs(60);
        let drawn: Vec<Duration> = (0..10_000).map(|_| random.jittered(minute, 5)).collect();
        assert!(drawn.iter().all(|d| (Duration::from_secs(57)..=Duration::from_secs(63)).contains(d)));
        assert!(drawn.iter().any(|d| *d < Duration::from_millis(57_100)));
        assert!(drawn.iter().any(|d| *d > Duration::from_millis(62_900)));
        assert_eq!(random.jittered(minute, 0), minute);
        assert!(random.jittered(Duration::MAX, 5) < INTERVAL_MAX * 2);
    }

    #[test]
    fn the_same_seed_draws_the_same_sequence() {
        let (left, right) = (Random::seeded(1), Random::seeded(1));
        assert!((0..100).all(|_| left.number() == right.clone().number()));
        assert_ne!(Random::seeded(2).number(), Random::seeded(1).number());
    }
}
