//! What is known of one place in objects: its fields, its elements, how a patch merges it.

use thalweg_yaml::kyaml::Text;

/// The schema of a place, as far as merging needs it (kyaml's `openapi.ResourceSchema`).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// Where the shape is told instead. Beside it nothing else counts once it is followed.
    pub(super) reference: Option<Reference>,
    /// Sorted by name.
    pub(super) properties: Vec<(Text, Shape)>,
    /// What any other field holds.
    pub(super) additional: Option<Box<Shape>>,
    /// What an element is; only where the type is a list and nothing else.
    pub(super) elements: Option<Box<Shape>>,
    /// `x-kubernetes-patch-strategy`: words between commas, or nothing.
    pub(super) strategy: Text,
    /// `x-kubernetes-list-map-keys`, or else the one `x-kubernetes-patch-merge-key`; none without a strategy.
    pub(super) keys: Vec<Text>,
}

/// What `$ref` says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reference {
    /// A line of the table of Kubernetes' definitions.
    Builtin(usize),
    /// A definition, or a property of a property of it.
    Definition { name: Text, properties: Vec<Text> },
    /// The document itself, of which only the definitions are known.
    Document,
    /// Nothing that can be found.
    Nowhere,
}

/// A place of which nothing is known but that it is there.
pub(super) static BLANK: Shape = Shape {
    reference: None,
    properties: Vec::new(),
    additional: None,
    elements: None,
    strategy: Text::const_new(""),
    keys: Vec::new(),
};

impl Shape {
    pub(super) fn blank() -> Self {
        BLANK.clone()
    }

    pub(super) fn property(&self, name: &str) -> Option<&Shape> {
        let at = self.properties.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
        self.properties.get(at).map(|(_, shape)| shape)
    }

    /// What a field of this name holds.
    pub(super) fn field(&self, name: &str) -> Option<&Shape> {
        self.property(name).or(self.additional.as_deref())
    }
}

impl Reference {
    /// Of the text of a `$ref`: the part behind `#` is a JSON pointer into the document that all definitions are in.
    pub(super) fn of(text: &str) -> Self {
        let pointer = unescaped(text.split_once('#').map_or("", |(_, pointer)| pointer));
        if pointer.is_empty() {
            return Self::Document;
        }
        let mut steps = pointer.strip_prefix("/definitions/").unwrap_or_default().split('/');
        let name = step(steps.next().unwrap_or_default());
        let mut properties = Vec::new();
        while let Some(word) = steps.next() {
            match (word, steps.next()) {
                ("properties", Some(property)) => properties.push(step(property)),
                _ => return Self::Nowhere,
            }
        }
        if name.is_empty() { Self::Nowhere } else { Self::Definition { name, properties } }
    }
}

/// A step of a JSON pointer.
fn step(text: &str) -> Text {
    text.replace("~1", "/").replace("~0", "~").into()
}

/// A fragment of a URL without its percent signs.
fn unescaped(fragment: &str) -> String {
    if !fragment.contains('%') {
        return fragment.to_owned();
    }
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high * 16 + low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_pointer_into_the_definitions() {
        let definition = |name: &str, properties: &[&str]| Reference::Definition {
            name: name.into(),
            properties: properties.iter().map(|&name| name.into()).collect(),
        };
        for (text, expected) in [
            ("#/definitions/a.b.C", definition("a.b.C", &[])),
            ("other.json#/definitions/a", definition("a", &[])),
            ("#/definitions/a~1b~0c", definition("a/b~c", &[])),
            ("#/definitions/a%2Eb", definition("a.b", &[])),
            ("#/definitions/a/properties/b/properties/c", definition("a", &["b", "c"])),
            ("#/definitions/a/items", Reference::Nowhere),
            ("#/definitions/a/properties", Reference::Nowhere),
            ("#/components/schemas/a", Reference::Nowhere),
            ("#/definitions/", Reference::Nowhere),
            ("#", Reference::Document),
            ("a.b.C", Reference::Document),
            ("", Reference::Document),
        ] {
            assert_eq!(Reference::of(text), expected, "{text}");
        }
    }
}
