use clap::Parser as _;

use super::*;

/// The environment of a test holds none of the variables that flags name, or the tests would depend on it.
#[derive(clap::Parser)]
#[command(args_override_self = true)]
struct OnlyFlags {
    #[command(flatten)]
    flags: Flags,
}

fn settings(arguments: &[&str]) -> anyhow::Result<Settings> {
    let parsed = OnlyFlags::try_parse_from([&["controller"], arguments].concat())?;
    let environment = Environment { runtime_namespace: Some("flux-system".to_owned()), host_name: "pod-1".to_owned() };
    Settings::new(parsed.flags, environment)
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Supported,
    WithoutEffect,
    Refused,
}
use Fate::{Refused, Supported, WithoutEffect as Idle};

fn fate(argument: &str) -> Fate {
    match settings(&[argument]) {
        Ok(settings) if settings.without_effect.is_empty() => Supported,
        Ok(settings) => {
            let name = argument.split('=').next().unwrap();
            assert!(settings.without_effect.iter().all(|flag| flag.flag.starts_with(name)), "{argument}");
            Idle
        }
        Err(error) => {
            let name = argument.split('=').next().unwrap();
            assert!(error.to_string().contains("not supported yet") && error.to_string().contains(name), "{error}");
            Refused
        }
    }
}

/// Every flag of source-controller and kustomize-controller in Flux 2.10, with a value that is not its default.
#[test]
fn every_flag_of_flux_is_accepted_without_effect_or_refused_by_name() {
    for (argument, expected) in [
        ("--artifact-digest-algo=sha512", Refused),
        ("--artifact-retention-records=3", Supported),
        ("--artifact-retention-ttl=90s", Supported),
        ("--authorized-artifact-client-spiffe-id=spiffe://self", Refused),
        ("--authorized-artifact-server-spiffe-id=spiffe://self", Refused),
        ("--authorized-event-server-spiffe-id=spiffe://self", Refused),
        ("--authorized-kube-apiserver-spiffe-id=spiffe://self", Refused),
        ("--concurrent-ssa=8", Supported),
        ("--concurrent=8", Supported),
        ("--custom-apply-stage-kinds=a/B", Refused),
        ("--default-decryption-service-account=a", Refused),
        ("--default-kubeconfig-service-account=a", Refused),
        ("--default-service-account=a", Supported),
        ("--enable-leader-election", Supported),
        ("--enable-leader-election=true", Supported),
        ("--events-addr=http://notification-controller.flux-system.svc.cluster.local./", Supported),
        ("--feature-gates=ExternalArtifact=true", Refused),
        ("--feature-gates=ObjectLevelWorkloadIdentity=true", Idle),
        ("--feature-gates=StrictPostBuildSubstitutions=true", Supported),
        ("--health-addr=:9441", Supported),
        ("--helm-cache-max-size=10", Refused),
        ("--helm-cache-purge-interval=2m", Refused),
        ("--helm-cache-ttl=16m", Refused),
        ("--helm-chart-file-max-size=1", Refused),
        ("--helm-chart-max-size=1", Refused),
        ("--helm-index-max-size=1", Refused),
        ("--http-retry=3", Supported),
        ("--insecure-kubeconfig-exec", Refused),
        ("--insecure-kubeconfig-tls=true", Refused),
        ("--interval-jitter-percentage=10", Supported),
        ("--kube-api-burst=500", Supported),
        ("--kube-api-qps=100", Idle),
        ("--leader-election-lease-duration=1m", Supported),
        ("--leader-election-release-on-cancel=false", Supported),
        ("--leader-election-renew-deadline=20s", Supported),
        ("--leader-election-retry-period=2s", Supported),
        ("--log-encoding=console", Supported),
        ("--log-level=trace", Supported),
        ("--max-retry-delay=10m", Supported),
        ("--metrics-addr=:8081", Supported),
        ("--min-retry-delay=1s", Supported),
        ("--no-cross-namespace-refs", Supported),
        ("--no-cross-namespace-refs=true", Supported),
        ("--no-remote-bases=true", Idle),
        ("--override-manager-before-dry-run=a", Refused),
        ("--override-manager=a", Refused),
        ("--requeue-dependency=5s", Idle),
        ("--sops-age-secret=a", Refused),
        ("--sops-vault-configmap=a", Refused),
        ("--spiffe-broker-endpoint=dns:///a", Refused),
        ("--spiffe-broker-id=spiffe://self", Refused),
        ("--ssh-hostkey-algos=a", Refused),
        ("--ssh-kex-algos=a", Refused),
        ("--storage-addr=:9091", Supported),
        ("--storage-adv-addr=source-controller.flux-system.svc.cluster.local.", Supported),
        ("--storage-path=/tmp", Supported),
        ("--token-cache-max-duration=2h", Idle),
        ("--token-cache-max-size=1", Idle),
        ("--watch-all-namespaces=false", Supported),
        ("--watch-all-namespaces", Supported),
        ("--watch-configs-label-selector=a=b", Refused),
        ("--watch-label-selector=!sharding.fluxcd.io/key", Supported),
    ] {
        assert_eq!(fate(argument), expected, "{argument}");
    }
}

