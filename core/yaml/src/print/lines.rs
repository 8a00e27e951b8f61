//! The lines of a text that is being written, as libyaml's emitter keeps them: how far the indentation goes, and whether a
//! blank or an indentation stands before what comes next.

/// What is written so far, and what may come next. The fields are libyaml's; a column counts characters from 0.
pub(crate) struct Lines<'o> {
    out: &'o mut String,
    /// Where the current line begins.
    start: usize,
    /// Beyond this column spaces are written as breaks, where that loses nothing.
    pub(crate) width: usize,
    /// Where the lines of the current collection begin; none before the first one.
    pub(crate) indent: Option<usize>,
    /// Whether a blank comes last, so that an indicator needs none before it.
    pub(crate) whitespace: bool,
    /// Whether the line holds nothing but indentation and the signs that count as such.
    pub(crate) indention: bool,
    /// The indentation of a comment that an empty line has to follow.
    pub(crate) foot_indent: Option<usize>,
}

/// What a sign does to the line that it stands in.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sign {
    /// It needs a blank before it.
    pub(crate) spaced: bool,
    /// It counts as a blank before what follows.
    pub(crate) is_blank: bool,
    /// It counts as indentation.
    pub(crate) is_indentation: bool,
}

impl<'o> Lines<'o> {
    pub(crate) fn new(out: &'o mut String, width: usize) -> Self {
        let start = out.len();
        Self { out, start, width, indent: None, whitespace: true, indention: true, foot_indent: None }
    }

    /// How many characters the current line has.
    pub(crate) fn column(&self) -> usize {
        self.out.get(self.start..).map_or(0, |line| line.chars().count())
    }

    /// How many bytes the current line has: no less than characters.
    pub(crate) fn bytes(&self) -> usize {
        self.out.len() - self.start
    }

    /// How many bytes there are, those that were there before the first line among them.
    pub(crate) fn end(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn put(&mut self, character: char) {
        self.out.push(character);
    }

    pub(crate) fn put_str(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(crate) fn put_break(&mut self) {
        self.write_break('\n');
    }

    /// A break as it is in the text: one that is no line feed stays what it is.
    pub(crate) fn write_break(&mut self, character: char) {
        self.out.push(character);
        self.start = self.out.len();
        self.indention = true;
    }

    /// Goes to the indentation, on this line if nothing else stands there and on a new one otherwise.
    pub(crate) fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        let column = self.bytes();
        if !self.indention || column > indent || (column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.foot_indent.take() == Some(indent) {
            self.put_break();
        }
        self.pad(indent);
        self.whitespace = true;
        self.indention = true;
    }

    fn pad(&mut self, indent: usize) {
        const SPACES: &str = "                                                                ";
        let mut missing = indent.saturating_sub(self.bytes());
        while missing > 0 {
            let some = missing.min(SPACES.len());
            self.out.push_str(&SPACES[..some]);
            missing -= some;
        }
    }

    pub(crate) fn indicator(&mut self, text: &str, sign: Sign) {
        if sign.spaced {
            self.put_space();
        }
        self.out.push_str(text);
        self.whitespace = sign.is_blank;
        self.indention = self.indention && sign.is_indentation;
    }

    /// A space, unless a blank comes last already.
    pub(crate) fn put_space(&mut self) {
        if !self.whitespace {
            self.out.push(' ');
        }
    }
}
