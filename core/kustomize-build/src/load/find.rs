//! A path to what is there, through symbolic links, as `filepath.EvalSymlinks` goes.

use std::collections::VecDeque;

use crate::{Entry, Obstacle, Tree, path};

/// Links that one path may go through.
const LINKS_MAX: usize = 255;

/// Parts of paths that these links may say together.
const LINK_PARTS_MAX: usize = 4096;

/// What is at a path, and the path of it without links.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'t> {
    Directory { path: String, names: Vec<String> },
    File { path: String, content: &'t [u8] },
}

/// What is at a clean path of the tree.
pub(crate) fn find<'t>(tree: &'t dyn Tree, path: &str) -> Result<Found<'t>, Obstacle> {
    let mut walk = Walk { tree, at: String::new(), rest: VecDeque::new(), links: 0, link_parts: 0 };
    let entry = match tree.entry(path) {
        None => {
            walk.rest.extend(parts(path));
            return walk.on();
        }
        Some(entry) => entry,
    };
    match entry {
        Entry::Directory(names) => Ok(Found::Directory { path: path.to_owned(), names }),
        Entry::File(content) => Ok(Found::File { path: path.to_owned(), content }),
        Entry::Link(target) => {
            walk.at = path::parent(path).to_owned();
            walk.follow(&target)?;
            walk.on()
        }
    }
}

/// A walk over real directories: `at` has no links in it.
struct Walk<'t> {
    tree: &'t dyn Tree,
    at: String,
    rest: VecDeque<String>,
    links: usize,
    link_parts: usize,
}

impl<'t> Walk<'t> {
    fn on(mut self) -> Result<Found<'t>, Obstacle> {
        while let Some(part) = self.rest.pop_front() {
            if part == ".." {
                if self.at.is_empty() {
                    return Err(Obstacle::OutsideTree);
                }
                self.at = path::parent(&self.at).to_owned();
                continue;
            }
            let path = path::child(&self.at, &part);
            match self.tree.entry(&path) {
                None => return Err(Obstacle::NotFound),
                Some(Entry::Directory(_)) => self.at = path,
                Some(Entry::Link(target)) => self.follow(&target)?,
                Some(Entry::File(content)) if self.rest.is_empty() => return Ok(Found::File { path, content }),
                Some(Entry::File(_)) => return Err(Obstacle::NotFound),
            }
        }
        match self.tree.entry(&self.at) {
            Some(Entry::Directory(names)) => Ok(Found::Directory { path: self.at, names }),
            _ => Err(Obstacle::NotFound),
        }
    }

    fn follow(&mut self, target: &str) -> Result<(), Obstacle> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Obstacle::TooManyLinks);
        }
        if target.starts_with('/') {
            return Err(Obstacle::OutsideTree);
        }
        for part in parts(target).rev() {
            self.link_parts += 1;
            if self.link_parts > LINK_PARTS_MAX {
                return Err(Obstacle::TooManyLinks);
            }
            self.rest.push_front(part);
        }
        Ok(())
    }
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = String> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::loader::tests::Files;

    #[test]
    fn links_are_followed_from_where_they_are_and_never_out_of_the_tree() {
        let tree = Files::new(&[("real/a.yaml", "a"), ("real/deep/b.yaml", "b"), ("c.yaml", "c")])
            .link("link", "real")
            .link("real/up", "../c.yaml")
            .link("chain", "./link/deep/")
            .link("real/deep/back", "../..")
            .link("loop", "pool")
            .link("pool", "loop")
            .link("absolute", "/etc")
            .link("out", "../other")
            .link("dangling", "nothing");
        for (path, found) in [
            ("real/a.yaml", Ok("real/a.yaml")),
            ("link/a.yaml", Ok("real/a.yaml")),
            ("link", Ok("real/")),
            ("link/up", Ok("c.yaml")),
            ("chain", Ok("real/deep/")),
            ("chain/b.yaml", Ok("real/deep/b.yaml")),
            ("chain/back/link/deep/b.yaml", Ok("real/deep/b.yaml")),
            ("", Ok("/")),
            ("loop", Err(Obstacle::TooManyLinks)),
            ("loop/x", Err(Obstacle::TooManyLinks)),
            ("absolute/passwd", Err(Obstacle::OutsideTree)),
            ("out/x", Err(Obstacle::OutsideTree)),
            ("dangling", Err(Obstacle::NotFound)),
            ("c.yaml/x", Err(Obstacle::NotFound)),
            ("link/nothing", Err(Obstacle::NotFound)),
        ] {
            let answer = find(&tree, path).map(|found| match found {
                Found::Directory { path, .. } => format!("{path}/"),
                Found::File { path, .. } => path,
            });
            assert_eq!(answer, found.map(str::to_owned), "{path}");
        }
    }
}
