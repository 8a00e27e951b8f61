//! Names of images: `[host[:port]/]name[:tag][@digest]`.

use crate::pattern::{Pattern, is_plain, plain_prefix};

/// The name in an entry of `images`: a part of a regular expression, which a tag and a digest may follow.
#[derive(Clone, Debug)]
pub(super) enum ImageName {
    /// Characters, of which a dot is any.
    Plain(String),
    Expression(Pattern),
    /// No expression, and why; kustomize crashes at the first image it meets.
    Invalid(String),
}

/// An image taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image<'i> {
    pub(super) name: &'i str,
    pub(super) tag: &'i str,
    pub(super) digest: &'i str,
}

impl ImageName {
    pub(super) fn new(name: &str) -> Self {
        if is_plain(name) {
            return Self::Plain(name.to_owned());
        }
        let pattern = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
        match Pattern::within(&pattern) {
            Ok(pattern) => Self::Expression(pattern),
            Err(reason) => Self::Invalid(reason),
        }
    }

    /// Whether an image has this name.
    pub(super) fn is_of(&self, image: &str) -> Result<bool, &str> {
        match self {
            Self::Plain(name) => Ok(plain_prefix(name, image).is_some_and(is_tag_and_digest)),
            Self::Expression(pattern) => Ok(pattern.is_match(image)),
            Self::Invalid(reason) => Err(reason),
        }
    }
}

fn is_tag_and_digest(text: &str) -> bool {
    let after_tag = text.strip_prefix(':').map_or(text, behind_tag);
    after_tag.strip_prefix("@sha256:").map_or(after_tag, behind_tag).is_empty()
}

fn behind_tag(text: &str) -> &str {
    text.trim_start_matches(|character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '{' | '}' | '-')
    })
}

impl<'i> Image<'i> {
    /// A colon before the first slash belongs to the host.
    pub(super) fn split(image: &'i str) -> Self {
        let path = image.find('/').unwrap_or_default();
        let at = |sign: char| image[path..].find(sign).map(|at| at + path);
        match (at(':'), at('@')) {
            (None, None) => Self { name: image, tag: "", digest: "" },
            (Some(colon), Some(digest)) if colon < digest => {
                Self { name: &image[..colon], tag: &image[colon + 1..digest], digest: &image[digest + 1..] }
            }
            (_, Some(digest)) => Self { name: &image[..digest], tag: "", digest: &image[digest + 1..] },
            (Some(colon), None) => Self { name: &image[..colon], tag: &image[colon + 1..], digest: "" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_before_the_first_slash_belongs_to_the_host() {
        let cases = [
            ("nginx", ("nginx", "", "")),
            ("nginx:1", ("nginx", "1", "")),
            ("nginx@sha256:ab", ("nginx", "", "sha256:ab")),
            ("nginx:1@sha256:ab", ("nginx", "1", "sha256:ab")),
            ("host:5000/nginx", ("host:5000/nginx", "", "")),
            ("host:5000/nginx:1", ("host:5000/nginx", "1", "")),
            ("/nginx:1", ("/nginx", "1", "")),
            ("host:5000/a@sha256:b:c", ("host:5000/a", "", "sha256:b:c")),
        ];
        for (image, (name, tag, digest)) in cases {
            assert_eq!(Image::split(image), Image { name, tag, digest }, "{image}");
        }
    }

    #[test]
    fn a_name_is_all_that_stands_before_tag_and_digest() {
        let cases = [
            ("nginx", "nginx:{TAG}@sha256:1", true),
            ("nginx", "nginx:a:b", false),
            ("nginx", "nginx@sha256:a@sha256:b", false),
            ("nginx", "nginx@sha512:a", false),
            ("nginx", "my/nginx", false),
            ("ng.nx", "ngänx:", true),
            ("nginx:1", "nginx:1", true),
            ("a|b", "ac", true),
            ("(a|b)", "b:1", true),
            ("", ":1", true),
        ];
        for (name, image, expected) in cases {
            assert_eq!(ImageName::new(name).is_of(image), Ok(expected), "{name} {image}");
        }
        assert!(ImageName::new("(").is_of("a").is_err());
    }
}
