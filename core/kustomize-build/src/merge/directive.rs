//! `$patch`: what a mapping or a list of a patch asks for besides being merged.

use thalweg_yaml::kyaml::Node;

use super::{MergeError, Reason, is_empty_mapping, is_mapping, text};

const KEY: &str = "$patch";

/// What is to be done with what the patch meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

/// The directive of a mapping, and which of its fields says so.
pub(super) fn of_mapping(mapping: &Node) -> Result<Option<(Directive, usize)>, MergeError> {
    let found = mapping.fields().iter().position(|field| field.key.as_str() == Some(KEY));
    let Some(field) = found.and_then(|index| mapping.fields().get(index)) else { return Ok(None) };
    Ok(Some((read(&field.value)?, found.unwrap_or_default())))
}

/// The directive of a list, and the elements without it. The first element with a directive counts, when it holds nothing
/// else; all others that say the same go with it, and so do empty elements.
pub(super) fn of_list<'n>(items: &'n [Node]) -> Result<Option<(Directive, Vec<&'n Node>)>, MergeError> {
    let element = items.iter().find(|item| item.get(KEY).is_some());
    let Some(value) = element.filter(|element| element.fields().len() == 1).and_then(|element| element.get(KEY)) else {
        return Ok(None);
    };
    let directive = read(value)?;
    let says_so = |item: &Node| item.get(KEY).is_some_and(|other| text(other) == text(value));
    let stays = |item: &&'n Node| !(is_empty_mapping(item) || is_mapping(item) && says_so(item));
    Ok(Some((directive, items.iter().filter(stays).collect())))
}

fn read(value: &Node) -> Result<Directive, MergeError> {
    match text(value) {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(MergeError::new(Reason::UnknownDirective(other.to_owned()), value)),
    }
}
