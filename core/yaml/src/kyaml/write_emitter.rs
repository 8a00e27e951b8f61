//! go-yaml v3's emitter: events in, text out. The states are libyaml's; the places of comments are go-yaml's.

use crate::print::lines::{Lines, Sign};
use crate::print::scalar::{Analysis, SIMPLE_KEY_BYTES_MAX, analyze, is_break};

/// How much deeper each level stands.
const INDENT: usize = 2;

/// A step through a tree, with the comments that it brings.
#[derive(Clone, Copy)]
pub(super) enum Event<'n> {
    DocumentStart {
        head: &'n str,
    },
    DocumentEnd {
        foot: &'n str,
    },
    Scalar {
        text: &'n str,
        tag: Option<&'n str>,
        style: ScalarStyle,
        head: &'n str,
        line: &'n str,
        foot: &'n str,
        tail: &'n str,
    },
    SequenceStart {
        tag: Option<&'n str>,
        flow: bool,
        empty: bool,
        head: &'n str,
    },
    SequenceEnd {
        line: &'n str,
        foot: &'n str,
    },
    MappingStart {
        tag: Option<&'n str>,
        flow: bool,
        empty: bool,
        head: &'n str,
        tail: &'n str,
    },
    MappingEnd {
        tail: &'n str,
        line: &'n str,
        foot: &'n str,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarStyle {
    Plain,
    Single,
    Double,
    Literal,
    Folded,
}

/// What is expected next. `first`: the collection begins with it; `trail`: the comma before it is written already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    FlowItem { first: bool, trail: bool },
    FlowKey { first: bool, trail: bool },
    FlowValue { simple: bool },
    BlockItem { first: bool },
    BlockKey { first: bool },
    BlockValue { simple: bool },
}

/// Comments that are not written yet.
#[derive(Default)]
struct Pending<'n> {
    head: &'n str,
    line: &'n str,
    foot: &'n str,
    tail: &'n str,
    /// A comment on the line of a key, which is written behind its value if that is a scalar.
    key_line: &'n str,
}

impl Pending<'_> {
    fn follows(&self) -> bool {
        !(self.line.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }
}

/// Where a node stands.
#[derive(Clone, Copy, Default)]
struct Context {
    mapping: bool,
    simple_key: bool,
}

const PLAIN_SIGN: Sign = Sign { spaced: false, is_blank: false, is_indentation: false };
const SPACED: Sign = Sign { spaced: true, ..PLAIN_SIGN };
const OPENING: Sign = Sign { spaced: true, is_blank: true, is_indentation: false };
const INDENTING: Sign = Sign { spaced: true, is_blank: false, is_indentation: true };

pub(super) struct Emitter<'n, 'o> {
    lines: Lines<'o>,
    state: State,
    states: Vec<State>,
    indents: Vec<Option<usize>>,
    flow_level: usize,
    context: Context,
    pending: Pending<'n>,
}

impl<'n, 'o> Emitter<'n, 'o> {
    pub(super) fn new(out: &'o mut String) -> Self {
        Self {
            lines: Lines::new(out, usize::MAX),
            state: State::DocumentStart,
            states: Vec::new(),
            indents: Vec::new(),
            flow_level: 0,
            context: Context::default(),
            pending: Pending::default(),
        }
    }

    /// Writes what can be written when this event has come.
    pub(super) fn emit(&mut self, event: Event<'n>) {
        self.keep_comments(event);
        match self.state {
            State::DocumentStart => {
                if !self.pending.head.is_empty() {
                    self.head_comment();
                    self.lines.put_break();
                }
                self.state = State::DocumentContent;
            }
            State::DocumentContent => {
                self.head_comment();
                self.node(event, State::DocumentEnd, Context::default());
                self.line_comment();
                self.foot_comment();
            }
            State::DocumentEnd => {
                self.lines.foot_indent = Some(0);
                self.foot_comment();
                self.lines.foot_indent = None;
                self.lines.write_indent();
            }
            State::FlowItem { first, trail } => self.flow_item(event, first, trail),
            State::FlowKey { first, trail } => self.flow_key(event, first, trail),
            State::FlowValue { simple } => self.flow_value(event, simple),
            State::BlockItem { first } => self.block_item(event, first),
            State::BlockKey { first } => self.block_key(event, first),
            State::BlockValue { simple } => self.block_value(event, simple),
        }
    }

