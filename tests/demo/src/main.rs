//! `cargo xtask demo`: from git push to compliance, on real parts, for a person to watch.
//!
//! It starts a Kubernetes control plane, a Git server and the built `thalweg` binary in its three roles, then plays the
//! story of story.rs. Each step checks what it shows: the exit status is 0 only if every one held.
#![expect(clippy::disallowed_methods, reason = "starts programs, writes files and measures times")]
#![expect(clippy::print_stdout, reason = "talks to a person")]

mod arm;
mod cluster;
mod parts;
mod repository;
mod screen;
mod story;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::parts::Workshop;
use crate::screen::Screen;

/// From git push to compliance, on a real control plane
#[derive(Parser)]
#[command(name = "cargo xtask demo")]
struct Flags {
    /// Leave it running until Ctrl-C, with a kubeconfig to use
    #[arg(long)]
    keep: bool,
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
    let mut workshop = Workshop::new()?;
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
