//! Times: medians of what was done several times.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The median of `times` runs, after one that is not counted.
pub(crate) fn median<T>(times: usize, mut run: impl FnMut() -> T) -> Duration {
    black_box(run());
    middle((0..times).map(|_| once(&mut run)).collect())
}

/// One run.
pub(crate) fn once<T>(run: impl FnOnce() -> T) -> Duration {
    let begin = Instant::now();
    black_box(run());
    begin.elapsed()
}

pub(crate) fn middle(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied().unwrap_or_default()
}
