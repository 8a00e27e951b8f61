//! The queue of tokens: what is fetched when, and which of them turn out to be keys.

use std::collections::VecDeque;

use super::comments::Comment;
use super::cursor::Cursor;
use super::queue::Queue;
use super::token::{Data, Head, Kind, Token};
use super::{Dialect, Fault, Mark};

/// Characters between the beginning of a key and its colon.
const SIMPLE_KEY_MAX: u32 = 1024;

/// The tokens of a text, in order.
pub(super) struct Scanner<'t> {
    pub(super) cursor: Cursor<'t>,
    pub(super) dialect: Dialect,
    tokens: Queue<'t>,
    head_is_ready: bool,
    started: bool,
    /// One for the block context and one for each flow collection that is open.
    pub(super) simple_keys: Vec<SimpleKey>,
    /// Tokens that are not taken before the key of a level is decided, and these levels, by rising token numbers. An entry may
    /// outlive its key, as it does in go-yaml, and then waits for the next key of its level.
    waiting: VecDeque<(usize, usize)>,
    /// Whether a key may begin here.
    pub(super) simple_key_allowed: bool,
    /// The column of the innermost block collection; -1 outside of all.
    pub(super) indent: i64,
    pub(super) indents: Vec<i64>,
    /// Comments that no token has taken yet.
    pub(super) comments: VecDeque<Comment>,
}

