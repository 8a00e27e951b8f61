//! `thalweg hub`: serves the fleet's central API, and makes the tokens that its callers need.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use thalweg_controller_runtime::CancellationToken;
use thalweg_hub::{Clock, Options, Store, Subject, TlsFiles, mint_token, serve};
use thalweg_protocol::resource::ClusterId;

use crate::logging::LogFlags;
use crate::process;

/// `thalweg hub`, or one of its verbs.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct HubFlags {
    #[command(flatten)]
    serve: ServeFlags,
    #[command(subcommand)]
    verb: Option<HubVerb>,
}

#[derive(Clone, Debug, Subcommand)]
enum HubVerb {
    /// Print a new bearer token, once: for a user of the API, or for the agent of one cluster to register with.
    Token(TokenFlags),
}

#[derive(Args, Clone, Debug)]
struct ServeFlags {
    #[command(flatten)]
    store: StoreFlags,
    /// Where the API is served: an address and a port, or :PORT for every interface.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443", value_parser = socket_address)]
    address: SocketAddr,
    /// The certificate chain, PEM. Without one the hub serves plain HTTP, on loopback only.
    #[arg(long, value_name = "FILE", requires = "tls_key_file")]
    tls_cert_file: Option<PathBuf>,
    /// The key of the certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_key_file: Option<PathBuf>,
    #[command(flatten)]
    log: LogFlags,
}

#[derive(Args, Clone, Debug)]
struct StoreFlags {
    /// The file that holds the hub's state; made if it is not there.
    #[arg(long, value_name = "FILE", default_value = "thalweg-hub.db")]
    database: PathBuf,
}

#[derive(Args, Clone, Debug)]
struct TokenFlags {
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    subject: SubjectFlags,
}

#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
struct SubjectFlags {
    /// A person or program that uses the API.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The cluster whose agent may register with the token, once.
    #[arg(long, value_name = "RESOURCE-ID")]
    cluster: Option<ClusterId>,
}

/// Runs what was asked for.
pub(crate) fn run(flags: HubFlags) -> ExitCode {
    let HubFlags { serve, verb } = flags;
    match verb {
        None => process::run(&serve.log.clone(), |shutdown| run_server(serve, shutdown)),
        Some(HubVerb::Token(flags)) => process::run(&LogFlags::default(), |_| token(flags)),
    }
}

async fn run_server(flags: ServeFlags, shutdown: CancellationToken) -> anyhow::Result<()> {
    let ServeFlags { store, address, tls_cert_file, tls_key_file, log: _ } = flags;
    let tls = tls_cert_file.zip(tls_key_file).map(|(certificate, key)| TlsFiles { certificate, key });
    serve(Options { database: store.database, address, tls, clock: Clock::default() }, shutdown)
        .await?
        .finished()
        .await;
    Ok(())
}

async fn token(flags: TokenFlags) -> anyhow::Result<()> {
    let TokenFlags { store: StoreFlags { database }, subject } = flags;
    let subject = match subject {
        SubjectFlags { user: Some(name), cluster: _ } => Subject::User { name },
        SubjectFlags { user: None, cluster: Some(resource_id) } => Subject::Cluster { resource_id },
        SubjectFlags { user: None, cluster: None } => anyhow::bail!("a token is for a --user or a --cluster"),
    };
    let store = Store::open(&database).await.with_context(|| format!("opening {}", database.display()))?;
    let minted = mint_token(&store, subject).await;
    store.close().await;
    process::print(&minted?).context("printing the token")
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    match text.strip_prefix(':').map(str::parse) {
        Some(Ok(port)) => Ok((IpAddr::V6(Ipv6Addr::UNSPECIFIED), port).into()),
        Some(Err(_)) => Err("the port is not a number below 65536".to_owned()),
        None => text.parse().map_err(|_| "expected an address and a port, such as 127.0.0.1:8443".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct OnlyHub {
        #[command(flatten)]
        flags: HubFlags,
    }

    #[test]
    fn a_token_is_for_a_user_or_for_a_cluster() {
        const CLUSTER: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c";
        for (arguments, is_right) in [
            (&["token", "--user", "ada"][..], true),
            (&["token", "--cluster", CLUSTER, "--database", "hub.db"], true),
            (&["token"], false),
            (&["token", "--user", "ada", "--cluster", CLUSTER], false),
            (&["token", "--cluster", "c"], false),
            (&[], true),
            (&["--address", ":8443", "--tls-cert-file", "a", "--tls-key-file", "b"], true),
            (&["--tls-cert-file", "a"], false),
            (&["--tls-key-file", "a"], false),
            (&["--address", "8443"], false),
        ] {
            let parsed = OnlyHub::try_parse_from([&["hub"], arguments].concat());
            assert_eq!(parsed.is_ok(), is_right, "{arguments:?}: {parsed:?}");
        }
    }
}
