//! What a FluxConfiguration asks to exist: its spec, as objects. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::{Resource, ResourceExt as _};
use serde_json::{Map, Value, json};
use thalweg_crds::configuration::{
    DEFAULT_SECONDS, FluxConfiguration, GitRepositoryDefinition, KustomizationDefinition, NAME_AND_KEY_MAX, Scope,
};
use thalweg_crds::kustomize::{CrossNamespaceSourceReference, DependencyReference, Kustomization, KustomizationSpec};
use thalweg_crds::source::{GIT_REPOSITORY, GitRepository, GitRepositoryRef, GitRepositorySpec};
use thalweg_crds::{GoDuration, LocalObjectReference, labels, unsupported};
use thalweg_dag::Dag;
use thalweg_manifest::{Object, ObjectId};

use crate::problem::Problem;
use crate::settings::{HTTPS_KEY, Settings};

/// The longest interval and timeout, in seconds: ten years.
const SECONDS_MAX: i64 = 10 * 365 * 24 * 3600;

/// The objects that a FluxConfiguration asks for, in the order in which they are applied: whom the Kustomizations act as,
/// the source, and the Kustomizations behind all that they depend on.
pub(crate) fn desired(configuration: &FluxConfiguration, settings: &Settings) -> Result<Vec<Object>, Problem> {
    refuse_unsupported(configuration)?;
    let order = order(configuration)?;
    let repository = configuration.spec.git_repository.as_ref();
    let repository = repository.ok_or_else(|| Problem::InvalidSpec("spec.gitRepository is missing".to_owned()))?;
    let auth = auth(configuration, repository, settings)?;
    let secret = repository.local_auth_ref.clone().or_else(|| auth.is_some().then(|| auth_name(configuration)));
    let mut objects = vec![service_account(configuration), binding(configuration)];
    objects.extend(auth);
    objects.push(source(configuration, repository, secret)?);
    for key in order {
        objects.push(kustomization(configuration, &key, &configuration.spec.kustomizations[&key])?);
    }
    Ok(objects)
}

/// Nothing is made of a FluxConfiguration of which a part would be left out.
pub(crate) fn refuse_unsupported(configuration: &FluxConfiguration) -> Result<(), Problem> {
    let fields = unsupported::flux_configuration(&configuration.spec);
    if fields.is_empty() { Ok(()) } else { Err(Problem::Unsupported(fields)) }
}

/// The identity of the source of a configuration.
pub(crate) fn source_id(configuration: &FluxConfiguration) -> ObjectId {
    id::<GitRepository>(&namespace(configuration), &configuration.name_any())
}

/// The identity of the Kustomization of a key.
pub(crate) fn kustomization_id(configuration: &FluxConfiguration, key: &str) -> ObjectId {
    id::<Kustomization>(&namespace(configuration), &kustomization_name(configuration, key))
}

/// The identity of an object of a kind.
pub(crate) fn id<K: Resource<DynamicType = ()>>(namespace: &str, name: &str) -> ObjectId {
    ObjectId::new(K::group(&()), K::kind(&()), namespace, name)
}

fn namespace(configuration: &FluxConfiguration) -> String {
    configuration.namespace().unwrap_or_default()
}

fn kustomization_name(configuration: &FluxConfiguration, key: &str) -> String {
    format!("{}-{key}", configuration.name_any())
}

/// The name of the Secret in Flux's format.
pub(crate) fn auth_name(configuration: &FluxConfiguration) -> String {
    format!("{}-auth", configuration.name_any())
}

/// The identity of what gives the applier its rights.
pub(crate) fn binding_id(configuration: &FluxConfiguration) -> ObjectId {
    let (namespace, applier) = (namespace(configuration), applier_name(configuration));
    match configuration.spec.scope() {
        Scope::Namespace => id::<RoleBinding>(&namespace, &applier),
        Scope::Cluster => id::<ClusterRoleBinding>("", &format!("thalweg:{namespace}:{applier}")),
    }
}

/// The name of whom the Kustomizations act as.
pub(crate) fn applier_name(configuration: &FluxConfiguration) -> String {
    format!("{}-applier", configuration.name_any())
}