#[test]
fn a_flag_that_is_not_supported_yet_may_have_its_default() {
    for argument in [
        "--artifact-digest-algo=sha256",
        "--insecure-kubeconfig-exec=false",
        "--sops-age-secret=",
        "--watch-configs-label-selector=reconcile.fluxcd.io/watch=Enabled",
        "--requeue-dependency=30s",
    ] {
        assert_eq!(fate(argument), Supported, "{argument}");
    }
}

#[test]
fn all_refusals_are_told_at_once_and_an_unknown_flag_is_an_error() {
    let error = settings(&["--sops-age-secret=a", "--ssh-kex-algos", "b"]).unwrap_err();
    assert_eq!(error.to_string(), "not supported yet: --sops-age-secret, --ssh-kex-algos");
    assert!(settings(&["--nonsense"]).unwrap_err().to_string().contains("--nonsense"));
}

#[test]
fn values_that_cannot_be_followed_are_errors() {
    for (argument, part) in [
        ("--concurrent=0", "--concurrent"),
        ("--interval-jitter-percentage=100", "--interval-jitter-percentage"),
        ("--min-retry-delay=0s", "--min-retry-delay"),
        ("--min-retry-delay=soon", "--min-retry-delay"),
        ("--events-addr=nowhere", "--events-addr"),
        ("--log-level=loud", "--log-level"),
        ("--controllers=helm", "--controllers"),
        ("--enable-leader-election=maybe", "--enable-leader-election"),
    ] {
        assert!(settings(&[argument]).unwrap_err().to_string().contains(part), "{argument}");
    }
    let flags = OnlyFlags::try_parse_from(["controller", "--watch-all-namespaces=false"]).unwrap().flags;
    let error = Settings::new(flags, Environment::default()).unwrap_err();
    assert_eq!(error.to_string(), "--watch-all-namespaces=false needs RUNTIME_NAMESPACE");
}

#[test]
fn a_flag_that_is_not_set_leaves_each_controller_its_default_and_one_that_is_set_applies_to_all() {
    let concurrency = |settings: &Settings| {
        settings.controllers.iter().map(|each| settings.controller_options(*each).concurrency).collect::<Vec<_>>()
    };
    assert_eq!(concurrency(&settings(&[]).unwrap()), [2, 4, 4]);
    assert_eq!(
        concurrency(&settings(&["--concurrent=1", "--concurrent=9"]).unwrap()),
        [9, 9, 9],
        "the last one counts"
    );
    assert_eq!(concurrency(&settings(&["--controllers=kustomize"]).unwrap()), [4]);
    let common = settings(&[]).unwrap().controller_options(Controller::Source);
    assert_eq!(common.watch_namespace, None);
    let common = settings(&["--watch-all-namespaces=false", "--no-cross-namespace-refs"]).unwrap();
    let common = common.controller_options(Controller::Kustomize);
    assert_eq!((common.watch_namespace.as_deref(), common.no_cross_namespace_refs), (Some("flux-system"), true));
}

#[test]
fn each_controller_has_the_lease_of_its_namesake_in_flux_and_shards_have_their_own() {
    assert!(settings(&[]).unwrap().lease_options(Controller::Source, 1).is_none());
    let elected = settings(&["--enable-leader-election", "--leader-election-retry-period=2s"]).unwrap();
    let lease = elected.lease_options(Controller::Kustomize, 255).unwrap();
    assert_eq!(
        (lease.namespace.as_str(), lease.name.as_str(), lease.identity.as_str()),
        ("flux-system", "kustomize-controller-leader-election", "pod-1_00000000000000ff")
    );
    assert_eq!((lease.duration.as_secs(), lease.renew_deadline.as_secs(), lease.retry_period.as_secs()), (35, 30, 2));
    let shard =
        settings(&["--enable-leader-election", "--watch-label-selector=sharding.fluxcd.io/key=shard1"]).unwrap();
    let name = shard.lease_options(Controller::Source, 1).unwrap().name;
    let suffix = name.strip_prefix("source-controller-leader-election-").unwrap();
    assert!(suffix.len() == 8 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
}

#[test]
fn the_advertised_address_follows_from_the_storage_address() {
    for (arguments, expected) in [
        (&[][..], "localhost:9090"),
        (&["--storage-addr=0.0.0.0:80"], "pod-1:80"),
        (&["--storage-addr=127.0.0.1:9999"], "127.0.0.1:9999"),
        (&["--storage-adv-addr=source.flux-system.svc"], "source.flux-system.svc"),
        (&["--storage-adv-addr="], "localhost:9090"),
    ] {
        assert_eq!(settings(arguments).unwrap().storage_advertised_address().unwrap(), expected);
    }
}
