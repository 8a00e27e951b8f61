//! One step of the way from an object to one of its fields.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde_json::{Number, Value};
use thalweg_schema::quoted;

use super::values;

/// One step from a value to one of its parts. Cheap to clone; ordered as `fieldsV1` orders its keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// The field of an object, or the key of a map.
    Field(Arc<str>),
    /// The item of a list whose keys have these values; sorted by name.
    Key(Arc<[(Arc<str>, Scalar)]>),
    /// The item of a set.
    Value(Arc<Scalar>),
    /// The item of a list by its position. Read, but never made.
    Index(i64),
}

/// A value that tells items apart. Numbers are equal when they are numerically.
#[derive(Clone, Debug)]
pub struct Scalar(pub(super) Value);

impl PathElement {
    /// The field of this name.
    pub fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    /// Reads `f:name`, `k:{…}`, `v:…` or `i:0`: `Ok(None)` for a kind of step that this version does not know.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Unreadable> {
        let (kind, rest) = text.split_once(':').ok_or(Unreadable)?;
        Ok(Some(match kind {
            "f" => Self::field(rest),
            "v" => Self::Value(Arc::new(Scalar::read(serde_json::from_str(rest).map_err(|_| Unreadable)?))),
            "i" => Self::Index(rest.parse().map_err(|_| Unreadable)?),
            "k" => {
                let keys: serde_json::Map<String, Value> = serde_json::from_str(rest).map_err(|_| Unreadable)?;
                let mut keys: Vec<(Arc<str>, Scalar)> =
                    keys.into_iter().map(|(name, value)| (Arc::from(name), Scalar::read(value))).collect();
                keys.sort_by(|(a, _), (b, _)| a.cmp(b));
                Self::Key(keys.into())
            }
            kind if kind.len() == 1 => return Ok(None),
            _ => return Err(Unreadable),
        }))
    }

    /// What [`Self::parse`] reads.
    pub(super) fn serialised(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Value(value) => format!("v:{}", values::json(&value.0)),
            Self::Index(index) => format!("i:{index}"),
            Self::Key(keys) => {
                let keys: Vec<_> = keys
                    .iter()
                    .map(|(name, value)| format!("{}:{}", Value::from(&**name), values::json(&value.0)))
                    .collect();
                format!("k:{{{}}}", keys.join(","))
            }
        }
    }
}

/// As errors of the API write a path: `.spec`, `[name="a",port=80]`, `[="a"]`, `[0]`.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(keys) => {
                for (position, (name, value)) in keys.iter().enumerate() {
                    write!(f, "{}{name}={value}", if position == 0 { "[" } else { "," })?;
                }
                f.write_str("]")
            }
        }
    }
}

/// A step that is not written as steps are.
#[derive(Debug, thiserror::Error)]
#[error("not a step of a path")]
pub struct Unreadable;

impl Scalar {
    /// A value out of `fieldsV1`, where all numbers are floats, and printed as such in conflicts.
    fn read(value: Value) -> Self {
        let float = value.as_f64().and_then(Number::from_f64);
        Self(float.map_or(value, Value::Number))
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::String(text) => f.write_str(&quoted(text)),
            other => f.write_str(&values::printed(other)),
        }
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        values::order(&self.0, &other.0)
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scalar {}
