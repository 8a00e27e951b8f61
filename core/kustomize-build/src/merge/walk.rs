//! The walk over an object and a patch, field by field.

use std::cell::RefCell;
use std::num::NonZeroU32;

use thalweg_yaml::kyaml::{Content, Field, Node, Tag};

use super::directive::{self, Directive};
use super::field::{appended, drop_comments, quote_where_yaml_1_1_differs, replace, take_comments};
use super::list::Other;
use super::pairs::{Pair, Pairs, is_first_of_its_name};
use super::{MergeError, Reason, kind, text};
use crate::schema::{Comment, SchemaNode, Schemas};

pub(super) struct Walk<'s> {
    pub(super) schemas: &'s Schemas,
    /// Whether some nodes of the target are one to kustomize: the order of the walk counts then.
    is_linked: bool,
    /// What such nodes became, in the order in which it came about.
    changed_links: RefCell<Vec<(NonZeroU32, Node)>>,
}

/// What became of a node that met one of the patch.
pub(super) enum Outcome {
    Kept,
    Removed,
    Replaced(Node),
}

/// What became of a node that met none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Removed,
}

/// Whose a node is that meets none: kyaml merges what a patch adds with itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Target,
    Patch,
}

/// What a patch adds.
pub(super) struct Added {
    pub(super) node: Node,
    /// Whether it is a list that was made anew, so that its key is a new one too.
    rebuilt: bool,
}

impl<'s> Walk<'s> {
    pub(super) fn new(schemas: &'s Schemas, target: &Node) -> Self {
        Self { schemas, is_linked: has_links(target), changed_links: RefCell::default() }
    }

    /// What became of nodes that kustomize holds as one: their links, and what all of them are now.
    pub(super) fn into_changed_links(self) -> Vec<(NonZeroU32, Node)> {
        self.changed_links.into_inner()
    }

