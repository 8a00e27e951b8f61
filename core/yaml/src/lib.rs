//! YAML as Kubernetes reads it, with positions.
//!
//! [`read`] takes the text of a file and answers its documents as kubectl would see them: sigs.k8s.io/yaml over go-yaml v2,
//! which is YAML 1.1 turned into JSON. `on` and `y` are booleans, `0777` is 511, a date stays a text, a repeated key counts
//! as its last, `<<` is merged, keys are texts whatever they were. What JSON cannot say (`.inf`, a null key) is an error.
//! Every [`Node`] knows its line and column, and every [`Error`] names file, line, column and the reason. [`read_first`] is the
//! same for a text of which only the first document counts, as in a kustomization file.
//!
//! [`kyaml`] is the other dialect: what kustomize reads, edits and merges.
//!
//! Input is hostile until read: bytes, documents, nodes, depth and what aliases expand to have [`Limits`], and nothing
//! recurses deeper than the limit of depth.
//!
//! ```
//! use thalweg_yaml::{Limits, read};
//!
//! let documents = read("a.yaml", b"mode: 0777\nenabled: yes\n", &Limits::default()).expect("two fields");
//! assert_eq!(documents[0].root.to_json(), serde_json::json!({"mode": 511, "enabled": true}));
//! let error = read("a.yaml", b"a: 1\n b: 2\n", &Limits::default()).expect_err("an indented key");
//! assert!(error.to_string().starts_with("a.yaml:2:3: mapping values are not allowed in this context"));
//! ```

mod compose;
mod error;
pub mod kyaml;
mod limits;
mod node;
mod number;
pub mod print;
mod resolve;
mod scan;
mod text;
mod timestamp;

pub use compose::{read, read_first};
pub use error::{Error, Limit, Reason};
pub use limits::Limits;
pub use node::{Document, Entry, Node, Position, Text, Value};
pub use resolve::is_text;
