//! Reads JSON as Go's encoding/json does, and keeps how numbers and texts are written.

use thalweg_yaml::kyaml::Text;

use super::json::{Json, go_text};

/// Why a text is no JSON, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: expected {expected}")]
pub(super) struct NotJson {
    at: usize,
    expected: &'static str,
}

/// The one value of a text.
pub(super) fn read(text: &str, depth_max: usize) -> Result<Json, NotJson> {
    let mut reader = Reader { text, at: 0, depth: depth_max };
    let value = reader.value()?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.expected("the end of the text"));
    }
    Ok(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Lists and mappings that may still be opened.
    depth: usize,
}

impl<'t> Reader<'t> {
    fn expected(&self, expected: &'static str) -> NotJson {
        NotJson { at: self.at, expected }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Json, NotJson> {
        self.blank();
        match self.peek() {
            Some(b'{') => self.nested(Self::mapping),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => self.string().map(|(text, written)| Json::Text(text, written)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let words = [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))];
                let rest = self.text.get(self.at..).unwrap_or_default();
                let found = words.into_iter().find(|(word, _)| rest.starts_with(word));
                let (word, value) = found.ok_or_else(|| self.expected("a value"))?;
                self.at += word.len();
                Ok(value)
            }
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, NotJson>) -> Result<Json, NotJson> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| self.expected("fewer values inside each other"))?;
        self.at += 1;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }

    fn list(&mut self) -> Result<Json, NotJson> {
        let mut items = Vec::new();
        self.blank();
        if self.take(b']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value()?);
            self.blank();
            if self.take(b']') {
                return Ok(Json::List(items));
            }
            if !self.take(b',') {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }

    fn mapping(&mut self) -> Result<Json, NotJson> {
        let mut fields = Vec::new();
        self.blank();
        if self.take(b'}') {
            return Ok(Json::Mapping(fields));
        }
        loop {
            self.blank();
            let (key, _) = self.string()?;
            self.blank();
            if !self.take(b':') {
                return Err(self.expected("`:`"));
            }
            fields.push((key, self.value()?));
            self.blank();
            if self.take(b'}') {
                return Ok(Json::mapping(fields));
            }
            if !self.take(b',') {
                return Err(self.expected("`,` or `}`"));
            }
        }
    }

    fn number(&mut self) -> Result<Json, NotJson> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(Json::Number(self.text.get(start..self.at).unwrap_or_default().into()))
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.expected("a digit")) }
    }

    fn string(&mut self) -> Result<(Text, Option<Box<str>>), NotJson> {
        let start = self.at;
        if !self.take(b'"') {
            return Err(self.expected("a text in double quotes"));
        }
        let mut text = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let ends = |character: char| matches!(character, '"' | '\\' | '\0'..='\u{1f}');
            let length = rest.find(ends).unwrap_or(rest.len());
            text.push_str(rest.get(..length).unwrap_or_default());
            self.at += length;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(self.expected("the end of a text")),
            }
        }
        self.at += 1;
        let written = self.text.get(start..self.at).unwrap_or_default();
        let written = (written != go_text(&text)).then(|| written.into());
        Ok((text.into(), written))
    }

    fn escape(&mut self) -> Result<char, NotJson> {
        self.at += 1;
        let escaped = self.peek().ok_or_else(|| self.expected("what is escaped"))?;
        let character = match escaped {
            b'"' | b'\\' | b'/' => char::from(escaped),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code(),
            _ => return Err(self.expected("what can be escaped")),
        };
        self.at += 1;
        Ok(character)
    }

    /// `uXXXX`; a pair of surrogates is one character, a lone one is the replacement character.
    fn code(&mut self) -> Result<char, NotJson> {
        let high = self.four_digits()?;
        if !(0xD800..0xDC00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        if self.take(b'\\') && self.peek() == Some(b'u') {
            let low = self.four_digits()?;
            if (0xDC00..0xE000).contains(&low) {
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        self.at = before;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Result<u32, NotJson> {
        self.at += 1;
        let digits =
            self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.expected("four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_it_is_written() {
        let text = |text: &str, written: &str| Json::Text(text.into(), Some(written.into()));
        for (json, expected) in [
            ("null", Json::Null),
            (" [1.0, -2e+3] ", Json::List(vec![Json::Number("1.0".into()), Json::Number("-2e+3".into())])),
            (r#""a""#, Json::text("a")),
            (r#""a\u003cb""#, Json::text("a<b")),
            (r#""a<b""#, text("a<b", r#""a<b""#)),
            (r#""\ud83d\ude00\ud83dx""#, text("😀\u{fffd}x", r#""\ud83d\ude00\ud83dx""#)),
            (r#"{"a": true, "a": false}"#, Json::Mapping(vec![("a".into(), Json::Bool(false))])),
            ("{}", Json::Mapping(Vec::new())),
        ] {
            assert_eq!(read(json, 8), Ok(expected), "{json}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for json in [
            "",
            "[",
            "[1,]",
            "[1 2]",
            "{a: 1}",
            "{\"a\"}",
            "{\"a\":1,}",
            "01",
            "1.",
            ".5",
            "+1",
            "nul",
            "\"a",
            "\"\n\"",
            r#""\x""#,
            r#""\u12""#,
            "1 2",
            "[[[[[[[[[1]]]]]]]]]",
            "'a'",
        ] {
            assert!(read(json, 8).is_err(), "{json}");
        }
    }
}
