//! The circuit breaker: when to stop calls to a failing target.
//!
//! Closed: everything goes. After a few failures in a row it opens: nothing goes for a while, then one probe at a time, until
//! one is answered. So a target that is down costs one call now and then, and one message its attempt, not all of them.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::backoff::Backoff;
use crate::domain::base::vocabulary::vocabulary;

vocabulary! {
    /// What a breaker lets through.
    BreakerState { Closed = "closed", Open = "open", HalfOpen = "half_open" }
}

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRule {
    /// So many failures in a row open it.
    pub failures: u32,
    /// How long it stays open, growing with every probe that fails.
    pub pause: Backoff,
}

/// One target's breaker. Time and randomness come in as values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    rule: BreakerRule,
    failures: u32,
    state: BreakerPhase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BreakerPhase {
    Closed,
    Open {
        until: DateTime<Utc>,
        opened: i32,
    },
    /// One probe is on its way.
    Probing {
        opened: i32,
    },
}

/// What may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerPermit {
    Go,
    /// One call, whose end must be reported. No other call gets through meanwhile.
    Probe,
    /// Nothing before then; `None`: not before the probe that is on its way has ended.
    Wait(Option<DateTime<Utc>>),
}

impl Breaker {
    #[must_use]
    pub const fn new(rule: BreakerRule) -> Self {
        Self { rule, failures: 0, state: BreakerPhase::Closed }
    }

    #[must_use]
    pub const fn state(&self) -> BreakerState {
        match self.state {
            BreakerPhase::Closed => BreakerState::Closed,
            BreakerPhase::Open { .. } => BreakerState::Open,
            BreakerPhase::Probing { .. } => BreakerState::HalfOpen,
        }
    }

    /// Asks for leave. After [`BreakerPermit::Probe`] the caller owes a [`Self::succeeded`], a [`Self::failed`] or a [`Self::not_tried`].
    pub fn permit(&mut self, now: DateTime<Utc>) -> BreakerPermit {
        match self.state {
            BreakerPhase::Closed => BreakerPermit::Go,
            BreakerPhase::Open { until, .. } if now < until => BreakerPermit::Wait(Some(until)),
            BreakerPhase::Open { opened, .. } => {
                self.state = BreakerPhase::Probing { opened };
                BreakerPermit::Probe
            }
            BreakerPhase::Probing { .. } => BreakerPermit::Wait(None),
        }
    }

    /// The target answered, even if it refused the message.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
        self.state = BreakerPhase::Closed;
    }

    /// The target did not answer, or its answer makes no sense. `wished` is the wait that it asked
    /// for.
    pub fn failed(&mut self, now: DateTime<Utc>, random: u32, wished: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        let opened = match self.state {
            BreakerPhase::Closed if self.failures < self.rule.failures => return,
            BreakerPhase::Closed => 1,
            // Calls that were under way when the breaker opened do not count.
            BreakerPhase::Open { .. } => return,
            BreakerPhase::Probing { opened } => opened.saturating_add(1),
        };
        // Half the bound for sure, half by chance: a probe must not follow at once.
        let bound = self.rule.pause.bound(opened) / 2;
        let pause =
            (bound + bound.mul_f64(f64::from(random) / f64::from(u32::MAX))).max(wished.unwrap_or_default().min(self.rule.pause.most));
        self.state = BreakerPhase::Open { until: now + pause, opened };
    }

    /// There was nothing to probe with.
    pub const fn not_tried(&mut self, now: DateTime<Utc>) {
        if let BreakerPhase::Probing { opened } = self.state {
            self.state = BreakerPhase::Open { until: now, opened };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: BreakerRule = BreakerRule { failures: 3, pause: Backoff { base: Duration::from_secs(1), most: Duration::from_secs(30) } };
    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(RULE);
        (0..3).for_each(|_| breaker.failed(START, 0, None));
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::new(RULE);
        for _ in 0..10 {
            breaker.failed(START, 0, None);
            breaker.failed(START, 0, None);
            breaker.succeeded();
        }
        assert_eq!(breaker.permit(START), BreakerPermit::Go);
        assert_eq!(opened().state(), BreakerState::Open);
    }

    #[test]
    fn while_open_nothing_goes_then_one_probe_at_a_time_until_one_is_answered() {
        let mut breaker = opened();
        let later = START + Duration::from_mins(1);
        assert!(matches!(breaker.permit(START), BreakerPermit::Wait(Some(_))));
        assert_eq!(breaker.permit(later), BreakerPermit::Probe);
        assert_eq!(breaker.permit(later), BreakerPermit::Wait(None), "the second caller waits for the probe");
        breaker.failed(later, 0, None);
        assert!(matches!(breaker.permit(later), BreakerPermit::Wait(Some(until)) if until > later));
        assert_eq!(breaker.permit(later + Duration::from_mins(1)), BreakerPermit::Probe);
        breaker.succeeded();
        assert_eq!((breaker.permit(later), breaker.permit(later)), (BreakerPermit::Go, BreakerPermit::Go));
    }

    #[test]
    fn a_probe_without_a_message_leaves_it_open_for_the_next() {
        let mut breaker = opened();
        let later = START + Duration::from_mins(1);
        assert_eq!(breaker.permit(later), BreakerPermit::Probe);
        breaker.not_tried(later);
        assert_eq!(breaker.permit(later), BreakerPermit::Probe);
    }

    #[test]
    fn it_stays_open_as_long_as_the_target_asked() {
        let mut breaker = Breaker::new(RULE);
        (0..3).for_each(|_| breaker.failed(START, 0, Some(Duration::from_secs(20))));
        assert_eq!(breaker.permit(START + Duration::from_secs(19)), BreakerPermit::Wait(Some(START + Duration::from_secs(20))));
    }

    proptest! {
        #[test]
        fn at_any_time_at_most_one_probe_is_out_and_it_never_stays_shut_for_ever(steps in prop::collection::vec((0u8..4, any::<u32>()), 0..200)) {
            let (mut breaker, mut now, mut probes) = (Breaker::new(RULE), START, 0);
            for (step, random) in steps {
                match step {
                    0 => if breaker.permit(now) == BreakerPermit::Probe { probes += 1 },
                    1 => { breaker.succeeded(); probes = 0 }
                    2 => { if breaker.state() == BreakerState::HalfOpen { probes = 0 } breaker.failed(now, random, None) }
                    _ => now += Duration::from_secs(u64::from(random % 40)),
                }
                prop_assert!(probes <= 1);
                prop_assert_eq!(probes == 1, breaker.state() == BreakerState::HalfOpen);
            }
            breaker.not_tried(now);
            prop_assert!(matches!(breaker.permit(now + RULE.pause.most), BreakerPermit::Go | BreakerPermit::Probe));
        }
    }
}
