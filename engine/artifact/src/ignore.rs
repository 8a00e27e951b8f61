//! Which files stay out of an artifact: Flux's ignore rules.
//!
//! The syntax is gitignore's; the matching is that of the library Flux uses, which differs from git's in one way that users
//! rely on: a later pattern re-includes a file even when an earlier one excludes its folder. The last pattern that matches
//! a path *or one of its folders* decides. → fluxcd/pkg sourceignore, go-git plumbing/format/gitignore

/// The file that holds ignore rules for its folder and those below.
pub(crate) const FILE: &str = ".sourceignore";

const VCS: &str = ".git/ .gitignore .gitmodules .gitattributes";
const DEFAULTS: &str = "*.jpg *.jpeg *.gif *.png *.wmv *.flv *.tar.gz *.zip \
    .github/ .circleci/ .travis.yml .gitlab-ci.yml appveyor.yml .drone.yml cloudbuild.yaml codeship-services.yml \
    codeship-steps.yml \
    **/.goreleaser.yml **/.sops.yaml **/.flux.yaml";

/// Ordered patterns; later ones win.
pub(crate) struct Rules(Vec<Pattern>);

impl Rules {
    /// From the ignore files (folder and text, parents first) and the spec's own lines. The defaults hold only while no user
    /// has written a pattern; the files of the version control system always stay out.
    pub(crate) fn new(files: &[(Vec<&str>, String)], spec: Option<&str>) -> Rules {
        let mut user: Vec<Pattern> = Vec::new();
        for (folder, text) in files {
            user.extend(lines(text).map(|line| Pattern::new(line, folder)));
        }
        user.extend(lines(spec.unwrap_or_default()).map(|line| Pattern::new(line, &[])));
        let defaults = if user.is_empty() { DEFAULTS } else { "" };
        let built_in = VCS.split_whitespace().chain(defaults.split_whitespace()).map(|line| Pattern::new(line, &[]));
        Rules(built_in.chain(user).collect())
    }

    pub(crate) fn ignores(&self, path: &[&str], is_folder: bool) -> bool {
        let decisive = self.0.iter().rev().find(|pattern| pattern.matches(path, is_folder));
        decisive.is_some_and(|pattern| !pattern.includes)
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(|line| line.strip_suffix('\r').unwrap_or(line));
    lines.filter(|line| !line.starts_with('#') && !line.trim().is_empty())
}

#[derive(Debug)]
struct Pattern {
    folder: Vec<String>,
    includes: bool,
    folders_only: bool,
    /// One segment matches a component anywhere; several are matched from the folder on.
    segments: Vec<Vec<char>>,
}

impl Pattern {
    fn new(line: &str, folder: &[&str]) -> Pattern {
        let (includes, line) = line.strip_prefix('!').map_or((false, line), |line| (true, line));
        let line = if line.ends_with("\\ ") { line } else { line.trim_end_matches(' ') };
        let (folders_only, line) = line.strip_suffix('/').map_or((false, line), |line| (true, line));
        Pattern {
            folder: folder.iter().map(|name| (*name).to_owned()).collect(),
            includes,
            folders_only,
            segments: line.split('/').map(|segment| segment.chars().collect()).collect(),
        }
    }

    fn matches(&self, path: &[&str], is_folder: bool) -> bool {
        let Some((above, below)) = path.split_at_checked(self.folder.len()) else { return false };
        if below.is_empty() || above != self.folder {
            return false;
        }
        match self.segments.as_slice() {
            [name] => self.matches_anywhere(name, below, is_folder),
            segments => self.matches_from_start(segments, below, is_folder),
        }
    }

    fn matches_anywhere(&self, name: &[char], path: &[&str], is_folder: bool) -> bool {
        let Some(at) = path.iter().position(|component| glob(name, component)) else { return false };
        is_folder || !self.folders_only || at + 1 < path.len()
    }

    fn matches_from_start(&self, segments: &[Vec<char>], path: &[&str], is_folder: bool) -> bool {
        let mut rest = path.iter();
        let (mut matched, mut skipping) = (false, false);
        for (index, segment) in segments.iter().enumerate() {
            match segment.as_slice() {
                [] => skipping = false,
                ['*', '*'] if index + 1 == segments.len() => break,
                ['*', '*'] => skipping = true,
                segment if segment.windows(2).any(|pair| pair == ['*', '*']) => return false,
                segment => {
                    matched = match skipping {
                        true => rest.any(|component| glob(segment, component)),
                        false => rest.next().is_some_and(|component| glob(segment, component)),
                    };
                    if !matched {
                        return false;
                    }
                    skipping = false;
                }
            }
        }
        matched && (is_folder || !self.folders_only || rest.len() > 0)
    }
}

/// Shell matching within one component: `*`, `?`, `[a-z]`, `[^a-z]`, `[!a-z]` and `\`. A malformed pattern matches nothing.
fn glob(pattern: &[char], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut position) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&'*') {
            at += 1;
            retry = Some((at, position));
            continue;
        }
        let step = match (pattern.get(at), name.get(position)) {
            (None, None) => return true,
            (Some(_), Some(character)) => one(&pattern[at..], *character),
            _ => Some((false, 0)),
        };
        match (step, retry) {
            (None, _) => return false,
            (Some((true, length)), _) => (at, position) = (at + length, position + 1),
            (Some((false, _)), Some((after_star, start))) if start < name.len() => {
                (at, position) = (after_star, start + 1);
                retry = Some((after_star, start + 1));
            }
            (Some((false, _)), _) => return false,
        }
    }
}

