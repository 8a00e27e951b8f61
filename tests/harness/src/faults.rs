//! What goes wrong between a program and its API server: a `tower` layer under a client.
//!
//! A [`Wire`] names each request that passes by what it does ([`Label`]), keeps the sequence, and lets a [`Schedule`] say
//! what goes wrong at which request: at named ones, or at each with a probability from a seed. Over the embedded API
//! server, on one thread with paused time, equal seeds make equal sequences.

mod body;
mod label;
mod rates;
mod wire;

use std::time::Duration;

use tokio::time::Instant;

pub use label::{Label, Point, Side};
pub use rates::Rates;
pub use wire::{Passed, Wire, Wired};

/// What goes wrong at one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The program ends before it is sent.
    EndBefore,
    /// The server carries it out, and the program ends before the answer arrives.
    EndAfter,
    /// The server answers this code and does nothing.
    Refused {
        /// 409, 410, 429, 500, 503, 504 …
        code: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// The server carries it out; its answer is lost on the way, and this code arrives from something in between.
    AnswerLost {
        /// 502, 503, 504 …
        code: u16,
    },
    /// The server carries it out, and the connection breaks in the middle of the answer.
    Reset,
    /// The server carries it out, and the answer ends in the middle as if it were all.
    Truncated,
    /// The connection is accepted; nothing is carried out, and nothing is ever answered.
    Silent,
    /// It takes this long until the request reaches the server.
    Slow(Duration),
    /// The server answers as if it had carried it out, and has not. No server does: a suite must notice it.
    Pretended,
}

/// What goes wrong at one event of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchFault {
    /// It never arrives.
    Dropped,
    /// It arrives twice.
    Duplicated,
    /// It, and what comes after it, arrives later.
    Delayed(Duration),
    /// The stream ends before it.
    Ended,
    /// 410 Gone arrives in its place, and the stream ends.
    Expired,
}

/// When what goes wrong.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// At these requests, in this order; each counts from the one before.
    pub at: Vec<(Label, Fault)>,
    /// The program ends at the request that is so many-eth of those that have a label, from 1.
    pub end: Option<(usize, Side)>,
    /// Lists and watches show how things were.
    pub stale: Option<Stale>,
    /// At each request, by chance.
    pub rates: Rates,
    /// Where the chances come from.
    pub seed: u64,
}

/// A past that lists and watches show for a while, as those of a server do that lags behind its store. A GET is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// What lists are of. Watches tell nothing.
    pub resource_version: u64,
    /// When the server has caught up.
    pub until: Instant,
}

impl Schedule {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// The program ends at one request.
    pub fn end_at(point: &Point) -> Self {
        Self { at: vec![(point.label.clone(), point.side.end())], ..Self::default() }
    }

    /// One fault at one request.
    pub fn at(label: Label, fault: Fault) -> Self {
        Self { at: vec![(label, fault)], ..Self::default() }
    }

    /// The program ends at its nth request that has a label.
    pub fn end_at_request(nth: usize, side: Side) -> Self {
        Self { end: Some((nth, side)), ..Self::default() }
    }

    /// By chance, from a seed.
    pub fn by_chance(rates: Rates, seed: u64) -> Self {
        Self { rates, seed, ..Self::default() }
    }
}
