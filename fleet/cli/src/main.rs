//! The `thalweg` binary: every role and verb. It reads flags and the environment, and calls libraries.

mod agent;
mod api_server;
mod build;
mod controller;
mod hub;
mod logging;
mod process;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps Kubernetes clusters true to Git.
#[derive(Debug, Parser)]
#[command(name = "thalweg", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run controllers in a cluster, with the flags of Flux's controllers.
    #[command(args_override_self = true)]
    Controller(Box<controller::Flags>),
    /// Bind this cluster to a hub: bring what the hub desires into it, and report what became of it.
    Agent(Box<agent::AgentFlags>),
    /// Serve the fleet's central API, or make a token for it.
    Hub(hub::HubFlags),
    /// Serve a Kubernetes API on loopback, in memory and without a cluster, and write a kubeconfig for it.
    ApiServer(api_server::ApiServerFlags),
    /// Print the objects of a kustomization, as `kustomize build` does.
    Build(build::BuildFlags),
    /// Print the version.
    Version,
}

fn main() -> ExitCode {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let Arguments { verb } = Arguments::parse();
    match verb {
        Verb::Controller(flags) => process::run(&flags.log.clone(), |shutdown| controller::run(*flags, shutdown)),
        Verb::Agent(flags) => agent::run(*flags),
        Verb::Hub(flags) => hub::run(flags),
        Verb::ApiServer(flags) => api_server::run(flags),
        Verb::Build(flags) => build::run(&flags),
        Verb::Version => match process::print(concat!("thalweg ", env!("CARGO_PKG_VERSION"))) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_of_all_verbs_agree_with_each_other() {
        super::Arguments::command().debug_assert();
    }
}
