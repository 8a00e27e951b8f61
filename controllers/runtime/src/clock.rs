//! What time it is: the only reader of the wall clock above `core/`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The wall clock, and tokio's monotonic one. Cheap to clone; clones share the offset.
#[derive(Clone, Debug)]
pub struct Clock {
    wall: Wall,
    offset_milliseconds: Arc<AtomicI64>,
}

#[derive(Clone, Copy, Debug)]
enum Wall {
    System,
    Simulated { start: Timestamp, at: Instant },
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self { wall: Wall::System, offset_milliseconds: Arc::default() }
    }

    /// A wall clock that shows `start` now and goes on with tokio's time, paused or not.
    pub fn simulated(start: Timestamp) -> Self {
        Self { wall: Wall::Simulated { start, at: Instant::now() }, offset_milliseconds: Arc::default() }
    }

    /// The wall clock's time: for what users read, never for waiting.
    pub fn now(&self) -> Timestamp {
        let wall = match self.wall {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
            Wall::System => Timestamp::now(),
            Wall::Simulated { start, at } => {
                let elapsed = SignedDuration::try_from(at.elapsed()).unwrap_or(SignedDuration::MAX);
                start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
            }
        };
        let offset = SignedDuration::from_millis(self.offset_milliseconds.load(Ordering::Relaxed));
        wall.saturating_add(offset).unwrap_or(wall)
    }

    /// The monotonic clock's time: for waiting.
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// Moves the wall clock, as an operator or a time server might; monotonic time does not move.
    pub fn set_offset(&self, offset: SignedDuration) {
        let milliseconds = i64::try_from(offset.as_millis()).unwrap_or(i64::MAX);
        self.offset_milliseconds.store(milliseconds, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_wall_clock_goes_with_paused_time_and_its_offset() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::simulated(start);
        assert_eq!(clock.now(), start);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now().to_string(), "2026-01-01T00:01:30Z");
        let (clone, before) = (clock.clone(), clock.instant());
        clone.set_offset(SignedDuration::from_hours(-1));
        assert_eq!(clock.now().to_string(), "2025-12-31T23:01:30Z");
        assert_eq!(clock.instant(), before);
    }
}