/// The keys of the kustomizations, each behind those it depends on.
fn order(configuration: &FluxConfiguration) -> Result<Vec<String>, Problem> {
    let kustomizations = &configuration.spec.kustomizations;
    for (key, kustomization) in kustomizations {
        if configuration.name_any().len() + key.len() > NAME_AND_KEY_MAX {
            return Err(Problem::InvalidSpec(format!(
                "the name of the FluxConfiguration and the key {key} have together more than {NAME_AND_KEY_MAX} characters"
            )));
        }
        if let Some(unknown) = kustomization.depends_on.iter().find(|other| !kustomizations.contains_key(*other)) {
            return Err(Problem::InvalidDependency(format!(
                "spec.kustomizations.{key}.dependsOn: {key} → {unknown}, and there is no kustomization {unknown}"
            )));
        }
    }
    let dag: Dag<String> =
        kustomizations.iter().map(|(key, kustomization)| (key.clone(), kustomization.depends_on.to_vec())).collect();
    dag.order().map_err(|cycle| Problem::InvalidDependency(format!("spec.kustomizations: {cycle} is a cycle")))
}

fn service_account(configuration: &FluxConfiguration) -> Object {
    object::<ServiceAccount>(configuration, &namespace(configuration), &applier_name(configuration), json!({}))
}

fn binding(configuration: &FluxConfiguration) -> Object {
    let (namespace, applier) = (namespace(configuration), applier_name(configuration));
    let ObjectId { namespace: home, name, .. } = binding_id(configuration);
    let role = |name: &str| json!({"apiGroup": RoleBinding::group(&()), "kind": "ClusterRole", "name": name});
    let subjects = json!([{"kind": "ServiceAccount", "name": applier, "namespace": namespace}]);
    match configuration.spec.scope() {
        Scope::Namespace => {
            let content = json!({"roleRef": role("admin"), "subjects": subjects});
            object::<RoleBinding>(configuration, &home, &name, content)
        }
        Scope::Cluster => {
            let content = json!({"roleRef": role("cluster-admin"), "subjects": subjects});
            object::<ClusterRoleBinding>(configuration, &home, &name, content)
        }
    }
}

/// The Secret in Flux's format, if the configuration has anything to put into it.
fn auth(
    configuration: &FluxConfiguration,
    repository: &GitRepositoryDefinition,
    settings: &Settings,
) -> Result<Option<Object>, Problem> {
    let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (user, certificate) = (set(&repository.https_user), set(&repository.https_ca_cert));
    let key = settings.get(HTTPS_KEY);
    if repository.local_auth_ref.is_some() && (user.is_some() || certificate.is_some()) {
        return Err(Problem::InvalidSpec(
            "spec.gitRepository.localAuthRef cannot be combined with httpsUser or httpsCACert".to_owned(),
        ));
    }
    let mut data = Map::new();
    match (user, key) {
        (Some(user), Some(key)) => {
            data.insert("username".to_owned(), STANDARD.encode(user).into());
            data.insert("password".to_owned(), STANDARD.encode(key).into());
        }
        (Some(_), None) => {
            let secret = configuration.spec.secret_ref.as_ref().map_or_else(
                || "spec.secretRef names none".to_owned(),
                |secret| format!("the Secret {} has none", secret.name),
            );
            return Err(Problem::InvalidSecret(format!(
                "spec.gitRepository.httpsUser needs the protected setting {HTTPS_KEY}, and {secret}"
            )));
        }
        (None, Some(_)) if repository.local_auth_ref.is_none() => {
            return Err(Problem::InvalidSpec(format!(
                "the protected setting {HTTPS_KEY} needs spec.gitRepository.httpsUser"
            )));
        }
        (None, _) => {}
    }
    if let Some(certificate) = certificate {
        let text: String = certificate.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let pem = STANDARD.decode(text).map_err(|_| {
            Problem::InvalidSpec("spec.gitRepository.httpsCACert is not a base64-encoded certificate".to_owned())
        })?;
        data.insert("ca.crt".to_owned(), STANDARD.encode(pem).into());
    }
    if data.is_empty() {
        return Ok(None);
    }
    let content = json!({"type": "Opaque", "data": data});
    Ok(Some(object::<Secret>(configuration, &namespace(configuration), &auth_name(configuration), content)))
}