/// A place where a key may have begun.
#[derive(Clone, Copy, Default)]
pub(super) struct SimpleKey {
    pub(super) possible: bool,
    /// Whether nothing else can stand here.
    required: bool,
    pub(super) token_number: usize,
    pub(super) mark: Mark,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str, dialect: Dialect) -> Self {
        Self {
            cursor: Cursor::new(text),
            dialect,
            tokens: Queue::new(),
            head_is_ready: false,
            started: false,
            simple_keys: vec![SimpleKey::default()],
            waiting: VecDeque::new(),
            simple_key_allowed: true,
            indent: -1,
            indents: Vec::with_capacity(16),
            comments: VecDeque::new(),
        }
    }

    /// The next token, which stays.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Result<Kind, Box<Fault>> {
        if !self.head_is_ready {
            self.fetch_more_tokens()?;
        }
        Ok(self.tokens.front().map_or(Kind::StreamEnd, |token| token.kind))
    }

    /// Where the token begins that was peeked at.
    #[inline]
    pub(super) fn start(&self) -> Mark {
        self.tokens.front_start()
    }

    /// Where the token ends that was peeked at.
    #[inline]
    pub(super) fn end(&self) -> Mark {
        self.tokens.front_end()
    }

    /// The token that was peeked at.
    #[inline]
    pub(super) fn take(&mut self) -> Data<'t> {
        self.head_is_ready = false;
        self.tokens.take()
    }

    #[inline]
    pub(super) fn is_in_flow(&self) -> bool {
        self.simple_keys.len() > 1
    }

    fn fetch_more_tokens(&mut self) -> Result<(), Box<Fault>> {
        while self.tokens.len() <= self.dialect.lookahead() || self.head_may_be_key()? {
            self.fetch_next_token()?;
        }
        self.head_is_ready = true;
        Ok(())
    }

    /// Whether the first token of the queue may turn out to be a key, so that more must be read before it is taken.
    fn head_may_be_key(&mut self) -> Result<bool, Box<Fault>> {
        let front = self.tokens.front_number();
        while let Some((token_number, level)) = self.waiting.front().copied() {
            if token_number >= front {
                return if token_number == front { self.simple_key_is_valid(level) } else { Ok(false) };
            }
            self.waiting.pop_front();
        }
        Ok(false)
    }

    pub(super) fn stop_waiting(&mut self, token_number: usize) {
        let behind = self.waiting.iter().rev().take_while(|(waiting, _)| *waiting > token_number).count();
        let Some(at) = self.waiting.len().checked_sub(behind + 1) else { return };
        if self.waiting[at].0 == token_number {
            self.waiting.remove(at);
        }
    }

    fn fetch_next_token(&mut self) -> Result<(), Box<Fault>> {
        if !self.started {
            self.started = true;
            let mark = self.cursor.mark();
            self.push(Token::new(Kind::StreamStart, mark, mark));
            return Ok(());
        }
        let scan_mark = self.cursor.mark();
        self.skip_to_next_token(scan_mark)?;
        let column = i64::from(self.cursor.column());
        if self.indent > column {
            self.unroll_indent(column, scan_mark);
        }
        if self.cursor.is_end() {
            return self.fetch_stream_end();
        }
        if column == 0 {
            if self.cursor.byte() == b'%' {
                return self.fetch_directive();
            }
            if let Some(indicator) = self.cursor.document_indicator() {
                return self.fetch_document_indicator(indicator);
            }
        }
        if !self.dialect.is_v3() {
            return self.fetch_content().map(drop);
        }
        let mut comment_mark = self.mark_for_line_comment();
        comment_mark = self.fetch_content()?.unwrap_or(comment_mark);
        if self.last_token(0).is_none_or(|token| token.kind != Kind::BlockEntry) {
            self.scan_line_comment(comment_mark);
        }
        Ok(())
    }

    /// Which token a comment behind the next token belongs to: a comment behind `:` or `,` to what is before it.
    fn mark_for_line_comment(&self) -> Mark {
        if !self.dialect.keeps_comments() {
            return Mark::default();
        }
        let takes_prior = if self.is_in_flow() { b',' } else { b':' };
        match self.last_token(0) {
            Some(prior) if self.cursor.byte() == takes_prior => prior.start,
            _ => self.cursor.mark(),
        }
    }

    /// Fetches what is neither end nor directive; answers which token a comment behind it belongs to, if not to the first.
    fn fetch_content(&mut self) -> Result<Option<Mark>, Box<Fault>> {
        let in_flow = self.is_in_flow();
        match self.cursor.byte() {
            b'[' => self.fetch_flow_start(Kind::FlowSequenceStart)?,
            b'{' => self.fetch_flow_start(Kind::FlowMappingStart)?,
            b']' => self.fetch_flow_end(Kind::FlowSequenceEnd)?,
            b'}' => self.fetch_flow_end(Kind::FlowMappingEnd)?,
            b',' => self.fetch_flow_entry()?,
            b'-' if self.cursor.is_blank_or_end(1) => self.fetch_block_entry()?,
            b'?' if in_flow || self.cursor.is_blank_or_end(1) => self.fetch_key()?,
            b':' if in_flow || self.cursor.is_blank_or_end(1) => self.fetch_value()?,
            b'*' => self.fetch_anchor(Kind::Alias)?,
            b'&' => self.fetch_anchor(Kind::Anchor)?,
            b'!' => self.fetch_tag()?,
            b'|' if !in_flow => self.fetch_block_scalar(true)?,
            b'>' if !in_flow => self.fetch_block_scalar(false)?,
            b'\'' => return self.fetch_scalar(|scanner| scanner.scan_quoted_scalar(true)),
            b'"' => return self.fetch_scalar(|scanner| scanner.scan_quoted_scalar(false)),
            b' ' | b'\t' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => return Err(self.no_token()),
            _ if self.cursor.is_blank_or_end(0) => return Err(self.no_token()),
            _ => return self.fetch_scalar(Self::scan_plain_scalar),
        }
        Ok(None)
    }

    /// Fetches a scalar that may be a key. Where its colon follows at once it is one, and the tokens around it come with it.
    fn fetch_scalar(
        &mut self,
        scan: impl FnOnce(&mut Self) -> Result<Token<'t>, Box<Fault>>,
    ) -> Result<Option<Mark>, Box<Fault>> {
        let key = self.possible_key()?;
        self.simple_key_allowed = false;
        let token = scan(self)?;
        let Some(key) = key else {
            self.push(token);
            return Ok(None);
        };
        let has_colon = self.cursor.byte() == b':' && (self.is_in_flow() || self.cursor.is_blank_or_end(1));
        let is_near = self.cursor.line() == key.mark.line && self.cursor.column() <= key.mark.column + SIMPLE_KEY_MAX;
        if !has_colon || !is_near || self.cursor.offset() != token.end.offset as usize {
            self.push(token);
            self.set_simple_key(key);
            return Ok(None);
        }
        *self.innermost_key() = SimpleKey { possible: false, ..key };
        self.roll_indent(key.mark, None, Kind::BlockMappingStart);
        self.push(Token::new(Kind::Key, key.mark, key.mark));
        self.push(token);
        let value = self.cursor.mark();
        self.push_indicator(Kind::Value, 1);
        Ok(self.is_in_flow().then_some(value))
    }

    fn no_token(&self) -> Box<Fault> {
        let mark = self.cursor.mark();
        Fault::within("while scanning for the next token", mark, "found character that cannot start any token", mark)
    }

    #[inline]
    pub(super) fn push(&mut self, token: Token<'t>) {
        self.tokens.push(token);
    }

    /// Puts a token before the one of a number, or last where that one was taken.
    pub(super) fn insert(&mut self, number: usize, token: Token<'t>) {
        self.tokens.insert(number, token);
    }

    /// The last token that was pushed, or one before it, whether it was taken or not.
    pub(super) fn last_token(&self, before: usize) -> Option<Head> {
        self.tokens.last(before)
    }

    /// Notes that a key may begin here.
    pub(super) fn save_simple_key(&mut self) -> Result<(), Box<Fault>> {
        if let Some(key) = self.possible_key()? {
            self.set_simple_key(key);
        }
        Ok(())
    }

    /// The key that may begin here, where one may, after the one before is given up.
    fn possible_key(&mut self) -> Result<Option<SimpleKey>, Box<Fault>> {
        if !self.simple_key_allowed {
            return Ok(None);
        }
        self.remove_simple_key()?;
        let mark = self.cursor.mark();
        let required = !self.is_in_flow() && self.indent == i64::from(mark.column);
        Ok(Some(SimpleKey { possible: true, required, token_number: self.tokens.next_number(), mark }))
    }

    fn set_simple_key(&mut self, key: SimpleKey) {
        *self.innermost_key() = key;
        self.waiting.push_back((key.token_number, self.simple_keys.len() - 1));
    }

    /// Gives up the key that may have begun.
    pub(super) fn remove_simple_key(&mut self) -> Result<(), Box<Fault>> {
        let key = *self.innermost_key();
        if key.possible && key.required {
            return Err(self.no_colon(key.mark));
        }
        if key.possible {
            self.innermost_key().possible = false;
            self.stop_waiting(key.token_number);
        }
        Ok(())
    }

    /// Whether the key that may have begun can still be one here; it is given up if not.
    pub(super) fn simple_key_is_valid(&mut self, index: usize) -> Result<bool, Box<Fault>> {
        let Some(key) = self.simple_keys.get(index).copied().filter(|key| key.possible) else { return Ok(false) };
        let is_far = key.mark.line < self.cursor.line() || key.mark.column + SIMPLE_KEY_MAX < self.cursor.column();
        if !is_far {
            return Ok(true);
        }
        if key.required {
            return Err(self.no_colon(key.mark));
        }
        self.simple_keys[index].possible = false;
        Ok(false)
    }

    fn no_colon(&self, begin: Mark) -> Box<Fault> {
        Fault::within("while scanning a simple key", begin, "could not find expected ':'", self.cursor.mark())
    }

    pub(super) fn innermost_key(&mut self) -> &mut SimpleKey {
        self.simple_keys.last_mut().expect("the block context has one")
    }

    pub(super) fn open_flow(&mut self) {
        let key =
            SimpleKey { token_number: self.tokens.next_number(), mark: self.cursor.mark(), ..SimpleKey::default() };
        self.simple_keys.push(key);
    }

    pub(super) fn close_flow(&mut self) {
        if !self.is_in_flow() {
            return;
        }
        let closed = self.simple_keys.pop().unwrap_or_default();
        self.stop_waiting(closed.token_number);
    }
}
