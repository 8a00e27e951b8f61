//! The field of an object at a path such as `spec.ports[0].port`.

use thalweg_yaml::kyaml::{Content, Node};

/// What is at a path; none where anything on the way is missing, null, or of another type than the path takes it for.
pub(super) fn field<'n>(object: &'n Node, path: &str) -> Option<&'n Node> {
    parts(path).iter().map(String::as_str).filter(|part| !part.is_empty()).try_fold(object, |node, part| {
        match (&node.content, part.parse::<usize>()) {
            (Content::Sequence(items), Ok(index)) => items.get(index),
            (Content::Sequence(items), Err(_)) if part == "-" => items.last(),
            (Content::Sequence(items), Err(_)) => element(items, part),
            (Content::Mapping(_), Err(_)) if part != "-" && part != "*" => node.get(part),
            _ => None,
        }
    })
}

/// The item that `[key=value]`, or `[=value]` for one that is no mapping, selects.
fn element<'n>(items: &'n [Node], part: &str) -> Option<&'n Node> {
    let (key, value) = part.strip_prefix('[')?.strip_suffix(']')?.split_once('=')?;
    items.iter().find(|item| {
        let compared = if key.is_empty() { Some(*item) } else { item.get(key) };
        compared.is_some_and(|found| found.as_str().unwrap_or_default() == value)
    })
}

/// Separated by dots; a backslash before a dot, and brackets, keep it in its part. `ports[0]` is two parts.
fn parts(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut bracketed: Option<String> = None;
    for piece in pieces(path) {
        match bracketed.take() {
            Some(open) => {
                let joined = format!("{open}.{piece}");
                if piece.ends_with(']') { parts.push(unwrapped(joined)) } else { bracketed = Some(joined) }
            }
            None if piece.starts_with('[') && !piece.ends_with(']') => bracketed = Some(piece),
            None => parts.extend(indexed(piece)),
        }
    }
    parts.extend(bracketed.map(unwrapped));
    parts
}

fn unwrapped(part: String) -> String {
    if part.contains('=') { part } else { part.trim_matches(['[', ']']).to_owned() }
}

fn pieces(path: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut is_open = false;
    for piece in path.strip_prefix('.').unwrap_or(path).split('.') {
        let escaped = piece.strip_suffix('\\');
        let text = escaped.unwrap_or(piece);
        match pieces.last_mut().filter(|_| is_open) {
            Some(last) => {
                last.push('.');
                last.push_str(text);
            }
            None => pieces.push(text.to_owned()),
        }
        is_open = escaped.is_some();
    }
    pieces
}

fn indexed(piece: String) -> Vec<String> {
    let split = piece
        .strip_suffix(']')
        .and_then(|open| open.rsplit_once('['))
        .filter(|(_, index)| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()));
    match split {
        Some(("", index)) => vec![index.to_owned()],
        Some((name, index)) => vec![name.to_owned(), index.to_owned()],
        None => vec![piece],
    }
}
