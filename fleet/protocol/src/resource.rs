//! Resource ids: parsed in any case, compared without case, printed as they were created.
//!
//! An id is its names; the words between them (`resourceGroups`, `providers`, …) carry no information and are always
//! printed in their usual case. [`key`](ClusterId::key) is the form to look up and sort by.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Characters of a subscription id at most.
pub const SUBSCRIPTION_CHARS_MAX: usize = 64;
/// Characters of a resource group's name at most.
pub const GROUP_CHARS_MAX: usize = 90;
/// Characters of a connected cluster's name at most.
pub const CLUSTER_CHARS_MAX: usize = 63;
/// Characters of a Flux configuration's name at most.
pub const CONFIGURATION_CHARS_MAX: usize = 63;

/// Why a text is not the id of a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The words between the names are not those of the type.
    #[error("not the resource id of a {wanted}: {id:?}")]
    Shape {
        /// What was asked for.
        wanted: &'static str,
        /// The text, cut to a readable length.
        id: String,
    },
    /// A name is empty, too long, or has a character that its type does not allow.
    #[error("{name:?} is not a {of} name: 1 to {chars_max} of {allowed}")]
    Name {
        /// Whose name.
        of: &'static str,
        /// The name, cut to a readable length.
        name: String,
        /// Its limit.
        chars_max: usize,
        /// The characters that are allowed.
        allowed: &'static str,
    },
}

/// `/subscriptions/S/resourceGroups/G`.
#[derive(Clone)]
pub struct ResourceGroupId {
    subscription: String,
    name: String,
}

/// `/subscriptions/S/resourceGroups/G/providers/Microsoft.Kubernetes/connectedClusters/C`.
#[derive(Clone)]
pub struct ClusterId {
    group: ResourceGroupId,
    name: String,
}

/// A cluster's id and `/providers/Microsoft.KubernetesConfiguration/fluxConfigurations/F`.
#[derive(Clone)]
pub struct ConfigurationId {
    cluster: ClusterId,
    name: String,
}

impl ResourceGroupId {
    /// The id of a group by its names.
    ///
    /// # Errors
    /// A name that the type does not allow.
    pub fn new(subscription: &str, name: &str) -> Result<Self, InvalidId> {
        let subscription = subscription_name(subscription)?;
        let name = checked("resource group", name, GROUP_CHARS_MAX, "letters, digits and -_.()", |character| {
            character.is_ascii_alphanumeric() || "-_.()".contains(character)
        })?;
        if name.ends_with('.') {
            return Err(InvalidId::Name {
                of: "resource group",
                name,
                chars_max: GROUP_CHARS_MAX,
                allowed: "letters, digits and -_.(), not ending in a full stop",
            });
        }
        Ok(Self { subscription, name })
    }

    /// The subscription, as it was given.
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// The group's name, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cluster of this name in the group.
    ///
    /// # Errors
    /// A name that the type does not allow.
    pub fn cluster(&self, name: &str) -> Result<ClusterId, InvalidId> {
        let name = checked("connected cluster", name, CLUSTER_CHARS_MAX, "letters, digits and -_", |character| {
            character.is_ascii_alphanumeric() || "-_".contains(character)
        })?;
        Ok(ClusterId { group: self.clone(), name })
    }
}

impl ClusterId {
    /// The group that holds the cluster.
    pub fn group(&self) -> &ResourceGroupId {
        &self.group
    }

    /// The cluster's name, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Flux configuration of this name on the cluster.
    ///
    /// # Errors
    /// A name that the type does not allow. (Creating one asks for more: it becomes a Kubernetes name.)
    pub fn configuration(&self, name: &str) -> Result<ConfigurationId, InvalidId> {
        let name =
            checked("Flux configuration", name, CONFIGURATION_CHARS_MAX, "letters, digits, - and .", |character| {
                character.is_ascii_alphanumeric() || "-.".contains(character)
            })?;
        Ok(ConfigurationId { cluster: self.clone(), name })
    }
}

impl ConfigurationId {
    /// The cluster that the configuration belongs to.
    pub fn cluster(&self) -> &ClusterId {
        &self.cluster
    }

    /// The configuration's name, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The form of a subscription in keys.
///
/// # Errors
/// A subscription id that ARM would not accept.
pub fn subscription_key(subscription: &str) -> Result<String, InvalidId> {
    Ok(subscription_name(subscription)?.to_ascii_lowercase())
}

impl fmt::Display for ResourceGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/subscriptions/{}/resourceGroups/{}", self.subscription, self.name)
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/providers/Microsoft.Kubernetes/connectedClusters/{}", self.group, self.name)
    }
}

impl fmt::Display for ConfigurationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/providers/Microsoft.KubernetesConfiguration/fluxConfigurations/{}", self.cluster, self.name)
    }
}

impl FromStr for ResourceGroupId {
    type Err = InvalidId;

    fn from_str(id: &str) -> Result<Self, InvalidId> {
        let [subscription, name] = names("resource group", id, "/subscriptions/*/resourceGroups/*")?;
        Self::new(subscription, name)
    }
}

impl FromStr for ClusterId {
    type Err = InvalidId;

