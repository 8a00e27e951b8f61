//! What a misspelled name most likely means.

/// The candidate that is fewest edits away, when it is near enough to be meant.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let edits_max = (name.len() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (edits(&name, candidate), candidate))
        .filter(|(edits, _)| *edits <= edits_max)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two names, whatever their letter case.
fn edits(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().flat_map(char::to_lowercase).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, left) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, top) in to.iter().enumerate() {
            let replaced = above[column] + usize::from(left != top);
            let mut least = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && from[row - 1] == *top && *left == to[column - 1] {
                least = least.min(before[column - 1] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_name_finds_the_one_that_was_meant() {
        let fields = ["resources", "replicas", "replacements", "images", "namePrefix", "nameSuffix", "labels"];
        for (name, meant) in [
            ("resource", Some("resources")),
            ("resuorces", Some("resources")),
            ("nameprefx", Some("namePrefix")),
            ("label", Some("labels")),
            ("image", Some("images")),
            ("spec", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, fields), meant, "{name}");
        }
    }
}