    fn keep_comments(&mut self, event: Event<'n>) {
        let (head, line, foot, tail) = match event {
            Event::DocumentStart { head } | Event::SequenceStart { head, .. } => (head, "", "", ""),
            Event::DocumentEnd { foot } => ("", "", foot, ""),
            Event::Scalar { head, line, foot, tail, .. } => (head, line, foot, tail),
            Event::SequenceEnd { line, foot } => ("", line, foot, ""),
            Event::MappingStart { head, tail, .. } => (head, "", "", tail),
            Event::MappingEnd { tail, line, foot } => ("", line, foot, tail),
        };
        let Pending { head: kept_head, line: kept_line, foot: kept_foot, tail: kept_tail, .. } = &mut self.pending;
        for (kept, new) in [(kept_head, head), (kept_line, line), (kept_foot, foot), (kept_tail, tail)] {
            if !new.is_empty() {
                *kept = new;
            }
        }
    }

    fn flow_item(&mut self, event: Event<'n>, first: bool, trail: bool) {
        if first {
            self.open_flow("[");
        }
        if let Event::SequenceEnd { .. } = event {
            self.flow_level -= 1;
            self.decrease_indent();
            if self.lines.bytes() == 0 {
                self.lines.write_indent();
            }
            self.close_flow("]");
            return;
        }
        if !first && !trail {
            self.lines.indicator(",", PLAIN_SIGN);
        }
        self.head_comment();
        if self.lines.bytes() == 0 {
            self.lines.write_indent();
        }
        let next = State::FlowItem { first: false, trail: self.pending.follows() };
        self.node(event, next, Context::default());
        self.after_flow_value();
    }

    fn flow_key(&mut self, event: Event<'n>, first: bool, trail: bool) {
        if first {
            self.open_flow("{");
        }
        let comma = !first && !trail;
        if let Event::MappingEnd { .. } = event {
            let Pending { head, foot, tail, .. } = self.pending;
            if comma && !(head.is_empty() && foot.is_empty() && tail.is_empty()) {
                self.lines.indicator(",", PLAIN_SIGN);
            }
            self.head_comment();
            self.flow_level -= 1;
            self.decrease_indent();
            self.close_flow("}");
            return;
        }
        if comma {
            self.lines.indicator(",", PLAIN_SIGN);
        }
        self.head_comment();
        if self.lines.bytes() == 0 {
            self.lines.write_indent();
        }
        let simple = is_simple_key(event);
        if !simple {
            self.lines.indicator("?", SPACED);
        }
        self.node(event, State::FlowValue { simple }, Context { mapping: true, simple_key: simple });
    }

    fn flow_value(&mut self, event: Event<'n>, simple: bool) {
        self.lines.indicator(":", if simple { PLAIN_SIGN } else { SPACED });
        let next = State::FlowKey { first: false, trail: self.pending.follows() };
        self.node(event, next, Context { mapping: true, simple_key: false });
        self.after_flow_value();
    }

    fn open_flow(&mut self, bracket: &str) {
        self.lines.indicator(bracket, OPENING);
        self.increase_indent(true, false);
        self.flow_level += 1;
    }

    fn close_flow(&mut self, bracket: &str) {
        self.lines.indicator(bracket, PLAIN_SIGN);
        self.line_comment();
        self.foot_comment();
        self.leave();
    }

    fn after_flow_value(&mut self) {
        if self.pending.follows() {
            self.lines.indicator(",", PLAIN_SIGN);
        }
        self.line_comment();
        self.foot_comment();
    }

    fn block_item(&mut self, event: Event<'n>, first: bool) {
        if first {
            let at_column_of_key = self.context.mapping && (self.lines.bytes() == 0 || !self.lines.indention);
            self.increase_indent(false, at_column_of_key);
        }
        if let Event::SequenceEnd { .. } = event {
            self.decrease_indent();
            self.leave();
            return;
        }
        self.head_comment();
        self.lines.write_indent();
        self.lines.indicator("-", INDENTING);
        self.node(event, State::BlockItem { first: false }, Context::default());
        self.line_comment();
        self.foot_comment();
    }

