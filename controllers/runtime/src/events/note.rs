//! Shortening a message to what a receiver takes.

use std::borrow::Cow;

/// The longest `note` that the API server takes, in bytes.
pub const NOTE_BYTES_MAX: usize = 1024;

/// `message` if it fits; else as many of its first lines as fit, and `… and N more` for the lines left out. A first line
/// that does not fit is cut inside.
pub(super) fn cut(message: &str, bytes_max: usize) -> Cow<'_, str> {
    if message.len() <= bytes_max {
        return Cow::Borrowed(message);
    }
    let lines = message.lines().count();
    let ends = message.match_indices('\n').map(|(end, _)| end);
    let kept = ends
        .enumerate()
        .map(|(index, end)| (end, more(lines - index - 1)))
        .take_while(|(end, more)| end + more.len() <= bytes_max)
        .filter(|(end, _)| !message[..*end].trim().is_empty())
        .last();
    if let Some((end, more)) = kept {
        return Cow::Owned(message[..end].to_owned() + &more);
    }
    const CUT: &str = "…";
    let more = if lines > 1 { more(lines - 1) } else { String::new() };
    let first = message.lines().next().unwrap_or_default();
    let end = first.floor_char_boundary(bytes_max.saturating_sub(CUT.len() + more.len()));
    Cow::Owned(first[..end].to_owned() + CUT + &more)
}

fn more(lines: usize) -> String {
    format!("\n… and {lines} more")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        assert_eq!(cut(message, 40), expected);
        assert!(expected.len() <= 40, "{} bytes", expected.len());
    }

    #[test]
    fn a_message_is_cut_at_a_line_end_and_says_how_many_lines_are_left_out() {
        check("ConfigMap/a created\nConfigMap/b created", "ConfigMap/a created\nConfigMap/b created");
        check("ConfigMap/a created\nConfigMap/b created\nConfigMap/c created", "ConfigMap/a created\n… and 2 more");
        check("short\nshort\nshort\nshort\nshort\nshort\nshort", "short\nshort\nshort\nshort\n… and 3 more");
        check("a\nb, which is a line of more than forty bytes", "a\n… and 1 more");
    }

    #[test]
    fn a_first_line_that_is_too_long_is_cut_between_characters() {
        check("0123456789012345678901234567890123456é90123456789", "0123456789012345678901234567890123456…");
        check("01234567890123456789012é4567890123456789x\nb\nc", "0123456789012345678901…\n… and 2 more");
    }
}
