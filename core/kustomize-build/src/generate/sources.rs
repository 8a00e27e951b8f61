//! Keys and values from env files, literals and files, as kustomize's `api/kv` reads them.

use std::collections::BTreeMap;

use super::{GeneratorProblem, problem};
use crate::kustomization::List;
use crate::load::Loader;
use crate::{Error, Place};

/// Bytes that a line of an env file may have: the first longer one ends the file, silently, as it does for kustomize.
const LINE_BYTES_MAX: usize = (64 << 10) - 1;

/// Where values come from.
pub(super) struct Sources<'s> {
    pub(super) literals: &'s List<String>,
    pub(super) files: &'s List<String>,
    pub(super) envs: &'s List<String>,
}

/// Values by key.
pub(super) type Values = BTreeMap<String, Vec<u8>>;

type Pair = (String, Vec<u8>);

impl Sources<'_> {
    /// Loads everything; `place` is where the generator `name` stands.
    pub(super) fn load(&self, name: &str, loader: &Loader<'_>, place: &Place) -> Result<Values, Error> {
        let mut pairs = Vec::new();
        let at = |position| Place { file: place.file.clone(), position };
        for env in self.envs.iter() {
            let (file, content) = loader.file(env, &at(env.position))?;
            from_env(content, &mut pairs)
                .map_err(|line| problem(&at(env.position), name, GeneratorProblem::NotUtf8 { file, line }))?;
        }
        for (index, literal) in self.literals.iter().enumerate() {
            let refused = || problem(&at(literal.position), name, GeneratorProblem::NotALiteral { number: index + 1 });
            pairs.push(from_literal(literal).ok_or_else(refused)?);
        }
        for source in self.files.iter() {
            let (key, path) = key_and_path(source).map_err(|refused| problem(&at(source.position), name, refused))?;
            let (_, content) = loader.file(path, &at(source.position))?;
            pairs.push((key.to_owned(), content.to_vec()));
        }
        let mut values = Values::new();
        for (key, value) in pairs {
            if values.contains_key(&key) {
                return Err(problem(place, name, GeneratorProblem::RepeatedKey { key }));
            }
            values.insert(key, value);
        }
        Ok(values)
    }
}

/// A line each; the error is the number of a line that is not UTF-8.
fn from_env(content: &[u8], pairs: &mut Vec<Pair>) -> Result<(), usize> {
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        if line.len() > LINE_BYTES_MAX {
            return Ok(());
        }
        let line = str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).map_err(|_| index + 1)?;
        let line = if index == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let line = line.trim_start();
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() && !key.starts_with('#') {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(())
}

fn from_literal(literal: &str) -> Option<Pair> {
    let (key, value) = literal.split_once('=').filter(|(key, _)| !key.is_empty())?;
    Some((key.to_owned(), unquoted(value).as_bytes().to_vec()))
}

/// Without the quotes, when the same quote is at both ends.
fn unquoted(value: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value)
}

fn key_and_path(source: &str) -> Result<(&str, &str), GeneratorProblem> {
    let source_text = source.to_owned();
    let (key, path) = match source.split_once('=') {
        None => return Ok((last_part(source), source)),
        Some((_, path)) if path.contains('=') => return Err(GeneratorProblem::SeveralEquals { source_text }),
        Some(parts) => parts,
    };
    match (key, path) {
        ("", _) => Err(GeneratorProblem::NoKey { source_text }),
        (_, "") => Err(GeneratorProblem::NoPath { source_text }),
        both => Ok(both),
    }
}

/// The last part of a path, without slashes behind it.
fn last_part(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}
