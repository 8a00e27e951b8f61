//! Prints what `kustomize build` and sigs.k8s.io/yaml print: the text of go-yaml v2's writer.
//!
//! [`object`] takes an object as kyaml keeps it. kustomize writes it as YAML (go-yaml v3), decodes that, writes JSON, reads it
//! as YAML (go-yaml v2) and writes that again; here the text is written at once, with all that the way does to it: keys are
//! sorted, comments are gone, dates are full times, and what JSON cannot say is an error. [`value`] takes a value of
//! [`crate::read`], whose keys count once each.

mod emitter;
mod error;
mod letters;
pub(crate) mod lines;
mod object;
pub(crate) mod order;
pub(crate) mod scalar;
mod value;

pub use error::{PrintError, Unprintable};

use crate::kyaml::{self, detour};

/// Adds an object as `kustomize build` prints it. `metadata.annotations` become texts, and those that a build keeps its own
/// state in go; the texts of origins and transformations stay. Repeated keys are errors, and so are more than 16 MiB of text.
pub fn object(node: &kyaml::Node, out: &mut String) -> Result<(), PrintError> {
    if detour::has_risky_comments(node, false) {
        let read = detour::written_and_read(&object::rewritten(node)?)?;
        return object::Printer::new(out).rewritten_object(&read);
    }
    object::Printer::new(out).object(node)
}

/// Adds objects, separated by `---`: the output of a build.
pub fn objects<'n>(nodes: impl IntoIterator<Item = &'n kyaml::Node>, out: &mut String) -> Result<(), PrintError> {
    for (index, node) in nodes.into_iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        object(node, out)?;
    }
    Ok(())
}

/// Adds a value as `yaml.Marshal` of sigs.k8s.io/yaml prints it. Of a repeated key the last counts; more than 16 MiB of text are
/// an error.
pub fn value(node: &crate::Node, out: &mut String) -> Result<(), PrintError> {
    value::Printer::new(out).document(node)
}
