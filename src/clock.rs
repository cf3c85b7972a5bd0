//! Where time and ids come from. Everything else is handed a [`Stamp`], so that a test can fix both.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use crate::domain::Stamp;

/// A source of stamps.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    #[default]
    System,
    /// Time stands still; ids are still fresh.
    Fixed(DateTime<Utc>),
}

/// The time of this machine, for rooms that compare it with another machine's clock and keep no time.
pub fn system_now() -> DateTime<Utc> {
    Clock::System.now()
}

impl Clock {
    pub fn stamp(&self) -> Stamp {
        #[expect(clippy::disallowed_methods, reason = "the one source of ids")]
        let id = Uuid::now_v7();
        Stamp { now: self.now(), id }
    }

    /// The time, cut to what every store keeps.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one source of time")]
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Fixed(now) => *now,
        }
    }
}
