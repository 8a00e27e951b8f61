//! What an API server says of a kind in its discovery.

use crate::Schema;

/// One kind in one version, under the name by which it is addressed.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// The kind of a list of them.
    pub list_kind: String,
    /// The plural, lower case: what stands in a path.
    pub plural: String,
    /// The singular, lower case.
    pub singular: String,
    /// Abbreviations for people.
    pub short_names: Vec<String>,
    /// Groups of resources that kubectl knows, such as `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What may be done, in the order in which discovery lists it. A kind that is only created (a review) has `create` alone.
    pub verbs: Vec<String>,
    /// `status`, `scale`, `token`, …
    pub subresources: Vec<Subresource>,
    /// The columns of a Table; none for Kubernetes' own kinds, whose columns are code.
    pub columns: Vec<Column>,
    /// The shape of an object.
    pub schema: Schema,
}

impl Resource {
    /// `group/version`, or the version alone in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `plural.group`, as errors and CustomResourceDefinitions name it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The subresource of this name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }
}

/// A part of an object that is addressed by itself.
#[derive(Clone, Debug)]
pub struct Subresource {
    /// Its name in a path.
    pub name: String,
    /// The group of the kind that is read and written there, when it is another one.
    pub group: String,
    /// Its version.
    pub version: String,
    /// The kind that is read and written there.
    pub kind: String,
    /// What may be done.
    pub verbs: Vec<String>,
    /// For `scale`: where the numbers stand.
    pub scale: Option<Scale>,
}

/// Where the numbers of a scale subresource stand, as JSON paths (`.spec.replicas`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// How many are wanted.
    pub spec_replicas: String,
    /// How many there are.
    pub status_replicas: String,
    /// The selector as a text, if there is one; for Kubernetes' own kinds the label selector that is to be written as one.
    pub label_selector: Option<String>,
}

/// A column of a Table (`additionalPrinterColumns`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub type_: String,
    /// The OpenAPI format; `name` marks the column of the name.
    pub format: String,
    /// For people.
    pub description: String,
    /// 0 shows it always, more with `-o wide`.
    pub priority: i32,
    /// Where the value stands, as a JSON path. Empty for columns that are computed.
    pub json_path: String,
}