    /// What is known of a place, given what is known from above: a schema in a comment comes first, and where nothing is known,
    /// kind and apiVersion of what is there say more.
    fn place<'p>(
        &self,
        given: Option<SchemaNode<'p>>,
        comment: Option<&'p Comment>,
        nodes: [Option<&Node>; 2],
    ) -> Option<SchemaNode<'p>>
    where
        's: 'p,
    {
        let kind = |node: &Node| {
            let said =
                |key: &str| node.get(key).filter(|value| !value.is_null()).map(text).filter(|text| !text.is_empty());
            self.schemas.of_type(said("apiVersion")?, said("kind")?)
        };
        comment
            .map(|comment| comment.node(self.schemas))
            .or(given)
            .or_else(|| nodes.into_iter().flatten().filter(|node| !node.is_null()).find_map(kind))
    }

    fn place_of_field<'p>(
        &self,
        above: Option<SchemaNode<'p>>,
        name: &str,
        comment: Option<&'p Comment>,
    ) -> Option<SchemaNode<'p>>
    where
        's: 'p,
    {
        comment.map(|comment| comment.node(self.schemas)).or_else(|| above?.field(name))
    }

    /// Merges a node of the patch into one of the target.
    pub(super) fn merge(
        &self,
        target: &mut Node,
        patch: &Node,
        given: Option<SchemaNode<'_>>,
    ) -> Result<Outcome, MergeError> {
        let comment = comment_of([Some(target), Some(patch)]);
        let place = self.place(given, comment.as_ref(), [Some(target), Some(patch)]);
        let Some(leading) = [&*target, patch].into_iter().find(|node| !node.is_null()) else {
            return Ok(Outcome::Removed);
        };
        let expected = kind(leading);
        for node in [&*target, patch] {
            if !node.is_null() && kind(node) != expected {
                return Err(MergeError::wrong_kind(expected, node));
            }
        }
        take_comments(target, patch);
        if is_empty_collection(target) {
            (target.style, target.tagged) = (patch.style, patch.tagged);
        }
        if patch.is_null() {
            return Ok(Outcome::Removed);
        }
        if target.is_null() {
            let added = self.added(patch, place)?;
            return Ok(added.map_or(Outcome::Removed, |added| Outcome::Replaced(added.node)));
        }
        match &patch.content {
            Content::Mapping(_) => self.merge_mappings(target, patch, place),
            Content::Sequence(items) => match place.filter(|place| place.is_associative_list()) {
                Some(place) => self.merge_lists(target, items, place),
                None => Ok(Outcome::Replaced(patch.clone())),
            },
            Content::Scalar(_) => Ok(Outcome::Replaced(patch.clone())),
        }
    }

    fn merge_mappings(
        &self,
        target: &mut Node,
        patch: &Node,
        place: Option<SchemaNode<'_>>,
    ) -> Result<Outcome, MergeError> {
        let directive = directive::of_mapping(patch)?;
        match directive {
            Some((Directive::Delete, _)) => return Ok(Outcome::Removed),
            Some((Directive::Replace, without)) => {
                let mut replacing = copy_without(patch, Some(without));
                self.settle_fields(&mut replacing, place, Owner::Patch)?;
                return Ok(Outcome::Replaced(replacing));
            }
            Some((Directive::Merge, _)) | None => {}
        }
        let Content::Mapping(fields) = &mut target.content else { return Ok(Outcome::Kept) };
        let pairs = Pairs::of(fields, patch.fields(), directive.map(|(_, index)| index));
        let mut removed = Vec::new();
        let order = self.is_linked.then(|| sorted(fields));
        for place_in_order in 0..fields.len() {
            let index = order.as_ref().and_then(|order| order.get(place_in_order)).copied().unwrap_or(place_in_order);
            let (Some(field), Some(pair)) = (fields.get_mut(index), pairs.of_target.get(index)) else { continue };
            let fate = match *pair {
                Pair::Repeated => Fate::Kept,
                Pair::Nothing => self.settle_field(field, place, Owner::Target)?,
                Pair::Field(other) => match patch.fields().get(other) {
                    Some(other) => self.merge_field(field, other, place)?,
                    None => Fate::Kept,
                },
            };
            if fate == Fate::Removed {
                removed.push(index);
            }
        }
        removed.sort_unstable();
        remove_all(fields, &removed);
        for other in pairs.new.iter().filter_map(|index| patch.fields().get(*index)) {
            fields.extend(self.new_field(other, place)?);
        }
        Ok(Outcome::Kept)
    }

    fn merge_field(&self, field: &mut Field, other: &Field, above: Option<SchemaNode<'_>>) -> Result<Fate, MergeError> {
        let name = name(&field.key)?;
        let comment = comment_of_field([Some(field), Some(other)]);
        let place = self.place_of_field(above, name, comment.as_ref());
        match self.merge(&mut field.value, &other.value, place).map_err(|error| error.below(name))? {
            Outcome::Kept => {}
            Outcome::Removed => return Ok(Fate::Removed),
            Outcome::Replaced(value) => self.note_link(replace(&mut field.value, value), &field.value),
        }
        Ok(Fate::Kept)
    }

    fn note_link(&self, link: Option<NonZeroU32>, value: &Node) {
        if let Some(link) = link {
            self.changed_links.borrow_mut().push((link, value.clone()));
        }
    }

    fn new_field(&self, other: &Field, above: Option<SchemaNode<'_>>) -> Result<Option<Field>, MergeError> {
        let name = name(&other.key)?;
        let comment = comment_of_field([None, Some(other)]);
        let place = self.place_of_field(above, name, comment.as_ref());
        let added = self.added(&other.value, place).map_err(|error| error.below(name))?;
        Ok(added.map(|Added { node, rebuilt }| appended(name, (!rebuilt).then_some(&other.key), node)))
    }

    /// What becomes of a node of the patch where the target has none, or null.
    pub(super) fn added(&self, patch: &Node, given: Option<SchemaNode<'_>>) -> Result<Option<Added>, MergeError> {
        if patch.is_null() {
            return Ok(None);
        }
        let comment = comment_of([None, Some(patch)]);
        let place = self.place(given, comment.as_ref(), [None, Some(patch)]);
        match &patch.content {
            Content::Mapping(_) => {
                // A directive that is unknown is kept as a field here.
                let directive = directive::of_mapping(patch).unwrap_or_default();
                if matches!(directive, Some((Directive::Delete, _))) {
                    return Ok(None);
                }
                let mut node = copy_without(patch, directive.map(|(_, index)| index));
                self.settle_fields(&mut node, place, Owner::Patch)?;
                Ok(Some(Added { node, rebuilt: false }))
            }
            Content::Sequence(items) => match place.filter(|place| place.is_associative_list()) {
                Some(place) if !items.is_empty() => {
                    let items = self.merged_items(items.clone(), Other::Itself, place)?;
                    Ok(Some(Added { node: Node::sequence(items), rebuilt: true }))
                }
                Some(_) | None => Ok(Some(Added { node: patch.clone(), rebuilt: false })),
            },
            Content::Scalar(_) => Ok(Some(Added { node: patch.clone(), rebuilt: false })),
        }
    }

    fn merge_lists(&self, target: &mut Node, items: &[Node], place: SchemaNode<'_>) -> Result<Outcome, MergeError> {
        let (directive, items) = match directive::of_list(items)? {
            Some((directive, items)) => (directive, items),
            None => (Directive::Merge, items.iter().collect()),
        };
        match directive {
            Directive::Delete => Ok(Outcome::Removed),
            Directive::Replace => {
                let items: Vec<Node> = items.into_iter().cloned().collect();
                let items = self.merged_items(items, Other::Itself, place)?;
                Ok(Outcome::Replaced(Node::sequence(items)))
            }
            Directive::Merge => {
                self.rebuild(target, Other::Items(items), place)?;
                Ok(Outcome::Kept)
            }
        }
    }

    fn rebuild(&self, list: &mut Node, other: Other<'_>, place: SchemaNode<'_>) -> Result<(), MergeError> {
        let Some(items) = list.items_mut() else { return Ok(()) };
        if items.is_empty() && other.is_empty() {
            return Ok(());
        }
        *items = self.merged_items(std::mem::take(items), other, place)?;
        list.tag = Tag::Sequence;
        drop_comments(list);
        Ok(())
    }

    /// What becomes of a node that meets none: nulls go, lists with keys are rewritten, and what a patch adds follows its own
    /// directives.
    pub(super) fn settle(
        &self,
        node: &mut Node,
        given: Option<SchemaNode<'_>>,
        owner: Owner,
    ) -> Result<Fate, MergeError> {
        if node.is_null() {
            let stays = owner == Owner::Target && !text(node).is_empty();
            drop_comments(node);
            return Ok(if stays { Fate::Kept } else { Fate::Removed });
        }
        let comment = comment_of([Some(node), None]);
        let place = self.place(given, comment.as_ref(), [Some(node), None]);
        match &node.content {
            Content::Mapping(_) => self.settle_mapping(node, place, owner),
            Content::Sequence(_) => match place.filter(|place| place.is_associative_list()) {
                Some(place) => self.settle_list(node, place, owner),
                None => Ok(Fate::Kept),
            },
            Content::Scalar(_) => Ok(Fate::Kept),
        }
    }

    fn settle_mapping(&self, node: &mut Node, place: Option<SchemaNode<'_>>, owner: Owner) -> Result<Fate, MergeError> {
        if owner == Owner::Patch
            && let Some((directive, index)) = directive::of_mapping(node)?
        {
            if let Some(fields) = node.fields_mut() {
                remove_all(fields, &[index]);
            }
            if directive == Directive::Delete {
                return Ok(Fate::Removed);
            }
        }
        self.settle_fields(node, place, owner)?;
        Ok(Fate::Kept)
    }

    fn settle_list(&self, node: &mut Node, place: SchemaNode<'_>, owner: Owner) -> Result<Fate, MergeError> {
        if owner == Owner::Target {
            self.rebuild(node, Other::Nothing, place)?;
            return Ok(Fate::Kept);
        }
        if let Some((directive, items)) = directive::of_list(node.items())? {
            if directive == Directive::Delete {
                return Ok(Fate::Removed);
            }
            node.content = Content::Sequence(items.into_iter().cloned().collect());
        }
        self.rebuild(node, Other::Itself, place)?;
        Ok(Fate::Kept)
    }

    fn settle_fields(&self, mapping: &mut Node, place: Option<SchemaNode<'_>>, owner: Owner) -> Result<(), MergeError> {
        let Some(fields) = mapping.fields_mut() else { return Ok(()) };
        let mut removed = Vec::new();
        for (index, field) in fields.iter_mut().enumerate() {
            if self.settle_field(field, place, owner)? == Fate::Removed {
                removed.push(index);
            }
        }
        removed.retain(|index| is_first_of_its_name(fields, *index));
        remove_all(fields, &removed);
        Ok(())
    }

    fn settle_field(&self, field: &mut Field, above: Option<SchemaNode<'_>>, owner: Owner) -> Result<Fate, MergeError> {
        let name = name(&field.key)?;
        if let Content::Scalar(_) = field.value.content
            && !field.value.is_null()
        {
            if quote_where_yaml_1_1_differs(&mut field.value) {
                self.note_link(field.value.link(), &field.value);
            }
            return Ok(Fate::Kept);
        }
        let comment = comment_of_field([Some(field), None]);
        let place = self.place_of_field(above, name, comment.as_ref());
        self.settle(&mut field.value, place, owner).map_err(|error| error.below(name))
    }
}

