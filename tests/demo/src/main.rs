//! `cargo xtask demo`: from git push to compliance, for a person to watch.
//!
//! It starts an API server (the embedded one, or a real control plane), a Git server and the built `thalweg` binary in its
//! three roles, then plays the story of story.rs. Each step checks what it shows: the exit status is 0 only if every one held.
#![expect(clippy::disallowed_methods, reason = "starts programs, writes files and measures times")]
#![expect(clippy::print_stdout, reason = "talks to a person")]

mod arm;
mod cluster;
mod memory;
mod parts;
mod repository;
mod screen;
mod story;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use thalweg_harness::ApiServerKind;

use crate::parts::Workshop;
use crate::screen::Screen;

/// From git push to compliance, step by step
#[derive(Parser)]
#[command(name = "cargo xtask demo")]
struct Flags {
    /// Leave it running until Ctrl-C, with a kubeconfig to use
    #[arg(long)]
    keep: bool,
    /// On a real control plane instead of the embedded API server
    #[arg(long)]
    real: bool,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let screen = Screen::new();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let played = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(play(&flags, &screen)));
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen.line(&format!("{} {error:#}", screen.bad("The demo failed:")));
            ExitCode::FAILURE
        }
    }
}

async fn play(flags: &Flags, screen: &Screen) -> Result<()> {
    let api_server = if flags.real { ApiServerKind::Real } else { ApiServerKind::Embedded };
    let mut workshop = Workshop::new(api_server)?;
    let played = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped with Ctrl-C")),
        played = story::play(screen, &mut workshop, flags.keep) => played,
    };
    if played.is_err() {
        let folder = workshop.keep_folder();
        screen.line(&format!("The logs of all parts are in {}", folder.join("logs").display()));
        return played;
    }
    if flags.keep {
        workshop.run_until_told_to_stop(screen).await?;
    }
    Ok(())
}
