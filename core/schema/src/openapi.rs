//! The OpenAPI v3 document of a group version, as an API server serves it at `/openapi/v3/apis/GROUP/VERSION`.
//!
//! It holds what kubectl reads: the schemas (`explain`, patches), and for each operation its kind and its parameters (whether
//! a server takes `fieldValidation` and `dryRun`). Descriptions of operations and parameters are left out.

mod paths;
mod schemas;

use serde_json::{Value, json};

use crate::Resource;
use schemas::Components;

const VERSION: &str = "1.36";

/// The document of the resources of one group version.
pub fn document<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> Value {
    let mut components = Components::default();
    let mut paths = serde_json::Map::new();
    for resource in resources {
        paths.extend(paths::of(resource, &mut components));
    }
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": VERSION },
        "paths": paths,
        "components": { "schemas": components.complete() },
    })
}
