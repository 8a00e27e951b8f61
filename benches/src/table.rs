//! What is printed: a line a measurement, as soon as it is known.

use std::fmt::Display;
use std::time::Duration;

/// A Markdown table.
pub(crate) struct Table;

impl Table {
    pub(crate) fn begin() -> Self {
        println!("| what | Thalweg | reference | ratio | goal |\n| --- | --- | --- | --- | --- |");
        Self
    }

    /// A time beside another.
    pub(crate) fn times(&mut self, what: &str, ours: Duration, reference: Option<Duration>, goal: &str) {
        let ratio = reference.map(|reference| reference.as_secs_f64() / ours.as_secs_f64());
        let reference = reference.map_or("not measured".to_owned(), milliseconds);
        self.line(
            what,
            milliseconds(ours),
            reference,
            &ratio.map_or(String::new(), |ratio| format!("{ratio:.1} ×")),
            goal,
        );
    }

    /// A number beside another.
    pub(crate) fn line(&mut self, what: &str, ours: impl Display, reference: impl Display, ratio: &str, goal: &str) {
        println!("| {what} | {ours} | {reference} | {ratio} | {goal} |");
    }
}

pub(crate) fn milliseconds(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    let decimals = if milliseconds < 1.0 { 3 } else { 1 };
    format!("{milliseconds:.decimals$} ms")
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