    fn from_str(id: &str) -> Result<Self, InvalidId> {
        let shape = "/subscriptions/*/resourceGroups/*/providers/Microsoft.Kubernetes/connectedClusters/*";
        let [subscription, group, name] = names("connected cluster", id, shape)?;
        ResourceGroupId::new(subscription, group)?.cluster(name)
    }
}

impl FromStr for ConfigurationId {
    type Err = InvalidId;

    fn from_str(id: &str) -> Result<Self, InvalidId> {
        let shape = "/subscriptions/*/resourceGroups/*/providers/Microsoft.Kubernetes/connectedClusters/*\
                     /providers/Microsoft.KubernetesConfiguration/fluxConfigurations/*";
        let [subscription, group, cluster, name] = names("Flux configuration", id, shape)?;
        ResourceGroupId::new(subscription, group)?.cluster(cluster)?.configuration(name)
    }
}

/// The segments of `id` that stand where `shape` has a star; the others must be the shape's words, in any case.
fn names<'a, const NAMES: usize>(
    wanted: &'static str,
    id: &'a str,
    shape: &'static str,
) -> Result<[&'a str; NAMES], InvalidId> {
    let other = || InvalidId::Shape { wanted, id: id.chars().take(300).collect() };
    let given: Vec<&str> = id.trim_end_matches('/').split('/').collect();
    let words: Vec<&str> = shape.split('/').collect();
    if given.len() != words.len() {
        return Err(other());
    }
    let mut found = Vec::with_capacity(NAMES);
    for (segment, word) in given.into_iter().zip(words) {
        if word == "*" {
            found.push(segment);
        } else if !segment.eq_ignore_ascii_case(word) {
            return Err(other());
        }
    }
    found.try_into().map_err(|_| other())
}

fn subscription_name(subscription: &str) -> Result<String, InvalidId> {
    checked("subscription", subscription, SUBSCRIPTION_CHARS_MAX, "letters, digits and -", |character| {
        character.is_ascii_alphanumeric() || character == '-'
    })
}

fn checked(
    of: &'static str,
    name: &str,
    chars_max: usize,
    allowed: &'static str,
    allows: impl Fn(char) -> bool,
) -> Result<String, InvalidId> {
    if name.is_empty() || name.len() > chars_max || !name.chars().all(allows) {
        return Err(InvalidId::Name { of, name: name.chars().take(100).collect(), chars_max, allowed });
    }
    Ok(name.to_owned())
}

/// Keys, comparison without case, and serde as text.
macro_rules! identity {
    ($($id:ident),*) => {$(
        impl $id {
            /// The id in lower case: what to look it up by, equal for ids that differ in case alone.
            pub fn key(&self) -> String {
                self.to_string().to_ascii_lowercase()
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl PartialEq for $id {
            fn eq(&self, other: &Self) -> bool {
                self.key() == other.key()
            }
        }

        impl Eq for $id {}

        impl PartialOrd for $id {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $id {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.key().cmp(&other.key())
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

identity!(ResourceGroupId, ClusterId, ConfigurationId);

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURATION: &str = "/subscriptions/S-1/resourceGroups/rg-arc.Fleet/providers/Microsoft.Kubernetes\
        /connectedClusters/eks_Prod/providers/Microsoft.KubernetesConfiguration/fluxConfigurations/fleet-baseline";

    #[test]
    fn an_id_in_any_case_is_the_same_id_and_prints_as_it_was_created() {
        let created: ConfigurationId = CONFIGURATION.parse().unwrap();
        for asked in [CONFIGURATION.to_uppercase(), CONFIGURATION.to_lowercase(), format!("{CONFIGURATION}/")] {
            let asked: ConfigurationId = asked.parse().unwrap();
            assert_eq!(asked, created);
            assert_eq!(asked.key(), created.key());
        }
        assert_eq!(created.to_string(), CONFIGURATION);
        assert_eq!(created.cluster().name(), "eks_Prod");
        assert_eq!(created.cluster().group().name(), "rg-arc.Fleet");
        assert_eq!(serde_json::to_value(&created).unwrap(), CONFIGURATION);
    }

    #[test]
    fn what_is_not_an_id_of_the_type_is_refused() {
        let long = "g".repeat(91);
        let cases = [
            ("", false),
            ("subscriptions/s/resourceGroups/g", false),
            ("/subscriptions/s/resourceGroups/g", true),
            ("/subscriptions/s/resourceGroups/g/", true),
            ("/subscriptions/s/resourceGroups", false),
            ("/subscriptions/s/resourceGroups/", false),
            ("/subscriptions//resourceGroups/g", false),
            ("/subscriptions/s/groups/g", false),
            ("/subscriptions/s/resourceGroups/g/x", false),
            ("/subscriptions/s/resourceGroups/g.", false),
            ("/subscriptions/s/resourceGroups/a%2Fb", false),
            ("/subscriptions/s/resourceGroups/ä", false),
            (&format!("/subscriptions/s/resourceGroups/{long}"), false),
        ];
        for (id, good) in cases {
            assert_eq!(id.parse::<ResourceGroupId>().is_ok(), good, "{id:?}");
        }
        assert!(CONFIGURATION.parse::<ClusterId>().is_err(), "a configuration is not a cluster");
    }
}
