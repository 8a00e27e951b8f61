//! CustomResourceDefinitions, and the objects that they define (apiextensions-apiserver).
//!
//! Pure: definitions and objects in, kinds, statuses and refusals out. Conversion webhooks are refused by name; between its
//! versions, an object changes nothing but its apiVersion.

mod objects;
mod resources;
mod schema;
mod status;
#[cfg(test)]
mod tests;
mod validation;

use serde_json::Value;
use thalweg_schema::{FieldError, Resource};

use crate::registry::Served;
use crate::status::Cause;

pub(crate) use resources::resources;
pub(crate) use status::{begin, default, prepare_among};

/// What is wrong with a CustomResourceDefinition.
pub(crate) fn validate(old: Option<&Value>, new: &Value) -> Vec<Cause> {
    causes(validation::validate(old, new))
}

/// Reads a custom object: unknown fields go, absent ones have their defaults. Names the fields that were dropped.
///
/// # Errors
/// Why it cannot be read at all.
pub(crate) fn read(served: &Served, object: &mut Value) -> Result<Vec<String>, String> {
    Ok(objects::read(served, object))
}

/// Gives a custom object that an apply has made its defaults.
pub(crate) fn read_applied(served: &Served, object: &mut Value) {
    objects::read_applied(served, object);
}

/// What is wrong with a custom object: schema and CEL.
pub(crate) fn validate_object(served: &Served, subresource: &str, old: Option<&Value>, new: &Value) -> Vec<Cause> {
    let resource: &Resource = served;
    causes(objects::validate(resource, served.rules(), subresource, old, new))
}

fn causes(errors: Vec<FieldError>) -> Vec<Cause> {
    let cause = |error: FieldError| Cause { reason: error.reason.into(), message: error.message, field: error.field };
    errors.into_iter().map(cause).collect()
}
