//! Faults by chance.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{Fault, WatchFault};

/// How often what goes wrong: shares of 1, of the requests or of the events of watches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// The program ends, before or after the request.
    pub end: f64,
    /// 409 for a write.
    pub conflict: f64,
    /// 410 for a list or a watch.
    pub gone: f64,
    /// 429 with a `Retry-After` of 1 to 30 seconds.
    pub too_many: f64,
    /// 500, 503 or 504, with or without having carried the request out.
    pub failed: f64,
    /// A connection that breaks, or an answer that is cut.
    pub broken: f64,
    /// No answer at all.
    pub silent: f64,
    /// An answer that takes up to ten seconds.
    pub slow: f64,
    /// Events of watches: dropped.
    pub dropped: f64,
    /// Events of watches: twice.
    pub duplicated: f64,
    /// Events of watches: up to a minute late.
    pub delayed: f64,
    /// Streams of events: ended, or expired.
    pub ended: f64,
}

/// What a request is, as far as chance goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    Read,
    ReadMany,
    Write,
}

/// Draws faults.
#[derive(Debug)]
pub(super) struct Chance {
    rates: Rates,
    generator: StdRng,
}

impl Chance {
    pub(super) fn new(rates: Rates, seed: u64) -> Self {
        Self { rates, generator: StdRng::seed_from_u64(seed) }
    }

    /// What goes wrong at the next request.
    pub(super) fn request(&mut self, nature: Nature) -> Option<Fault> {
        let rates = self.rates.clone();
        let mut at = self.generator.random::<f64>();
        let mut falls = |share: f64| {
            at -= share;
            at < 0.0
        };
        if falls(rates.end) {
            return Some(self.choose(&[Fault::EndBefore, Fault::EndAfter]));
        }
        if falls(rates.too_many) {
            let retry_after = Some(self.generator.random_range(1..=30));
            return Some(Fault::Refused { code: 429, retry_after });
        }
        if falls(rates.failed) {
            let code = self.choose(&[500, 503, 504]);
            return Some(self.choose(&[Fault::Refused { code, retry_after: None }, Fault::AnswerLost { code }]));
        }
        if falls(rates.broken) {
            return Some(self.choose(&[Fault::Reset, Fault::Truncated]));
        }
        if falls(rates.silent) {
            return Some(Fault::Silent);
        }
        if falls(rates.slow) {
            return Some(Fault::Slow(Duration::from_millis(self.generator.random_range(1..=10_000))));
        }
        match nature {
            Nature::Write if falls(rates.conflict) => Some(Fault::Refused { code: 409, retry_after: None }),
            Nature::ReadMany if falls(rates.gone) => Some(Fault::Refused { code: 410, retry_after: None }),
            _ => None,
        }
    }

    /// What goes wrong at the next event of a watch.
    pub(super) fn event(&mut self) -> Option<WatchFault> {
        let rates = self.rates.clone();
        let mut at = self.generator.random::<f64>();
        let mut falls = |share: f64| {
            at -= share;
            at < 0.0
        };
        if falls(rates.dropped) {
            Some(WatchFault::Dropped)
        } else if falls(rates.duplicated) {
            Some(WatchFault::Duplicated)
        } else if falls(rates.delayed) {
            Some(WatchFault::Delayed(Duration::from_millis(self.generator.random_range(1..=60_000))))
        } else if falls(rates.ended) {
            Some(self.choose(&[WatchFault::Ended, WatchFault::Expired]))
        } else {
            None
        }
    }

    fn choose<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.generator.random_range(0..among.len())].clone()
    }
}
