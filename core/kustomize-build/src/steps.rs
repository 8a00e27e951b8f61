//! Paths of field specs as a tree, so that an object is walked once however many paths there are.
//!
//! Rules of the walk: kustomize's api/filters/fieldspec, for fields that are not created.

use thalweg_yaml::kyaml::{Content, Node, Tag};

use crate::field_spec::{FieldError, FieldPath, Part};

/// What is to be done below a place in an object.
#[derive(Debug)]
pub(crate) struct Steps<T> {
    /// At this place, in the order in which they were added.
    here: Vec<T>,
    below: Vec<Step<T>>,
}

#[derive(Debug)]
struct Step<T> {
    part: Part,
    steps: Steps<T>,
}

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self { here: Vec::new(), below: Vec::new() }
    }
}

impl<T> Steps<T> {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.here.is_empty() && self.below.is_empty()
    }

    /// Adds what is to be done at the end of a path. One with more parts than objects have levels leads nowhere.
    pub(crate) fn add(&mut self, path: &str, work: T) {
        let Some(FieldPath { parts }) = FieldPath::parse(path) else { return };
        let end = parts.into_iter().fold(self, |steps, part| {
            let known = steps.below.iter().position(|step| step.part == part);
            let at = known.unwrap_or(steps.below.len());
            if known.is_none() {
                steps.below.push(Step { part, steps: Self::default() });
            }
            &mut steps.below[at].steps
        });
        end.here.push(work);
    }

    /// Does it all in one object.
    pub(crate) fn visit<E: From<FieldError>>(
        &self,
        node: &mut Node,
        set: &mut impl FnMut(&mut Node, &T) -> Result<(), E>,
    ) -> Result<(), E> {
        for work in &self.here {
            set(node, work)?;
        }
        if self.below.is_empty() {
            return Ok(());
        }
        self.visit_below(node, set)
    }

    fn visit_below<E: From<FieldError>>(
        &self,
        node: &mut Node,
        set: &mut impl FnMut(&mut Node, &T) -> Result<(), E>,
    ) -> Result<(), E> {
        if node.is_null() {
            return Ok(());
        }
        match &mut node.content {
            Content::Scalar(_) => Err(FieldError::ScalarOnTheWay.into()),
            Content::Sequence(items) => items.iter_mut().try_for_each(|item| self.visit_below(item, set)),
            Content::Mapping(_) => self.below.iter().try_for_each(|Step { part, steps }| {
                let (name, is_list) = match part {
                    Part::Field { name, is_list } => (name, *is_list),
                    Part::Stay => return steps.visit(node, set),
                    Part::Unusable => return Err(FieldError::NoFieldName.into()),
                    Part::Empty => return Err(FieldError::EmptyName.into()),
                };
                let Some(value) = node.get_mut(name) else { return Ok(()) };
                if is_list && value.is_null() {
                    value.content = Content::Sequence(Vec::new());
                    value.tag = Tag::Sequence;
                }
                steps.visit(value, set)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_walked_once_through_lists_and_past_nulls() {
        let text = "a: [{b: 1}, {b: [2, 3]}, {c: 4}, null]\nn: null\nl: null\n";
        let options = thalweg_yaml::kyaml::ReadOptions::default();
        let mut node = thalweg_yaml::kyaml::read("a.yaml", text.as_bytes(), &options).expect("YAML").remove(0);
        let mut steps = Steps::default();
        for path in ["a/b", "a/c", "n/x", "l[]/x", "missing/x", "a/b"] {
            steps.add(path, path);
        }
        let mut seen = Vec::new();
        let visited: Result<(), FieldError> = steps.visit(&mut node, &mut |node, path| {
            seen.push(format!("{path} {}", node.as_str().unwrap_or("[]")));
            Ok(())
        });
        assert_eq!(visited, Ok(()));
        assert_eq!(seen, ["a/b 1", "a/b 1", "a/b []", "a/b []", "a/c 4"]);
        assert_eq!(node.get("l").map(Node::is_null), Some(false));
        for (path, problem) in [
            ("a/b/d", FieldError::ScalarOnTheWay),
            ("", FieldError::EmptyName),
            ("a/", FieldError::EmptyName),
            ("a/*", FieldError::NoFieldName),
        ] {
            let mut steps = Steps::default();
            steps.add(path, "");
            assert_eq!(steps.visit(&mut node, &mut |_, _| Ok(())), Err(problem), "{path}");
        }
    }
}
