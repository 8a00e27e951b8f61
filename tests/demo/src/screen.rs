//! What a person sees: headings, one line a step with its time, a spinner while it runs. Plain lines without a terminal.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_TIME: Duration = Duration::from_millis(80);
/// Where the time of a step stands.
const TIME_COLUMN: usize = 92;

/// Standard output, as a terminal or as a file.
pub(crate) struct Screen {
    live: bool,
    colours: bool,
    began: Instant,
}

/// What a step that held has to say.
pub(crate) struct Said<T> {
    /// What it found, in a few words.
    pub(crate) text: String,
    /// What later steps need of it.
    pub(crate) value: T,
}

/// A [`Said`] with nothing for later steps.
pub(crate) fn said(text: impl Into<String>) -> Said<()> {
    Said { text: text.into(), value: () }
}

impl Screen {
    pub(crate) fn new() -> Screen {
        let terminal = std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Screen { live: terminal, colours, began: Instant::now() }
    }

    /// Time since the demo began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A line as it is.
    pub(crate) fn line(&self, text: &str) {
        println!("{text}");
    }

    /// The title of what follows, with a sentence on it.
    pub(crate) fn heading(&self, title: &str, sentence: &str) {
        println!("\n{}\n{}", self.paint("1", title), self.quiet(sentence));
    }

    /// A line that belongs to the step above it.
    pub(crate) fn detail(&self, text: &str) {
        println!("      {text}");
    }

    /// Runs a step: its name while it runs, what it said when it held.
    pub(crate) async fn step<T>(&self, name: &str, work: impl Future<Output = Result<Said<T>>>) -> Result<T> {
        let start = Instant::now();
        let spinner = self.live.then(|| Spinner::start(name, self.colours));
        let done = work.await;
        drop(spinner);
        let (mark, text) = match &done {
            Ok(said) => (self.good(if self.live { "✓" } else { "ok  " }), said.text.as_str()),
            Err(_) => (self.bad(if self.live { "✗" } else { "FAIL" }), ""),
        };
        let time = format!("{:>6.2} s", start.elapsed().as_secs_f64());
        let words = format!("{name:<24} {text}");
        let room = TIME_COLUMN.saturating_sub(words.chars().count());
        println!("  {mark} {words}{:room$} {}", "", self.quiet(&time));
        done.map(|said| said.value).with_context(|| name.to_string())
    }

    pub(crate) fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn bad(&self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(crate) fn quiet(&self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn command(&self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}

/// A line that moves while a step runs, and is gone afterwards.
struct Spinner {
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Spinner {
    fn start(name: &str, colours: bool) -> Spinner {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, name, start) = (stop.clone(), name.to_string(), Instant::now());
        let thread = std::thread::spawn(move || {
            let (on, off) = if colours { ("\u{1b}[36m", "\u{1b}[0m") } else { ("", "") };
            for frame in FRAMES.iter().cycle() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                print!("\r\u{1b}[2K  {on}{frame}{off} {name} {:.1} s", start.elapsed().as_secs_f64());
                let _ = std::io::stdout().flush();
                std::thread::park_timeout(FRAME_TIME);
            }
            print!("\r\u{1b}[2K");
            let _ = std::io::stdout().flush();
        });
        Spinner { stop, thread: Mutex::new(Some(thread)) }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
