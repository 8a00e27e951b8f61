//! The CEL rules of custom objects (`x-kubernetes-validations`), with Kubernetes' own functions.
//!
//! [`Rules::compile`] reads them out of a schema once; [`Rules::errors`] asks them of an object, and of what it was before.
//! [`check_rule`] says what keeps a rule from being one, when a CustomResourceDefinition is written.
//!
//! Costs are not limited. Not known, and refused by name: `format.*`, `authorizer` and `semver`.

mod check;
mod foreign;
mod functions;
mod network;
mod program;
mod quantity;
mod rules;
mod time;
mod values;

pub use check::{RuleError, check_rule};
pub use rules::Rules;
