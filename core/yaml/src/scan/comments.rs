//! Comments: skipped, or kept with the tokens that go-yaml v3 finds them to belong to.

use super::Mark;
use super::scanner::Scanner;
use super::token::{Head, Kind};

/// Blanks and line breaks that go-yaml v3 looks beyond for a comment, in bytes.
const BLANKS_MAX: usize = 512;

/// Comments around an event, with their `#`, a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) head: String,
    pub(crate) line: String,
    pub(crate) foot: String,
}

/// One comment, of a line or more.
pub(super) struct Comment {
    pub(super) place: Place,
    pub(super) text: String,
    /// Where the search for it began.
    scan: Mark,
    /// It belongs to the first token from here on.
    pub(super) token: Mark,
    /// Its column counts from 1, unless it is a line comment.
    start: Mark,
    end: Mark,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Head,
    Line,
    Foot,
}

/// Comments that are read one after another, before it is known where they belong.
struct Search {
    scan: Mark,
    token: Mark,
    token_is_value: bool,
    start: Mark,
    text: String,
    line: u32,
    /// Counted from 1.
    column: u32,
    next_indent: i64,
    /// Where a comment must begin to be the foot of what is before it.
    foot_line: Option<u32>,
    first_empty: bool,
    recent_empty: bool,
}

