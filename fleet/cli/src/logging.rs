//! Logs on standard error, in the form in which `flux logs` and Flux's users read them.

mod json;

use clap::{Args, ValueEnum};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Flux's logging flags.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct LogFlags {
    /// How much is logged.
    #[arg(long, value_enum, default_value_t)]
    log_level: Level,
    /// The form of a log line.
    #[arg(long, value_enum, default_value_t)]
    log_encoding: Encoding,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Level {
    Trace,
    Debug,
    #[default]
    Info,
    Error,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Encoding {
    #[default]
    Json,
    Console,
}

/// Starts logging, once a process.
pub(crate) fn start(flags: &LogFlags) {
    let registry = tracing_subscriber::registry().with(EnvFilter::new(filter(flags.log_level)));
    match flags.log_encoding {
        Encoding::Json => registry.with(json::layer(std::io::stderr)).try_init().ok(),
        Encoding::Console => {
            let layer =
                tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
            registry.with(layer).try_init().ok()
        }
    };
}

/// Our crates at the level asked for; what others log below a warning may hold headers and bodies, and stays out.
fn filter(level: Level) -> &'static str {
    match level {
        Level::Trace => "warn,thalweg=trace",
        Level::Debug => "warn,thalweg=debug",
        Level::Info => "warn,thalweg=info",
        Level::Error => "error",
    }
}
