//! Waiting for the world to reach a state, with a clear word when it does not.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// How often a probe is asked again. Short, because tests measure with it.
const PROBE_PAUSE: Duration = Duration::from_millis(20);

/// Asks `probe` until it answers `Ok`, and returns that. Its `Err` is the state last seen.
///
/// # Errors
/// After `limit`: what was waited for, and the state last seen.
pub async fn observe<T, E, F, P>(limit: Duration, what: &str, mut probe: P) -> Result<T>
where
    E: Display,
    F: Future<Output = Result<T, E>>,
    P: FnMut() -> F,
{
    let start = Instant::now();
    let mut last_seen = "nothing: the first look did not end".to_string();
    while start.elapsed() < limit {
        match tokio::time::timeout(limit.saturating_sub(start.elapsed()), probe()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(state)) => last_seen = format!("{state:#}"),
            Err(_) => break,
        }
        tokio::time::sleep(PROBE_PAUSE).await;
    }
    Err(anyhow!("not within {limit:?}: {what}\nlast seen: {last_seen}"))
}

/// [`observe`] for tests: the same wait, ending in a panic.
///
/// # Panics
/// After `limit`, with what was waited for and the state last seen.
pub async fn eventually<T, E, F, P>(limit: Duration, what: &str, probe: P) -> T
where
    E: Display,
    F: Future<Output = Result<T, E>>,
    P: FnMut() -> F,
{
    match observe(limit, what, probe).await {
        Ok(answer) => answer,
        Err(failure) => panic!("{failure:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_state_seen_is_in_the_failure() {
        let mut looks = 0;
        let failure = observe(Duration::from_millis(100), "the answer is 42", || {
            looks += 1;
            std::future::ready(Err::<(), _>(format!("it is 41 at look {}", looks.min(2))))
        })
        .await
        .unwrap_err()
        .to_string();
        assert_eq!(failure, "not within 100ms: the answer is 42\nlast seen: it is 41 at look 2");
    }

    #[tokio::test]
    async fn a_look_that_hangs_does_not_outlive_the_limit() {
        let start = Instant::now();
        observe(Duration::from_millis(50), "anything", std::future::pending::<Result<(), String>>).await.unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
