//! FluxConfigurations: a source and the Kustomizations of it, as one object with one verdict. Group `thalweg.dev`.

mod definition;
mod kind;
mod status;

pub use definition::custom_resource_definition;
pub use kind::*;
pub use status::*;
