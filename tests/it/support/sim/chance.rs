//! Chance that repeats itself: the same seed, the same misfortunes.

use std::time::Duration;

use serde_json::json;

use super::{Fault, Reply};

#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Xorshift: good enough to choose by.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    /// One request in four goes wrong in some way.
    pub(super) fn fault(&mut self) -> Option<Fault> {
        Some(match self.below(24) {
            0 | 1 => Fault::LostAnswer,
            2 => Fault::LostRequest,
            3 => Fault::Truncated,
            4 => Fault::Answers(Reply::json(500, &json!({"message": "oops"}))),
            5 => Fault::Slow(Duration::from_millis(20)),
            _ => return None,
        })
    }
}