    fn block_key(&mut self, event: Event<'n>, first: bool) {
        if first {
            self.increase_indent(false, false);
        }
        self.head_comment();
        if let Event::MappingEnd { .. } = event {
            self.decrease_indent();
            self.leave();
            return;
        }
        self.lines.write_indent();
        if !self.pending.line.is_empty() {
            self.pending.key_line = std::mem::take(&mut self.pending.line);
        }
        let simple = is_simple_key(event);
        if !simple {
            self.lines.indicator("?", INDENTING);
        }
        self.node(event, State::BlockValue { simple }, Context { mapping: true, simple_key: simple });
    }

    fn block_value(&mut self, event: Event<'n>, simple: bool) {
        if simple {
            self.lines.indicator(":", PLAIN_SIGN);
        } else {
            self.lines.write_indent();
            self.lines.indicator(":", INDENTING);
        }
        self.key_line_comment(event);
        self.node(event, State::BlockKey { first: false }, Context { mapping: true, simple_key: false });
        self.line_comment();
        self.foot_comment();
    }

    /// The comment on the line of a key goes behind its value, or stays there if an indented block follows. Where the value has
    /// one of its own it waits for the next value.
    fn key_line_comment(&mut self, event: Event<'n>) {
        if self.pending.key_line.is_empty() {
            return;
        }
        match event {
            Event::Scalar { .. } if self.pending.line.is_empty() => {
                self.pending.line = std::mem::take(&mut self.pending.key_line);
            }
            Event::SequenceStart { flow: false, .. } | Event::MappingStart { flow: false, .. } => {
                let line = std::mem::replace(&mut self.pending.line, self.pending.key_line);
                self.pending.key_line = "";
                self.line_comment();
                self.pending.line = line;
            }
            _ => {}
        }
    }

    fn node(&mut self, event: Event<'n>, next: State, context: Context) {
        self.states.push(next);
        self.context = context;
        match event {
            Event::Scalar { text, tag, style, .. } => {
                let analysis = analyze(text);
                let style = self.allowed_style(style, text, analysis);
                self.tag(tag);
                self.increase_indent(true, false);
                self.scalar(text, style);
                self.decrease_indent();
                self.leave();
            }
            Event::SequenceStart { tag, flow, empty, .. } => {
                self.tag(tag);
                let in_flow = self.flow_level > 0 || flow || empty;
                let (first, trail) = (true, false);
                self.state = if in_flow { State::FlowItem { first, trail } } else { State::BlockItem { first } };
            }
            Event::MappingStart { tag, flow, empty, .. } => {
                self.tag(tag);
                let in_flow = self.flow_level > 0 || flow || empty;
                let (first, trail) = (true, false);
                self.state = if in_flow { State::FlowKey { first, trail } } else { State::BlockKey { first } };
            }
            Event::DocumentStart { .. }
            | Event::DocumentEnd { .. }
            | Event::SequenceEnd { .. }
            | Event::MappingEnd { .. } => {
                self.leave();
            }
        }
    }

