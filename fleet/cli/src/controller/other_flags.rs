//! Flags of Flux's controllers that change nothing here: some because their work is gone, some because it is yet to come.
//!
//! A flag of the second sort is refused by name, unless its value is Flux's default and so asks for nothing.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// What becomes of a flag that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Accepted; it has no effect for this reason.
    WithoutEffect(&'static str),
    /// Not supported yet.
    Refused,
}

struct OtherFlag {
    name: &'static str,
    /// Flux's default; empty lists and texts are empty.
    default: &'static str,
    verdict: Verdict,
}

const fn without_effect(name: &'static str, default: &'static str, reason: &'static str) -> OtherFlag {
    OtherFlag { name, default, verdict: Verdict::WithoutEffect(reason) }
}

const fn refused(name: &'static str, default: &'static str) -> OtherFlag {
    OtherFlag { name, default, verdict: Verdict::Refused }
}

const OTHER_FLAGS: [OtherFlag; 30] = [
    without_effect("requeue-dependency", "30s", "a waiting object is woken by what it waits for"),
    without_effect("no-remote-bases", "false", "remote bases are never fetched"),
    without_effect("kube-api-qps", "50", "the API server's priority and fairness decides; see --kube-api-burst"),
    without_effect("token-cache-max-size", "100", "no tokens are cached"),
    without_effect("token-cache-max-duration", "1h", "no tokens are cached"),
    refused("artifact-digest-algo", "sha256"),
    refused("authorized-artifact-client-spiffe-id", ""),
    refused("authorized-artifact-server-spiffe-id", ""),
    refused("authorized-event-server-spiffe-id", ""),
    refused("authorized-kube-apiserver-spiffe-id", ""),
    refused("custom-apply-stage-kinds", ""),
    refused("default-decryption-service-account", ""),
    refused("default-kubeconfig-service-account", ""),
    refused("helm-cache-max-size", "0"),
    refused("helm-cache-purge-interval", "1m"),
    refused("helm-cache-ttl", "15m"),
    refused("helm-chart-file-max-size", "5242880"),
    refused("helm-chart-max-size", "10485760"),
    refused("helm-index-max-size", "52428800"),
    refused("insecure-kubeconfig-exec", "false"),
    refused("insecure-kubeconfig-tls", "false"),
    refused("override-manager", ""),
    refused("override-manager-before-dry-run", ""),
    refused("sops-age-secret", ""),
    refused("sops-vault-configmap", ""),
    refused("spiffe-broker-endpoint", ""),
    refused("spiffe-broker-id", ""),
    refused("ssh-hostkey-algos", ""),
    refused("ssh-kex-algos", ""),
    refused("watch-configs-label-selector", "reconcile.fluxcd.io/watch=Enabled"),
];

/// Those flags of the table that are set, with the verdict on each value.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtherFlags {
    /// In the order of the table.
    pub(crate) set: Vec<(&'static str, Verdict)>,
}

impl Args for OtherFlags {
    fn augment_args(command: Command) -> Command {
        command.args(OTHER_FLAGS.iter().map(|flag| {
            let is_switch = matches!(flag.default, "true" | "false");
            let arg = Arg::new(flag.name).long(flag.name).hide(true).action(ArgAction::Append);
            if is_switch {
                arg.num_args(0..=1).require_equals(true).default_missing_value("true")
            } else {
                arg.num_args(1)
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OtherFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let asks = |flag: &OtherFlag| {
            let values = matches.get_many::<String>(flag.name);
            values.is_some_and(|mut values| values.any(|value| value != flag.default))
        };
        Ok(Self { set: OTHER_FLAGS.iter().filter(|flag| asks(flag)).map(|flag| (flag.name, flag.verdict)).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