impl Scanner<'_> {
    pub(super) fn skip_comment(&mut self) {
        self.cursor.take_line();
        self.cursor.ink();
    }

    /// Moves to the end of the last of the comments that follow each other, if only blanks and line breaks are between.
    pub(super) fn skip_comments(&mut self) {
        loop {
            self.skip_comment();
            let is_space = |ahead: &usize| !self.cursor.is_blank(*ahead) && !self.cursor.is_break(*ahead);
            let Some(ahead) = (1..BLANKS_MAX).find(is_space) else { return };
            if self.cursor.at(ahead) != b'#' {
                return;
            }
            self.advance_over_space(ahead);
        }
    }

    fn advance_over_space(&mut self, bytes: usize) {
        let end = self.cursor.offset() + bytes;
        while self.cursor.offset() < end {
            if self.cursor.skip_break().is_empty() {
                self.cursor.advance(1);
            }
        }
    }

    /// Reads the comment behind a token, on its line.
    pub(super) fn scan_line_comment(&mut self, token: Mark) {
        if self.cursor.newlines() > 0 {
            return;
        }
        let Some(ahead) = (0..BLANKS_MAX).find(|ahead| !self.cursor.is_blank(*ahead)) else { return };
        if self.cursor.at(ahead) != b'#' {
            return;
        }
        self.cursor.advance(ahead);
        let start = self.cursor.mark();
        let text = self.cursor.take_line();
        self.cursor.ink();
        if self.dialect.keeps_comments() {
            let (scan, end) = (Mark::default(), Mark::default());
            self.comments.push_back(Comment { place: Place::Line, text: text.to_owned(), scan, token, start, end });
        }
    }

    /// A comment behind the dash of a list's first item is a head comment of that item.
    pub(super) fn turn_line_comment_into_head(&mut self) {
        let kinds = (self.last_token(1).map(|token| token.kind), self.last_token(0).map(|token| token.kind));
        if kinds != (Some(Kind::BlockSequenceStart), Some(Kind::BlockEntry)) || self.cursor.is_break(0) {
            return;
        }
        let mark = self.cursor.mark();
        if let Some(comment) = self.comments.back_mut().filter(|comment| comment.place == Place::Line) {
            comment.place = Place::Head;
            if comment.start.line + 1 == mark.line {
                comment.token = mark;
            }
        }
    }

    /// Where the end of a block belongs: before comments that are indented as the block is.
    pub(super) fn mark_before_foot_comments(&self, mut mark: Mark) -> Mark {
        let mut stop = mark.offset;
        for comment in self.comments.iter().rev() {
            if comment.end.offset < stop {
                break;
            }
            if i64::from(comment.start.column) == self.indent + 1 {
                mark = comment.start;
            }
            stop = comment.scan.offset;
        }
        mark
    }

    /// Reads the comments from here on, as long as only blanks and line breaks are between.
    pub(super) fn scan_comments(&mut self, scan: Mark) {
        let mut search = self.begin_search(scan);
        let mut ahead = 0;
        while ahead < BLANKS_MAX {
            search.column += 1;
            if self.cursor.is_blank(ahead) {
                ahead += 1;
                continue;
            }
            let byte = self.cursor.at(ahead);
            let closes_flow = self.is_in_flow() && matches!(byte, b']' | b'}');
            if closes_flow || self.cursor.is_break_or_end(ahead) {
                self.end_line(&mut search, ahead, closes_flow);
                if !self.cursor.is_break(ahead) {
                    break;
                }
                search.first_empty = false;
                search.recent_empty = true;
                search.column = 0;
                search.line += 1;
                ahead += 1;
                continue;
            }
            if !search.text.is_empty() && search.is_dedented() && search.column != search.start.column {
                self.push_foot(&mut search, ahead);
            }
            if byte != b'#' {
                break;
            }
            self.take_comment(&mut search, ahead);
            ahead = 1;
        }
        if !search.text.is_empty() {
            let end = Mark { offset: (self.cursor.offset() + ahead).saturating_sub(1) as u32, ..search.here(0) };
            let Search { scan, start, text, .. } = search;
            self.comments.push_back(Comment { place: Place::Head, text, scan, token: start, start, end });
        }
    }

    fn begin_search(&self, scan: Mark) -> Search {
        let prior = match self.last_token(0) {
            Some(Head { kind: Kind::FlowEntry, .. }) => self.last_token(1).or(self.last_token(0)),
            last => last,
        };
        let newlines = self.cursor.newlines();
        let at_line_with_text = newlines == 0 && self.cursor.column() > 1;
        let foot_line = (self.cursor.line() + 1 + u32::from(at_line_with_text)).saturating_sub(newlines);
        Search {
            scan,
            token: prior.map(|token| token.start).unwrap_or_default(),
            token_is_value: prior.is_some_and(|token| token.kind == Kind::Value),
            start: Mark::default(),
            text: String::new(),
            line: self.cursor.line(),
            column: self.cursor.column(),
            next_indent: self.indent.max(0),
            foot_line: (scan.line > 0).then_some(foot_line),
            first_empty: newlines <= 1,
            recent_empty: false,
        }
    }

    /// The first empty line behind comments splits what is before it from what is after it.
    fn end_line(&mut self, search: &mut Search, ahead: usize, closes_flow: bool) {
        if search.recent_empty && !closes_flow {
            return;
        }
        let is_foot = Some(search.start.line) == search.foot_line && !search.token_is_value;
        let starts_dedented = i64::from(search.start.column) - 1 < search.next_indent;
        if closes_flow || search.first_empty && (is_foot || starts_dedented) {
            if !search.text.is_empty() {
                if starts_dedented {
                    search.token = search.start;
                }
                self.push_foot(search, ahead);
            }
        } else if !search.text.is_empty() && self.cursor.at(ahead) != 0 {
            search.text.push('\n');
        }
    }

    fn push_foot(&mut self, search: &mut Search, ahead: usize) {
        let end = search.here(self.cursor.offset() + ahead);
        self.comments.push_back(Comment {
            place: Place::Foot,
            text: std::mem::take(&mut search.text),
            scan: search.scan,
            token: search.token,
            start: search.start,
            end,
        });
        search.scan = end;
        search.token = end;
    }

    fn take_comment(&mut self, search: &mut Search, ahead: usize) {
        if search.text.is_empty() {
            search.start = search.here(self.cursor.offset() + ahead);
        } else {
            search.text.push('\n');
        }
        search.recent_empty = false;
        self.advance_over_space(ahead);
        search.text.push_str(self.cursor.take_line());
        self.cursor.ink();
        search.column = 0;
        search.line = self.cursor.line();
        search.next_indent = self.indent.max(0);
    }
}

impl Search {
    fn here(&self, offset: usize) -> Mark {
        Mark { offset: offset as u32, line: self.line, column: self.column }
    }

    fn is_dedented(&self) -> bool {
        i64::from(self.column) - 1 < self.next_indent
    }
}
