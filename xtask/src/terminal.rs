//! What a person sees: one line a step, with how long it took. Plain text without a terminal, or with `NO_COLOR`.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Result;

/// How often a long step without a terminal says that it goes on.
const REMINDER_PAUSE: Duration = Duration::from_secs(30);
const TERMINAL_PAUSE: Duration = Duration::from_millis(200);

/// Runs one step between a line that names it and a line that says how it ended.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("{} {what}", paint("1;34", "==>"));
    let start = Instant::now();
    let done = work();
    match &done {
        Ok(_) => println!("{} {what} ({})", paint("32", " ok"), seconds(start.elapsed())),
        Err(_) => println!("{} {what} ({})", paint("1;31", "not ok"), seconds(start.elapsed())),
    }
    done
}

/// Prints a line of explanation.
pub(crate) fn note(text: &str) {
    println!("    {text}");
}

/// Prints why the task failed.
pub(crate) fn failure(text: &str) {
    eprintln!("{} {text}", paint("1;31", "error:"));
}

/// `1m 05s`, `3.2s`.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1}s", time.as_secs_f64()),
        whole => format!("{}m {:02}s", whole / 60, whole % 60),
    }
}

/// The text in a colour (an SGR code), where colours show.
pub(crate) fn paint(code: &str, text: &str) -> String {
    if colours() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
}

/// Whether output goes to a terminal that shows colours.
pub(crate) fn colours() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !unwanted && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How far a long step has come: one line that changes on a terminal, a line now and then elsewhere.
pub(crate) struct Progress {
    start: Instant,
    shown: Option<Instant>,
    live: bool,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { start: Instant::now(), shown: None, live: std::io::stdout().is_terminal() }
    }

    /// Says how far it is, unless it was said a moment ago.
    pub(crate) fn at(&mut self, state: &str) {
        let pause = if self.live { TERMINAL_PAUSE } else { REMINDER_PAUSE };
        if self.shown.unwrap_or(self.start).elapsed() < pause {
            return;
        }
        self.shown = Some(Instant::now());
        let line = format!("    {state}, {}", seconds(self.start.elapsed()));
        if self.live {
            print!("\r\u{1b}[2K{line}");
            let _ = std::io::stdout().flush();
        } else {
            println!("{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.live && self.shown.is_some() {
            print!("\r\u{1b}[2K");
            let _ = std::io::stdout().flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_a_person_says_them() {
        for (milliseconds, expected) in [(40, "0.0s"), (3_240, "3.2s"), (59_900, "59.9s"), (65_000, "1m 05s")] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), expected);
        }
    }
}