    fn allowed_style(&self, style: ScalarStyle, text: &str, analysis: Analysis) -> ScalarStyle {
        let in_flow = self.flow_level > 0;
        let simple_key = self.context.simple_key;
        let plain_allowed = if in_flow { analysis.flow_plain } else { analysis.block_plain };
        let quoted = if analysis.single { ScalarStyle::Single } else { ScalarStyle::Double };
        match style {
            _ if simple_key && analysis.multiline => ScalarStyle::Double,
            ScalarStyle::Plain if !plain_allowed || (text.is_empty() && (in_flow || simple_key)) => quoted,
            ScalarStyle::Single => quoted,
            ScalarStyle::Literal | ScalarStyle::Folded if !analysis.block || in_flow || simple_key => {
                ScalarStyle::Double
            }
            style => style,
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle) {
        match style {
            ScalarStyle::Plain => self.lines.plain(text, false),
            ScalarStyle::Single => self.lines.single_quoted(text, false),
            ScalarStyle::Double => self.lines.double_quoted(text, false),
            ScalarStyle::Literal => {
                self.block_header("|", text);
                self.lines.literal(text);
            }
            ScalarStyle::Folded => {
                self.block_header(">", text);
                self.lines.folded(text);
            }
        }
    }

    fn block_header(&mut self, sign: &str, text: &str) {
        self.lines.block_header(sign, text);
        if self.pending.line.is_empty() {
            self.lines.put_break();
        } else {
            self.line_comment();
        }
    }

    fn tag(&mut self, tag: Option<&str>) {
        let Some(tag) = tag else { return };
        let (handle, suffix) = handle_and_suffix(tag);
        if handle.is_empty() {
            self.lines.indicator("!<", SPACED);
            self.tag_suffix(suffix);
            self.lines.indicator(">", PLAIN_SIGN);
        } else {
            self.lines.indicator(handle, SPACED);
            self.tag_suffix(suffix);
        }
    }

    fn tag_suffix(&mut self, suffix: &str) {
        for byte in suffix.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_;/?:@&=+$,.~*'()[]".contains(&byte) {
                self.lines.put(char::from(byte));
            } else {
                self.lines.put_str(&format!("%{byte:02X}"));
            }
        }
    }

    fn increase_indent(&mut self, flow: bool, at_column_of_key: bool) {
        let outer = self.lines.indent;
        self.indents.push(outer);
        self.lines.indent = Some(match outer {
            None => {
                if flow {
                    INDENT
                } else {
                    0
                }
            }
            Some(indent) if self.states.last() == Some(&State::BlockItem { first: false }) => indent + "- ".len(),
            Some(indent) => {
                let deeper = INDENT * ((indent + INDENT) / INDENT);
                if at_column_of_key { deeper - INDENT } else { deeper }
            }
        });
    }

    fn decrease_indent(&mut self) {
        self.lines.indent = self.indents.pop().flatten();
    }

    fn leave(&mut self) {
        self.state = self.states.pop().unwrap_or(State::DocumentEnd);
    }

    /// The comment that ended what came before, and the one above what comes.
    fn head_comment(&mut self) {
        let Pending { head, tail, .. } = self.pending;
        if !tail.is_empty() {
            self.comment_block(tail);
            self.lines.foot_indent = Some(self.lines.indent.unwrap_or(0));
        }
        if !head.is_empty() {
            self.comment_block(head);
        }
        (self.pending.head, self.pending.tail) = ("", "");
    }

    fn line_comment(&mut self) {
        let line = std::mem::take(&mut self.pending.line);
        if !line.is_empty() {
            self.lines.put_space();
            self.comment(line);
        }
    }

    fn foot_comment(&mut self) {
        let foot = std::mem::take(&mut self.pending.foot);
        if !foot.is_empty() {
            self.comment_block(foot);
            self.lines.foot_indent = Some(self.lines.indent.unwrap_or(0));
        }
    }

    fn comment_block(&mut self, comment: &str) {
        self.lines.write_indent();
        self.comment(comment);
    }

    fn comment(&mut self, comment: &str) {
        let (mut breaks, mut pound) = (false, false);
        for character in comment.chars() {
            if is_break(character) {
                self.lines.write_break(character);
                (breaks, pound) = (true, false);
                continue;
            }
            if breaks {
                self.lines.write_indent();
            }
            if !pound && character != '#' {
                self.lines.put_str("# ");
            }
            self.lines.put(character);
            self.lines.indention = false;
            (breaks, pound) = (false, true);
        }
        if !breaks {
            self.lines.put_break();
        }
        self.lines.whitespace = true;
    }
}

/// Whether a node can stand before its colon without a `?`.
fn is_simple_key(event: Event<'_>) -> bool {
    let (tag, text) = match event {
        Event::Scalar { text, tag, .. } if !text.contains(is_break) => (tag, text),
        Event::SequenceStart { tag, empty: true, .. } | Event::MappingStart { tag, empty: true, .. } => (tag, ""),
        _ => return false,
    };
    let (handle, suffix) = tag.map_or(("", ""), handle_and_suffix);
    handle.len() + suffix.len() + text.len() <= SIMPLE_KEY_BYTES_MAX
}

/// `!` or `!!` and what follows; a tag that begins otherwise has no handle.
fn handle_and_suffix(tag: &str) -> (&str, &str) {
    let known = tag.strip_prefix("!!").or_else(|| tag.strip_prefix("tag:yaml.org,2002:")).map(|suffix| ("!!", suffix));
    known.or_else(|| tag.strip_prefix('!').map(|suffix| ("!", suffix))).unwrap_or(("", tag))
}