fn source(
    configuration: &FluxConfiguration,
    repository: &GitRepositoryDefinition,
    secret: Option<String>,
) -> Result<Object, Problem> {
    let missing = || Problem::InvalidSpec("spec.gitRepository.url is missing".to_owned());
    let reference = repository.repository_ref.clone().unwrap_or_default();
    let git_ref = GitRepositoryRef {
        branch: reference.branch,
        tag: reference.tag,
        semver: None,
        name: None,
        commit: reference.commit,
    };
    let path = "spec.gitRepository";
    let spec = GitRepositorySpec {
        url: repository.url.clone().filter(|url| !url.is_empty()).ok_or_else(missing)?,
        secret_ref: secret.map(|name| LocalObjectReference { name }),
        interval: seconds(path, "syncIntervalInSeconds", repository.sync_interval_in_seconds)?,
        timeout: Some(seconds(path, "timeoutInSeconds", repository.timeout_in_seconds)?),
        git_ref: (git_ref != GitRepositoryRef::default()).then_some(git_ref),
        suspend: configuration.spec.suspend,
        ..GitRepositorySpec::default()
    };
    Ok(object::<GitRepository>(configuration, &namespace(configuration), &configuration.name_any(), spec_of(&spec)))
}

fn kustomization(
    configuration: &FluxConfiguration,
    key: &str,
    definition: &KustomizationDefinition,
) -> Result<Object, Problem> {
    let KustomizationDefinition {
        path,
        depends_on,
        timeout_in_seconds,
        sync_interval_in_seconds,
        retry_interval_in_seconds,
        prune,
        force: _,
        wait,
        post_build: _,
    } = definition;
    let field = format!("spec.kustomizations.{key}");
    let retry = "retryIntervalInSeconds";
    let depends_on = depends_on.iter().map(|other| DependencyReference {
        name: kustomization_name(configuration, other),
        ..DependencyReference::default()
    });
    let spec = KustomizationSpec {
        depends_on: depends_on.collect(),
        interval: seconds(&field, "syncIntervalInSeconds", *sync_interval_in_seconds)?,
        retry_interval: retry_interval_in_seconds.map(|value| seconds(&field, retry, Some(value))).transpose()?,
        path: path.clone().filter(|path| !path.is_empty()),
        prune: *prune,
        service_account_name: Some(applier_name(configuration)),
        source_ref: CrossNamespaceSourceReference {
            kind: GIT_REPOSITORY.to_owned(),
            name: configuration.name_any(),
            ..CrossNamespaceSourceReference::default()
        },
        suspend: configuration.spec.suspend,
        timeout: Some(seconds(&field, "timeoutInSeconds", *timeout_in_seconds)?),
        wait: wait.unwrap_or(true),
        ..KustomizationSpec::default()
    };
    let name = kustomization_name(configuration, key);
    Ok(object::<Kustomization>(configuration, &namespace(configuration), &name, spec_of(&spec)))
}

fn seconds(path: &str, field: &str, value: Option<i64>) -> Result<GoDuration, Problem> {
    let value = value.unwrap_or(DEFAULT_SECONDS);
    match u64::try_from(value) {
        Ok(seconds @ 1..) if value <= SECONDS_MAX => Ok(GoDuration::from_secs(seconds)),
        _ => Err(Problem::InvalidSpec(format!("{path}.{field} is not between 1 and {SECONDS_MAX}"))),
    }
}

fn spec_of(spec: &impl serde::Serialize) -> Value {
    json!({"spec": spec})
}

/// An object of ours: `content`, a name, and the labels by which we know it again.
fn object<K: Resource<DynamicType = ()>>(
    configuration: &FluxConfiguration,
    namespace: &str,
    name: &str,
    content: Value,
) -> Object {
    let mut labels = Map::new();
    labels.insert(labels::CONFIGURATION_UID.to_owned(), configuration.uid().unwrap_or_default().into());
    labels.insert(labels::CONFIGURATION_NAME.to_owned(), configuration.name_any().into());
    let mut metadata = json!({"name": name, "labels": labels});
    if !namespace.is_empty() {
        metadata["namespace"] = namespace.into();
    }
    let mut object = json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": metadata});
    for (field, value) in content.as_object().into_iter().flatten() {
        object[field] = value.clone();
    }
    Object::from_json(object).expect("the object has an apiVersion, a kind and a name")
}

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;
