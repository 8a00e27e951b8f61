//! How long to wait before asking again: doubling, bounded, with jitter so that a fleet does not return at once.

use std::time::Duration;

use thalweg_controller_runtime::Random;

/// The first wait.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The waits of one conversation.
#[derive(Debug)]
pub(crate) struct Backoff {
    random: Random,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(random: &Random) -> Self {
        Self { random: random.clone(), failures: 0 }
    }

    /// All is well again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether nothing failed lately.
    pub(crate) fn is_calm(&self) -> bool {
        self.failures == 0
    }

    /// The wait after one more failure: between half of it and all of it.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = WAIT_MIN.saturating_mul(1 << self.failures.min(16)).min(WAIT_MAX);
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(0.5 + 0.5 * self.random.unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_start_anew_after_success() {
        let mut backoff = Backoff::new(&Random::seeded(1));
        for whole in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let wait = backoff.next().as_secs_f64();
            assert!((f64::from(whole) / 2.0..=f64::from(whole)).contains(&wait), "{wait} of {whole}");
        }
        backoff.reset();
        assert!(backoff.next() <= WAIT_MIN);
    }
}