/// A schema in a comment of one of the nodes.
fn comment_of(nodes: [Option<&Node>; 2]) -> Option<Comment> {
    nodes.into_iter().flatten().filter(|node| !node.is_null()).find_map(Comment::of)
}

/// A schema in a comment of a field that is in one or both of two mappings.
fn comment_of_field(fields: [Option<&Field>; 2]) -> Option<Comment> {
    fields.into_iter().flatten().find_map(|field| Comment::of(&field.value).or_else(|| Comment::of(&field.key)))
}

fn name(key: &Node) -> Result<&str, MergeError> {
    match text(key) {
        "" => Err(MergeError::new(Reason::EmptyKey, key)),
        name => Ok(name),
    }
}

fn has_links(node: &Node) -> bool {
    node.link().is_some()
        || match &node.content {
            Content::Scalar(_) => false,
            Content::Sequence(items) => items.iter().any(has_links),
            Content::Mapping(fields) => fields.iter().any(|field| has_links(&field.value)),
        }
}

/// Positions of fields in the order of their keys, which is that of kyaml.
fn sorted(fields: &[Field]) -> Vec<usize> {
    let key = |index: usize| fields.get(index).and_then(|field| field.key.as_str());
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by(|left, right| key(*left).cmp(&key(*right)));
    order
}

fn copy_without(mapping: &Node, without: Option<usize>) -> Node {
    let mut copy = mapping.clone();
    if let (Some(index), Some(fields)) = (without, copy.fields_mut()) {
        remove_all(fields, &[index]);
    }
    copy
}

/// Takes away the fields at these positions, which are in order.
fn remove_all(fields: &mut Vec<Field>, positions: &[usize]) {
    if positions.is_empty() {
        return;
    }
    let mut index = 0;
    fields.retain(|_| {
        index += 1;
        positions.binary_search(&(index - 1)).is_err()
    });
}

fn is_empty_collection(node: &Node) -> bool {
    match &node.content {
        Content::Mapping(fields) => fields.is_empty(),
        Content::Sequence(items) => items.is_empty(),
        Content::Scalar(_) => false,
    }
}
