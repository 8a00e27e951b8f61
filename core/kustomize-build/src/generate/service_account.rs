//! The service account of kustomize's IAMPolicyGenerator.

use thalweg_yaml::kyaml::{self, ReadOptions};

use super::{GeneratorProblem, problem};
use crate::kustomization::Text;
use crate::kustomization::decode::record;
use crate::load::Loader;
use crate::resource::Resource;
use crate::{Error, Place};

record! {
    /// What an IAMPolicyGenerator says.
    PolicyArguments {
        cloud: Text = "cloud",
        kubernetes: KubernetesAccount = "kubernetesService",
        provider: ProviderAccount = "serviceAccount",
    }
}

record! {
    /// The account in the cluster.
    KubernetesAccount {
        name: Text = "name",
        namespace: Text = "namespace",
    }
}

record! {
    /// The account at the provider.
    ProviderAccount {
        name: Text = "name",
        project: Text = "projectId",
    }
}

/// Makes the ServiceAccount. Kustomize writes the names into YAML as they are, so a name may be a number here.
pub(super) fn service_account(
    arguments: &PolicyArguments,
    loader: &Loader<'_>,
    place: &Place,
) -> Result<Resource, Error> {
    let PolicyArguments { cloud, kubernetes, provider } = arguments;
    if cloud.value != "gke" {
        return Err(problem(place, &kubernetes.name, GeneratorProblem::UnknownCloud { cloud: cloud.value.clone() }));
    }
    let mut text = format!(
        "\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  annotations:\n    \
         iam.gke.io/gcp-service-account: {}@{}.iam.gserviceaccount.com\n  name: {}\n",
        provider.name.value, provider.project.value, kubernetes.name.value
    );
    if !kubernetes.namespace.is_empty() {
        text += &format!("\n  namespace: {}", kubernetes.namespace.value);
    }
    let options = ReadOptions { limits: loader.limits().clone(), comments: false };
    let read = kyaml::read(&place.file, text.as_bytes(), &options).ok();
    let mut object = read
        .and_then(|documents| documents.into_iter().next())
        .ok_or_else(|| problem(place, &kubernetes.name, GeneratorProblem::NotYaml))?;
    object.position = place.position;
    Ok(Resource::new(object, place.clone()))
}
