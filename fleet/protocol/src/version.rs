//! The `api-version` rule: a version that is known for a type gives the newest shape; others are refused by name.

use crate::{ErrorBody, code};

/// A type that the hub serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// `Microsoft.Resources/resourceGroups`.
    ResourceGroup,
    /// `Microsoft.Kubernetes/connectedClusters`.
    ConnectedCluster,
    /// `Microsoft.KubernetesConfiguration/fluxConfigurations`.
    FluxConfiguration,
}

impl ResourceType {
    /// The type's full name, as in a resource's `type` field.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResourceGroup => "Microsoft.Resources/resourceGroups",
            Self::ConnectedCluster => "Microsoft.Kubernetes/connectedClusters",
            Self::FluxConfiguration => "Microsoft.KubernetesConfiguration/fluxConfigurations",
        }
    }

    /// The versions that real clients send for this type, oldest first.
    pub fn api_versions(self) -> &'static [&'static str] {
        match self {
            Self::ResourceGroup => {
                &["2019-10-01", "2020-06-01", "2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-11-01"]
            }
            Self::ConnectedCluster => &[
                "2020-01-01-preview",
                "2021-03-01",
                "2021-10-01",
                "2024-01-01",
                "2024-12-01-preview",
                "2025-12-01-preview",
                "2026-05-01",
            ],
            Self::FluxConfiguration => &[
                "2022-03-01",
                "2022-07-01",
                "2022-11-01",
                "2023-05-01",
                "2024-04-01-preview",
                "2024-11-01",
                "2025-04-01",
            ],
        }
    }

    /// Accepts a request's `api-version`, or says as ARM does what is wrong with it.
    ///
    /// # Errors
    /// `MissingApiVersionParameter` without one, `InvalidApiVersionParameter` with one that this type does not know.
    pub fn accept(self, api_version: Option<&str>) -> Result<(), ErrorBody> {
        let Some(version) = api_version.filter(|version| !version.is_empty()) else {
            return Err(ErrorBody::new(
                code::MISSING_API_VERSION_PARAMETER,
                "The api-version query parameter (?api-version=) is required for all requests.",
            ));
        };
        if self.api_versions().iter().any(|known| known.eq_ignore_ascii_case(version)) {
            return Ok(());
        }
        Err(ErrorBody::new(
            code::INVALID_API_VERSION_PARAMETER,
            format!(
                "The api-version '{}' is invalid for the type '{}'. The supported versions are '{}'.",
                version.chars().take(64).collect::<String>(),
                self.name(),
                self.api_versions().join(",")
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_clients_send_are_known_and_others_are_refused_by_name() {
        let cases = [
            (ResourceType::FluxConfiguration, Some("2023-05-01"), None),
            (ResourceType::FluxConfiguration, Some("2025-04-01"), None),
            (ResourceType::FluxConfiguration, Some("2024-04-01-PREVIEW"), None),
            (ResourceType::ConnectedCluster, Some("2026-05-01"), None),
            (ResourceType::ResourceGroup, Some("2024-11-01"), None),
            (ResourceType::FluxConfiguration, Some("2021-01-01"), Some(code::INVALID_API_VERSION_PARAMETER)),
            (ResourceType::FluxConfiguration, Some(""), Some(code::MISSING_API_VERSION_PARAMETER)),
            (ResourceType::ResourceGroup, None, Some(code::MISSING_API_VERSION_PARAMETER)),
        ];
        for (of, version, expected) in cases {
            let code = of.accept(version).err().map(|error| error.code);
            assert_eq!(code.as_deref(), expected, "{of:?} {version:?}");
        }
    }
}
