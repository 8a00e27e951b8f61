//! The tokens that are found and not yet taken, numbered from 0 through the whole text.

use super::Mark;
use super::token::{Data, Head, Token};

/// Taken tokens that are kept before the rest is moved over them.
const TAKEN_MAX: usize = 48;

pub(super) struct Queue<'t> {
    tokens: Vec<Token<'t>>,
    /// How many of `tokens` are taken; at least two, if there were, so that it is known what came last.
    taken: usize,
    /// Tokens that are gone from `tokens`.
    gone: usize,
}

impl<'t> Queue<'t> {
    pub(super) fn new() -> Self {
        Self { tokens: Vec::with_capacity(TAKEN_MAX + 16), taken: 0, gone: 0 }
    }

    /// Tokens that are not taken.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.tokens.len() - self.taken
    }

    /// The next token to be taken.
    #[inline]
    pub(super) fn front(&self) -> Option<&Token<'t>> {
        self.tokens.get(self.taken)
    }

    /// The number of the next token to be taken.
    #[inline]
    pub(super) fn front_number(&self) -> usize {
        self.gone + self.taken
    }

    /// The number of the token that is pushed next.
    #[inline]
    pub(super) fn next_number(&self) -> usize {
        self.gone + self.tokens.len()
    }

    #[inline]
    pub(super) fn take(&mut self) -> Data<'t> {
        let Some(token) = self.tokens.get_mut(self.taken) else { return Data::None };
        self.taken += 1;
        std::mem::replace(&mut token.data, Data::None)
    }

    #[inline]
    pub(super) fn push(&mut self, token: Token<'t>) {
        if self.taken > TAKEN_MAX {
            self.forget_taken();
        }
        self.tokens.push(token);
    }

    fn forget_taken(&mut self) {
        let forgotten = self.taken - 2;
        self.tokens.drain(..forgotten);
        self.taken -= forgotten;
        self.gone += forgotten;
    }

    /// Puts a token before the one of a number, or last where that one was taken.
    pub(super) fn insert(&mut self, number: usize, token: Token<'t>) {
        match number.checked_sub(self.gone) {
            Some(index) if (self.taken..self.tokens.len()).contains(&index) => self.tokens.insert(index, token),
            _ => self.tokens.push(token),
        }
    }

    /// The last token that was pushed, or one before it, whether it was taken or not.
    #[inline]
    pub(super) fn last(&self, before: usize) -> Option<Head> {
        let index = self.tokens.len().checked_sub(before + 1)?;
        self.tokens.get(index).map(Token::head)
    }

    #[inline]
    pub(super) fn front_start(&self) -> Mark {
        self.front().map(|token| token.start).unwrap_or_default()
    }

    #[inline]
    pub(super) fn front_end(&self) -> Mark {
        self.front().map(|token| token.end).unwrap_or_default()
    }
}
