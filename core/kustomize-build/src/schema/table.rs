//! The definitions that are built in: tables/definitions.txt and tables/kustomization.txt.
//!
//! Where lines begin is known when this is compiled, and a line is read when its definition is asked for.

use std::sync::OnceLock;

use thalweg_yaml::kyaml::Text;

use super::shape::{Reference, Shape};

/// Lines of definitions, sorted by name, behind comments.
#[derive(Debug)]
pub(super) struct Table {
    is_kubernetes: bool,
    text: &'static str,
    /// Where each line begins.
    starts: &'static [u32],
    /// What each line that was asked for says.
    shapes: &'static [OnceLock<Box<Shape>>],
    kinds: OnceLock<Vec<Kind>>,
}

/// apiVersion, kind and the line of its definition.
type Kind = (&'static str, &'static str, usize);

/// The shapes of Kubernetes' own kinds.
pub(super) fn kubernetes() -> &'static Table {
    const TEXT: &str = include_str!("../../tables/definitions.txt");
    const LINES: usize = lines(TEXT);
    static STARTS: [u32; LINES] = starts(TEXT);
    static SHAPES: [OnceLock<Box<Shape>>; LINES] = [const { OnceLock::new() }; LINES];
    static TABLE: Table = Table::new(TEXT, true, &STARTS, &SHAPES);
    &TABLE
}

/// The shapes of kustomize's own kinds, which stay even where Kubernetes' do not.
pub(super) fn kustomization() -> &'static Table {
    const TEXT: &str = include_str!("../../tables/kustomization.txt");
    const LINES: usize = lines(TEXT);
    static STARTS: [u32; LINES] = starts(TEXT);
    static SHAPES: [OnceLock<Box<Shape>>; LINES] = [const { OnceLock::new() }; LINES];
    static TABLE: Table = Table::new(TEXT, false, &STARTS, &SHAPES);
    &TABLE
}

/// How many lines a text has; each ends in a line break.
const fn lines(text: &str) -> usize {
    let (bytes, mut at, mut lines) = (text.as_bytes(), 0, 0);
    while at < bytes.len() {
        lines += (bytes[at] == b'\n') as usize;
        at += 1;
    }
    lines
}

/// Where the lines of a text begin.
const fn starts<const LINES: usize>(text: &str) -> [u32; LINES] {
    let (bytes, mut at, mut line) = (text.as_bytes(), 0, 1);
    let mut starts = [0; LINES];
    while line < LINES {
        if bytes[at] == b'\n' {
            starts[line] = at as u32 + 1;
            line += 1;
        }
        at += 1;
    }
    starts
}

impl Table {
    const fn new(
        text: &'static str,
        is_kubernetes: bool,
        starts: &'static [u32],
        shapes: &'static [OnceLock<Box<Shape>>],
    ) -> Self {
        Self { is_kubernetes, text, starts, shapes, kinds: OnceLock::new() }
    }

    pub(super) fn definition(&self, name: &str) -> Option<&Shape> {
        self.at(self.line(name)?).map(|(_, shape)| shape)
    }

    /// The definition at a line, and its name.
    pub(super) fn at(&self, line: usize) -> Option<(&'static str, &Shape)> {
        let (name, words) = self.words(line)?;
        let read = || Box::new(Reader { table: self }.definition(words));
        self.shapes.get(line).map(|shape| (name, &**shape.get_or_init(read)))
    }

    pub(super) fn of_kind(&self, api_version: &str, kind: &str) -> Option<&Shape> {
        let kinds = self.kinds.get_or_init(|| self.kinds());
        let (.., line) = kinds.iter().find(|(version, name, _)| *name == kind && *version == api_version)?;
        self.at(*line).map(|(_, shape)| shape)
    }

    fn line(&self, name: &str) -> Option<usize> {
        let compared = |start: &u32| {
            let text = self.text.as_bytes().get(*start as usize..).unwrap_or_default();
            let (head, behind) = text.split_at(text.len().min(name.len()));
            let is_longer = !matches!(behind.first(), None | Some(b' ' | b'\n'));
            // What ends a name comes before all that names are made of.
            head.cmp(name.as_bytes()).then(is_longer.cmp(&false))
        };
        self.starts.binary_search_by(compared).ok()
    }

