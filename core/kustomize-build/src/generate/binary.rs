//! Base64 as generators write it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Characters of a line.
const LINE_LENGTH: usize = 70;

/// Base64 in one line without an end where it is shorter than a line may be, else in lines that all have an end.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    if encoded.len() < LINE_LENGTH {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE_LENGTH + 1);
    let mut rest = encoded.as_str();
    while let Some((line, behind)) = rest.split_at_checked(LINE_LENGTH) {
        lines.push_str(line);
        lines.push('\n');
        rest = behind;
    }
    if !rest.is_empty() {
        lines.push_str(rest);
        lines.push('\n');
    }
    lines
}
