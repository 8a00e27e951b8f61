//! From Go's syntax of regular expressions to that of the regex crate.

use std::iter::Peekable;
use std::str::CharIndices;

/// Go's limit of a repetition.
const REPEAT_MAX: u32 = 1000;

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// The same expression in the syntax of the regex crate.
pub(super) fn to_rust(pattern: &str) -> Result<String, String> {
    let mut translator =
        Translator { pattern, rest: pattern.char_indices().peekable(), out: String::new(), last: Last::Start };
    while let Some((at, character)) = translator.rest.next() {
        translator.item(at, character)?;
    }
    Ok(translator.out)
}

struct Translator<'p> {
    pattern: &'p str,
    rest: Peekable<CharIndices<'p>>,
    out: String,
    last: Last,
}

/// What stands before the current place: that decides whether something may be repeated here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Start,
    Item,
    Repetition,
}

impl Translator<'_> {
    fn item(&mut self, at: usize, character: char) -> Result<(), String> {
        match character {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => return self.group(),
            '|' => {
                self.out.push('|');
                self.last = Last::Start;
                return Ok(());
            }
            '*' | '+' | '?' => return self.repetition(&character.to_string()),
            '{' => match counts(&self.pattern[at..]) {
                Some(counted) => {
                    let counts = counted?;
                    self.skip_to(at + counts.len());
                    return self.repetition(counts);
                }
                None => self.literal('{'),
            },
            ')' | '.' | '^' | '$' => self.out.push(character),
            other => self.literal(other),
        }
        self.last = Last::Item;
        Ok(())
    }

    fn repetition(&mut self, operator: &str) -> Result<(), String> {
        match self.last {
            Last::Start => return Err(format!("missing argument to repetition operator: `{operator}`")),
            Last::Repetition => return Err(format!("invalid nested repetition operator: `{operator}`")),
            Last::Item => self.out.push_str(operator),
        }
        if self.rest.next_if(|(_, next)| *next == '?').is_some() {
            self.out.push('?');
        }
        self.last = Last::Repetition;
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        self.last = Last::Start;
        if self.rest.next_if(|(_, next)| *next == '?').is_none() {
            return Ok(());
        }
        self.out.push('?');
        while let Some((_, character)) = self.rest.next_if(|(_, next)| !matches!(next, 'P' | '<')) {
            match character {
                'i' | 'm' | 's' | 'U' | '-' => self.out.push(character),
                ':' => {
                    self.out.push(':');
                    return Ok(());
                }
                ')' => {
                    self.out.push(')');
                    return Ok(());
                }
                _ => return Err("invalid or unsupported Perl syntax in a group".to_owned()),
            }
        }
        // The name of a group: it is checked by the regex crate.
        for (_, character) in self.rest.by_ref() {
            self.out.push(character);
            if character == '>' {
                return Ok(());
            }
        }
        Err("invalid named capture".to_owned())
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(&(at, character)) = self.rest.peek() else { return Err("trailing backslash at end".to_owned()) };
        match character {
            'Q' => {
                let text = &self.pattern[at + 1..];
                let end = text.find("\\E");
                text[..end.unwrap_or(text.len())].chars().for_each(|character| self.literal(character));
                self.skip_to(end.map_or(self.pattern.len(), |end| at + 1 + end + 2));
            }
            'A' | 'z' => {
                self.rest.next();
                self.out.push('\\');
                self.out.push(character);
            }
            'b' | 'B' => {
                self.rest.next();
                self.out.push_str(&format!("(?-u:\\{character})"));
            }
            _ => {
                let piece = self.piece()?;
                match piece {
                    Piece::Character(character) => self.literal(character),
                    Piece::Set(set) => self.out.push_str(&set),
                }
            }
        }
        Ok(())
    }

    /// What stands behind a backslash, both in a class and outside of one.
    fn piece(&mut self) -> Result<Piece, String> {
        let Some((_, character)) = self.rest.next() else { return Err("trailing backslash at end".to_owned()) };
        let invalid = || Err(format!("invalid escape sequence: `\\{character}`"));
        Ok(match character {
            'd' => Piece::Set("[0-9]".to_owned()),
            'D' => Piece::Set("[^0-9]".to_owned()),
            's' => Piece::Set(r"[\t\n\f\r ]".to_owned()),
            'S' => Piece::Set(r"[^\t\n\f\r ]".to_owned()),
            'w' => Piece::Set("[0-9A-Za-z_]".to_owned()),
            'W' => Piece::Set("[^0-9A-Za-z_]".to_owned()),
            'p' | 'P' => Piece::Set(self.property(character)?),
            'a' => Piece::Character('\x07'),
            'f' => Piece::Character('\x0C'),
            'n' => Piece::Character('\n'),
            'r' => Piece::Character('\r'),
            't' => Piece::Character('\t'),
            'v' => Piece::Character('\x0B'),
            'x' => Piece::Character(self.hexadecimal()?),
            '0'..='7' => {
                let mut number = character.to_digit(8).unwrap_or_default();
                let mut digits = 1;
                while let Some((_, digit)) = self.rest.next_if(|(_, next)| digits < 3 && next.is_digit(8)) {
                    number = number * 8 + digit.to_digit(8).unwrap_or_default();
                    digits += 1;
                }
                if character != '0' && digits == 1 {
                    return invalid();
                }
                Piece::Character(char::from_u32(number).ok_or("invalid octal escape")?)
            }
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Piece::Character(other),
            _ => return invalid(),
        })
    }

    fn property(&mut self, letter: char) -> Result<String, String> {
        let Some((_, first)) = self.rest.next() else { return Err("invalid character class range".to_owned()) };
        if first != '{' {
            return Ok(format!("\\{letter}{first}"));
        }
        let mut name = String::new();
        for (_, character) in self.rest.by_ref() {
            if character == '}' {
                let (negated, name) = name.strip_prefix('^').map_or((false, name.as_str()), |name| (true, name));
                let letter = if (letter == 'P') == negated { 'p' } else { 'P' };
                return Ok(format!("\\{letter}{{{name}}}"));
            }
            name.push(character);
        }
        Err("invalid character class range".to_owned())
    }

    fn hexadecimal(&mut self) -> Result<char, String> {
        let mut digits = String::new();
        if self.rest.next_if(|(_, next)| *next == '{').is_some() {
            while let Some((_, digit)) = self.rest.next_if(|(_, next)| *next != '}') {
                digits.push(digit);
            }
            self.rest.next();
        } else {
            digits.extend(self.rest.by_ref().take(2).map(|(_, digit)| digit));
        }
        let number = u32::from_str_radix(&digits, 16).ok().filter(|_| !digits.starts_with('+'));
        number.and_then(char::from_u32).ok_or_else(|| format!("invalid escape sequence: `\\x{digits}`"))
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if(|(_, next)| *next == '^').is_some() {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let Some((at, character)) = self.rest.next() else { return Err("missing closing ]".to_owned()) };
            match character {
                ']' if !is_first => break,
                '[' if self.pattern[at..].starts_with("[:") && self.pattern[at + 2..].contains(":]") => {
                    let length = self.pattern[at..].find(":]").unwrap_or_default() + 2;
                    let named = &self.pattern[at..at + length];
                    let name = named[2..length - 2].trim_start_matches('^');
                    if !POSIX.contains(&name) {
                        return Err(format!("invalid character class range: `{named}`"));
                    }
                    self.out.push_str(named);
                    self.skip_to(at + length);
                }
                _ => self.range(character)?,
            }
            is_first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// A character of a class, and the last one where it begins a range.
    fn range(&mut self, character: char) -> Result<(), String> {
        let low = match self.class_character(character)? {
            Piece::Character(low) => low,
            Piece::Set(set) => {
                self.out.push_str(&set);
                return Ok(());
            }
        };
        self.literal(low);
        let mut ahead = self.rest.clone();
        let is_range =
            ahead.next().is_some_and(|(_, next)| next == '-') && ahead.next().is_some_and(|(_, next)| next != ']');
        if !is_range {
            return Ok(());
        }
        self.rest.next();
        let Some((_, character)) = self.rest.next() else { return Err("missing closing ]".to_owned()) };
        match self.class_character(character)? {
            Piece::Character(high) if low <= high => {
                self.out.push('-');
                self.literal(high);
                Ok(())
            }
            _ => Err("invalid character class range".to_owned()),
        }
    }

    fn class_character(&mut self, character: char) -> Result<Piece, String> {
        if character == '\\' { self.piece() } else { Ok(Piece::Character(character)) }
    }

    fn literal(&mut self, character: char) {
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            self.out.push_str(&format!("\\x{:02X}", u32::from(character)));
        } else {
            self.out.push(character);
        }
    }

    fn skip_to(&mut self, end: usize) {
        while self.rest.next_if(|(at, _)| *at < end).is_some() {}
    }
}

enum Piece {
    Character(char),
    Set(String),
}

/// `{2}`, `{2,}` or `{2,3}` at the start of a text; nothing when the brace is a character like others.
fn counts(text: &str) -> Option<Result<&str, String>> {
    let inner = &text[1..text.find('}')?];
    let (low, high) = inner.split_once(',').map_or((inner, None), |(low, high)| (low, Some(high)));
    let number = |digits: &str| {
        let is_one =
            digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
        (is_one && !digits.is_empty()).then(|| digits.parse::<u32>().unwrap_or(u32::MAX))
    };
    let low = number(low)?;
    let high = match high {
        None => low,
        Some("") => low,
        Some(high) => number(high)?,
    };
    if low > REPEAT_MAX || high > REPEAT_MAX || low > high {
        return Some(Err(format!("invalid repeat count: `{{{inner}}}`")));
    }
    Some(Ok(&text[..inner.len() + 2]))
}