    /// The name of the definition at a line, and the words behind it.
    fn words(&self, line: usize) -> Option<(&'static str, &'static str)> {
        let from = *self.starts.get(line)? as usize;
        let to = self.starts.get(line + 1).map_or(self.text.len(), |next| *next as usize);
        let line = self.text.get(from..to)?.trim_end_matches('\n');
        (!line.starts_with('#')).then(|| line.split_once(' ').unwrap_or((line, "")))
    }

    fn kinds(&self) -> Vec<Kind> {
        let kind = |(at, _)| {
            let line = self.starts.partition_point(|start| *start as usize <= at) - 1;
            let word = self.text.get(at + 1..)?.split([' ', '\n']).next()?;
            let (api_version, kind) = word.split_once(',').unwrap_or(("", word));
            self.words(line).map(|_| (api_version, kind, line))
        };
        self.text.match_indices('@').filter_map(kind).collect()
    }
}

/// Reads lines of a table.
struct Reader<'t> {
    table: &'t Table,
}

impl Reader<'_> {
    /// The properties of a definition, behind its kinds. A property without a name is the definition itself.
    fn definition(&self, words: &'static str) -> Shape {
        let mut shape = Shape::blank();
        for word in words.split(' ').filter(|word| !word.is_empty() && !word.starts_with('@')) {
            match word.split_once(':') {
                Some(("", holds)) => shape = self.merged(holds),
                Some((name, holds)) => shape.properties.push((Text::const_new(name), self.merged(holds))),
                None => shape.properties.push((Text::const_new(word), Shape::blank())),
            }
        }
        shape
    }

    /// `T!strategy!key,key`
    fn merged(&self, text: &'static str) -> Shape {
        let mut parts = text.split('!');
        let mut shape = self.held(parts.next().unwrap_or_default());
        shape.strategy = Text::const_new(parts.next().unwrap_or_default());
        shape.keys = parts.next().map(|keys| keys.split(',').map(Text::const_new).collect()).unwrap_or_default();
        shape
    }

    /// `[]T`, `{}T` or the name of a definition
    fn held(&self, text: &'static str) -> Shape {
        let mut shape = Shape::blank();
        if let Some(elements) = text.strip_prefix("[]") {
            shape.elements = Some(Box::new(self.held(elements)));
        } else if let Some(values) = text.strip_prefix("{}") {
            shape.additional = Some(Box::new(self.held(values)));
        } else if !text.is_empty() {
            shape.reference = Some(self.reference(text));
        }
        shape
    }

    fn reference(&self, name: &'static str) -> Reference {
        match self.table.line(name) {
            Some(line) if self.table.is_kubernetes => Reference::Builtin(line),
            _ => Reference::Definition { name: Text::const_new(name), properties: Vec::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A reference that leads nowhere would be a list that is replaced where kustomize merges.
    #[test]
    fn every_reference_of_a_table_leads_to_a_definition() {
        fn check(shape: &Shape, table: &Table) {
            match &shape.reference {
                Some(Reference::Definition { name, .. }) => assert!(table.definition(name).is_some(), "{name}"),
                Some(Reference::Builtin(line)) => assert!(table.at(*line).is_some(), "{line}"),
                _ => {}
            }
            let inner = shape.additional.iter().chain(&shape.elements).map(Box::as_ref);
            for shape in shape.properties.iter().map(|(_, shape)| shape).chain(inner) {
                check(shape, table);
            }
        }
        let definitions = |table: &'static Table| (0..table.starts.len()).filter_map(|line| table.at(line));
        for table in [kubernetes(), kustomization()] {
            for (name, shape) in definitions(table) {
                check(shape, table);
                assert!(shape.properties.is_sorted_by(|one, other| one.0 < other.0), "{name}");
                assert!(table.definition(name).is_some_and(|found| std::ptr::eq(found, shape)), "{name}");
            }
            let kinds = table.kinds();
            let different: HashSet<_> = kinds.iter().map(|(version, kind, _)| (version, kind)).collect();
            assert_eq!(different.len(), kinds.len(), "one definition a kind");
        }
        assert!(definitions(kustomization()).all(|(name, _)| kubernetes().definition(name).is_none()), "two layers");
        assert!(definitions(kubernetes()).count() > 600 && kubernetes().kinds().len() > 250);
    }
}