/// Whether the first item of `pattern` matches `character`, and how long the item is; none if it is malformed.
fn one(pattern: &[char], character: char) -> Option<(bool, usize)> {
    match pattern[0] {
        '?' => Some((true, 1)),
        '\\' => Some((*pattern.get(1)? == character, 2)),
        '[' => class(pattern, character),
        literal => Some((literal == character, 1)),
    }
}

fn class(pattern: &[char], character: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(1), Some('^' | '!'));
    let mut at = if negated { 2 } else { 1 };
    let start = at;
    let mut matched = false;
    while at == start || *pattern.get(at)? != ']' {
        let (low, after) = class_character(pattern, at)?;
        let (high, after) = match pattern.get(after) {
            Some('-') if pattern.get(after + 1) != Some(&']') => class_character(pattern, after + 1)?,
            _ => (low, after),
        };
        matched |= (low..=high).contains(&character);
        at = after;
    }
    Some((matched != negated, at + 1))
}

fn class_character(pattern: &[char], at: usize) -> Option<(char, usize)> {
    match pattern.get(at)? {
        '\\' => Some((*pattern.get(at + 1)?, at + 2)),
        character => Some((*character, at + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `path` ends with `/` when it is a folder.
    fn ignored(files: &[(&str, &str)], spec: Option<&str>, path: &str) -> bool {
        let files: Vec<(Vec<&str>, String)> = files
            .iter()
            .map(|(folder, text)| (folder.split('/').filter(|name| !name.is_empty()).collect(), (*text).to_owned()))
            .collect();
        let components: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        Rules::new(&files, spec).ignores(&components, path.ends_with('/'))
    }

    #[test]
    fn defaults_vanish_when_a_user_writes_a_pattern() {
        for (path, with_defaults, with_user_pattern) in [
            (".git/", true, true),
            (".git/config", true, true),
            (".gitignore", true, true),
            ("deep/.gitattributes", true, true),
            ("logo.png", true, false),
            ("deep/chart.tar.gz", true, false),
            (".github/workflows/ci.yaml", true, false),
            ("deep/.travis.yml", true, false),
            (".sops.yaml", true, false),
            ("deep/er/.flux.yaml", true, false),
            ("deploy.yaml", false, false),
            (".sourceignore", false, false),
            ("git/config", false, false),
        ] {
            for spec in [None, Some(""), Some("# only a comment\n\n  \n")] {
                assert_eq!(ignored(&[], spec, path), with_defaults, "{path} with {spec:?}");
            }
            assert_eq!(ignored(&[], Some("other"), path), with_user_pattern, "{path} with a user pattern");
            assert_eq!(ignored(&[("", "other")], None, path), with_user_pattern, "{path} with an ignore file");
        }
    }

    #[test]
    fn patterns_match_as_in_flux() {
        for (spec, path, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "deep/a.txt", true),
            ("*.txt", "a.txt/inside", true),
            ("/a", "a", true),
            ("/a", "a/inside", true),
            ("/a", "deep/a", false),
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", true),
            ("a/b", "a", false),
            ("a/b", "deep/a/b", false),
            ("dir/", "dir/", true),
            ("dir/", "dir/file", true),
            ("dir/", "dir", false),
            ("dir/", "deep/dir/file", true),
            ("/dir/", "dir", false),
            ("/dir/", "dir/file", true),
            ("**/b", "b", true),
            ("**/b", "x/y/b", true),
            ("**/b", "x/y/c", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "x/a/b", false),
            ("a/**", "a/b/c", true),
            ("a/**", "b/c", false),
            ("/*\n!/deploy", "deploy/a.yaml", false),
            ("/*\n!/deploy", "other/a.yaml", true),
            ("/*\n!/deploy/app", "deploy/app/a.yaml", false),
            ("/*\n!/deploy/app", "deploy/other/a.yaml", true),
            ("dir/\n!dir/keep.txt", "dir/keep.txt", false),
            ("dir/\n!dir/keep.txt", "dir/other.txt", true),
            ("*.yaml\n!a.yaml\na.yaml", "a.yaml", true),
            ("trailing   ", "trailing", true),
            ("  # indented", "  # indented", true),
            ("\\#file", "#file", true),
            ("\\!file", "!file", true),
            ("wind\r\nows", "wind", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[ab]c", "bc", true),
            ("[^ab]c", "bc", false),
            ("[!ab]c", "cc", true),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[broken", "[broken", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("*", "anything", true),
        ] {
            assert_eq!(ignored(&[], Some(spec), path), expected, "{path:?} with {spec:?}");
        }
    }

    #[test]
    fn an_ignore_file_rules_its_folder_alone_and_the_spec_wins() {
        let files = [("", "*.md"), ("docs", "!*.md\n/private")];
        for (spec, path, expected) in [
            (None, "README.md", true),
            (None, "docs/README.md", false),
            (None, "docs/private", true),
            (None, "private", false),
            (None, "docs", false),
            (Some("*.md"), "docs/README.md", true),
        ] {
            assert_eq!(ignored(&files, spec, path), expected, "{path} with {spec:?}");
        }
    }
}
