//! The low-water mark: where in the queue a poll begins.
//!
//! Delivered messages are deleted, but while a reader holds a transaction open their rows cannot be
//! cleaned away, and a scan from the beginning steps over every one of them. So a poll begins a
//! little before the end of the last one. Only now and then it begins at the start, for messages
//! that were committed late, put back, or left by a worker that died. Those polls become rarer when
//! they get expensive.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::QueuePosition;

/// Commits are this much out of order, at most, as a rule.
const SLACK: Duration = Duration::from_millis(200);
/// Looking from the beginning may take this share of the time: one part in so many.
const SHARE: u32 = 20;

#[derive(Debug, Clone, Copy)]
pub(super) struct LowWaterMark {
    since: Option<QueuePosition>,
    sweep_at: DateTime<Utc>,
    poll: Duration,
}

/// The outcome of a poll.
#[derive(Debug, Clone, Copy)]
pub(super) struct PollOutcome {
    pub(super) since: Option<QueuePosition>,
    pub(super) began: DateTime<Utc>,
    pub(super) ended: DateTime<Utc>,
    /// The last of what was taken.
    pub(super) last: Option<QueuePosition>,
    /// There may be more that is due.
    pub(super) more: bool,
}

impl LowWaterMark {
    pub(super) const fn new(poll: Duration) -> Self {
        Self { since: None, sweep_at: DateTime::UNIX_EPOCH, poll }
    }

    /// Where to begin; `None` is the beginning.
    pub(super) fn since(&self, now: DateTime<Utc>) -> Option<QueuePosition> {
        if now >= self.sweep_at { None } else { self.since }
    }

    pub(super) fn polled(&mut self, look: PollOutcome) {
        if look.since.is_none() {
            let cost = (look.ended - look.began).to_std().unwrap_or_default();
            self.sweep_at = look.ended + self.poll.max(cost * SHARE);
        }
        self.since = match (look.more, look.last) {
            (false, _) => Some(QueuePosition::before_all(look.began - SLACK)),
            // No slack: a message that was committed late waits for the next poll from the
            // beginning, as it would behind all that waits here.
            (true, Some(last)) => Some(last),
            // All of it was postponed: the next poll from the same position sees the messages
            // behind it.
            (true, None) => look.since,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_000_000 + millis).unwrap()
    }

    fn look(since: Option<QueuePosition>, began: i64, took: i64) -> PollOutcome {
        PollOutcome { since, began: at(began), ended: at(began + took), last: None, more: false }
    }

    fn near(millis: i64) -> QueuePosition {
        QueuePosition::before_all(at(millis) - SLACK)
    }

    #[test]
    fn it_begins_at_the_beginning_then_near_the_end_and_now_and_then_at_the_beginning_again() {
        let mut mark = LowWaterMark::new(Duration::from_secs(1));
        assert_eq!(mark.since(at(0)), None);
        mark.polled(look(None, 0, 1));
        assert_eq!(mark.since(at(500)), Some(near(0)));
        mark.polled(look(mark.since(at(500)), 500, 1));
        assert_eq!(mark.since(at(600)), Some(near(500)));
        assert_eq!(mark.since(at(1001)), None);
    }

    #[test]
    fn an_expensive_poll_from_the_beginning_is_rare() {
        let mut mark = LowWaterMark::new(Duration::from_secs(1));
        mark.polled(look(None, 0, 300));
        assert!(mark.since(at(6000)).is_some(), "300 ms are to be one part in twenty");
        assert_eq!(mark.since(at(6300)), None);
    }

    #[test]
    fn with_more_to_come_it_goes_on_from_the_very_one_that_was_taken_last() {
        let mut mark = LowWaterMark::new(Duration::from_secs(1));
        let last = QueuePosition { due_at: at(-60_000), id: 7 };
        mark.polled(PollOutcome { last: Some(last), more: true, ..look(None, 0, 1) });
        assert_eq!(mark.since(at(2)), Some(last), "of all that are due at that moment");
        mark.polled(PollOutcome { more: true, ..look(mark.since(at(2)), 2, 1) });
        assert_eq!(mark.since(at(4)), Some(last), "all put off: look there again");
    }
}
