//! Texts that are documents themselves: a path may go on in them.

use std::borrow::Cow;

use thalweg_yaml::Limits;
use thalweg_yaml::kyaml::{self, Content, Document, Node, ReadOptions, Style};

use super::target::put;
use super::walk::{TargetPath, Walk};
use crate::transform::lookup::{self, Made, Slot};

/// A text that is a document, on the way of a path that goes on in it.
pub(super) struct Text {
    /// Where the text is.
    slots: Vec<Slot>,
    /// How many parts of the path lead there.
    parts: usize,
    before: String,
    document: Document,
}

/// The first text on the way of a path that is a document.
pub(super) fn find(object: &Node, path: &TargetPath) -> Option<Text> {
    let mut slots = Vec::new();
    let mut node = object;
    for (index, step) in path.lookups.iter().enumerate() {
        if let Some(step) = step {
            let slot = step.slot(node).ok()??;
            node = lookup::at(node, slot)?;
            slots.push(slot);
        }
        if let Content::Scalar(before) = &node.content {
            let document = (index + 1 < path.lookups.len()).then(|| parse(before)).flatten()?;
            return Some(Text { slots, parts: index + 1, before: before.to_string(), document });
        }
    }
    None
}

impl Text {
    /// Where the text is, and what it becomes with a field of its document set. Options other than to create do not count here.
    /// Nothing when that fails: then kustomize tries the path in the object alone.
    pub(super) fn edited(
        mut self,
        path: &TargetPath,
        value: &Node,
        create: Option<Made>,
    ) -> Option<(Vec<Slot>, String)> {
        let below = path.steps.get(self.parts..)?;
        let places = Walk::places(&mut self.document.root, below, create).ok().filter(|places| !places.is_empty())?;
        for slots in places.iter().flatten() {
            if let Some(node) = lookup::below_mut(&mut self.document.root, slots) {
                put(node, value, value.as_str().unwrap_or_default());
            }
        }
        Some((self.slots, printed(&self.document, &self.before)?))
    }
}

/// The first document of a text; none when it is no YAML, or empty.
pub(super) fn parse(text: &str) -> Option<Document> {
    let options = ReadOptions { limits: Limits::default(), comments: true };
    kyaml::parse("", text.as_bytes(), &options).ok()?
}

/// The document as it is written back, in the format of the text that it comes from.
fn printed(document: &Document, before: &str) -> Option<String> {
    if !before.trim_start().starts_with(['{', '[']) {
        return Some(kyaml::write_document(document).trim().to_owned());
    }
    let line = kyaml::go_json(&document.root).ok()?;
    let is_indented = before.contains('\n') && before.contains("  ");
    Some(if is_indented { indented(&line) } else { line })
}

/// JSON on lines of their own, two spaces a level, as Go's `json.Indent` lays it out.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut characters = json.chars().peekable();
    let break_line = |out: &mut String, depth| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(character) = characters.next() {
        match character {
            '\\' if in_text => {
                out.push(character);
                out.extend(characters.next());
            }
            '"' => {
                in_text = !in_text;
                out.push(character);
            }
            _ if in_text => out.push(character),
            '{' | '[' => {
                out.push(character);
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    break_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(character),
        }
    }
    out
}

/// The text that a pattern is compared with: what go-yaml v3 writes for a node, without white space around it.
pub(super) fn text_of(node: &Node) -> Cow<'_, str> {
    let is_simple = |text: &str| {
        text.starts_with(|character: char| character.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/'))
    };
    match &node.content {
        Content::Scalar(text)
            if node.style == Style::Plain && !node.tagged && node.comments().is_none() && is_simple(text) =>
        {
            Cow::Borrowed(text)
        }
        _ => Cow::Owned(kyaml::write(node).trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Go's `json.Indent`.
    #[test]
    fn json_is_indented_as_go_indents_it() {
        let line = r#"{"a":[1,{"b":{}},"x:,[\"{"],"c":[],"d":{"e":null}}"#;
        let expected = [
            "{",
            "  \"a\": [",
            "    1,",
            "    {",
            "      \"b\": {}",
            "    },",
            "    \"x:,[\\\"{\"",
            "  ],",
            "  \"c\": [],",
            "  \"d\": {",
            "    \"e\": null",
            "  }",
            "}",
        ];
        assert_eq!(indented(line), expected.join("\n"));
    }
}
