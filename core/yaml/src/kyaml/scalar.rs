//! What a scalar means: go-yaml v3's `resolve`, which is YAML 1.2 with the integers and times of YAML 1.1.

use std::borrow::Cow;

use super::Tag;
use super::plain::{Plain, plain, plain_under};
use crate::Reason;
use crate::resolve::{beginning, decode_base64};

/// The value of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`; not `yes`, not `on`.
    Bool(bool),
    /// An integer that fits 64 bits with sign.
    Int(i64),
    /// An integer above that, up to 64 bits without sign.
    UInt(u64),
    /// Any other number, infinities and not-a-number among them.
    Float(f64),
    /// A text, also one of a tag that has no value of its own.
    Text(Cow<'t, str>),
    /// A time, as Go's JSON writes it: `2001-12-14T00:00:00Z`.
    Timestamp(String),
}

/// The tag of a plain scalar without one.
pub fn resolve(text: &str) -> Tag {
    plain(text).tag()
}

/// The value of a scalar under a tag; without one, that of a plain scalar. A quoted scalar without a tag is a text.
///
/// # Errors
///
/// [`Reason::WrongTag`] when the text is not of the tag's type, and [`Reason::InvalidBase64`].
pub fn scalar(text: &str, tag: Tag) -> Result<Scalar<'_>, Reason> {
    let value = match tag {
        Tag::Unset => plain(text),
        Tag::Str | Tag::Merge | Tag::Sequence | Tag::Mapping | Tag::Custom => Plain::Text,
        Tag::Binary => {
            let decoded = decode_base64(text).ok_or(Reason::InvalidBase64)?;
            return Ok(Scalar::Text(Cow::Owned(decoded)));
        }
        Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => {
            plain_under(tag, text).map_err(|found| wrong_tag(found.tag(), text, tag))?
        }
    };
    Ok(match value {
        Plain::Null => Scalar::Null,
        Plain::Bool(value) => Scalar::Bool(value),
        Plain::Int(value) => Scalar::Int(value),
        Plain::UInt(value) => Scalar::UInt(value),
        Plain::Float(value) => Scalar::Float(value),
        Plain::Timestamp(time) => Scalar::Timestamp(time.to_string()),
        Plain::Text => Scalar::Text(Cow::Borrowed(text)),
    })
}

fn wrong_tag(found: Tag, text: &str, tag: Tag) -> Reason {
    let name = |tag: Tag| tag.name().unwrap_or_default();
    Reason::WrongTag { found: name(found), text: beginning(text), tag: name(tag) }
}
