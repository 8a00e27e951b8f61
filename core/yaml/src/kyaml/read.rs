//! Reading: a file, its pieces, or one text.

use super::compose::Composer;
use super::expand::expand;
use super::pieces::pieces;
use super::{Node, Piece, Text};
use crate::scan::{Dialect, Parser};
use crate::{Error, Limits, text};

/// How a text is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// What is refused.
    pub limits: Limits,
    /// Whether [`Node::comments`] are kept.
    pub comments: bool,
}

/// A document with the comments that belong to none of its nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Above the content, with an empty line between.
    pub head: Text,
    /// The content.
    pub root: Node,
    /// Below the content.
    pub foot: Text,
}

/// The content of every document of a file, or of one of its pieces, that has one. A file is cut first ([`pieces`]), and of
/// each piece only the first document counts, as for kustomize. Positions are those of the text.
///
/// # Errors
///
/// Whatever kyaml refuses while it loads a file, and what exceeds the limits; documents that JSON cannot say are none yet.
pub fn read(file: &str, text: &[u8], options: &ReadOptions) -> Result<Vec<Node>, Error> {
    let mut nodes = Vec::new();
    let mut nodes_left = options.limits.nodes_max;
    for piece in pieces(file, text, &options.limits)? {
        let document = document(file, &piece.text, piece.first_line, &mut nodes_left, options)?;
        nodes.extend(document.map(|document| document.root).filter(|root| !root.is_null()));
    }
    Ok(nodes)
}

/// The first document of a text that is not cut; none where there is nothing but comments. (kyaml's `Parse`, but that aliases
/// and merges are expanded.)
///
/// # Errors
///
/// As [`read`].
pub fn parse(file: &str, text: &[u8], options: &ReadOptions) -> Result<Option<Document>, Error> {
    let text = text::check(file, text, &options.limits)?;
    document(file, text, 1, &mut options.limits.nodes_max.clone(), options)
}

impl Piece<'_> {
    /// The content of the piece's first document, unless it is empty. Positions are those of the file.
    ///
    /// # Errors
    ///
    /// As [`read`].
    pub fn read(&self, file: &str, options: &ReadOptions) -> Result<Option<Node>, Error> {
        let document = document(file, &self.text, self.first_line, &mut options.limits.nodes_max.clone(), options)?;
        Ok(document.map(|document| document.root).filter(|root| !root.is_null()))
    }
}

fn document(
    file: &str,
    text: &str,
    first_line: u32,
    nodes_left: &mut usize,
    options: &ReadOptions,
) -> Result<Option<Document>, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new(text, Dialect::V3 { comments: options.comments });
    let composer = Composer::new(&options.limits, first_line, nodes_left);
    let composed = composer.compose(&mut parser).map_err(|refused| refused.at(file, first_line))?;
    let Some(composed) = composed else { return Ok(None) };
    let mut document = composed.document;
    if composed.links.must_be_expanded {
        document.root = expand(document.root, &composed.links, &options.limits, nodes_left)
            .map_err(|(position, reason)| Error { file: file.to_owned(), position, reason })?;
    }
    Ok(Some(document))
}
