//! The rate limit of one caller: a token bucket, kept as the one moment at which it is full again.
//!
//! Pure arithmetic on nanoseconds since any fixed moment. The owner of the buckets supplies the
//! time.

use std::time::Duration;

/// So many requests a window; a quiet caller may send them all at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    requests: u32,
    window: Duration,
    /// Nanoseconds in which one request is earned back.
    step: u64,
}

/// One caller's bucket: when it is full again. The default one is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaBucket(u64);

/// What became of one request, and how the bucket stands after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaAllowance {
    pub quota: Quota,
    pub remaining: u32,
    /// Until the bucket is full again.
    pub reset: Duration,
    /// Set when the request is refused: how long until the next one is not.
    pub retry_after: Option<Duration>,
}

impl Quota {
    /// `None` where nothing is limited: no requests, or no window.
    #[must_use]
    pub fn new(requests: u32, window: Duration) -> Option<Self> {
        let nanos = u64::try_from(window.as_nanos()).ok()?;
        let step = nanos.checked_div(u64::from(requests))?;
        (step > 0).then_some(Self { requests, window, step })
    }

    #[must_use]
    pub const fn requests(&self) -> u32 {
        self.requests
    }

    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// One request at `now`: takes from the bucket if it may.
    pub fn take(self, bucket: &mut QuotaBucket, now: u64) -> QuotaAllowance {
        let capacity = self.step * u64::from(self.requests);
        let spent = bucket.0.saturating_sub(now);
        let wanted = spent.saturating_add(self.step);
        let refused = wanted.checked_sub(capacity).filter(|missing| *missing > 0);
        let spent = if refused.is_some() { spent } else { wanted };
        if refused.is_none() {
            bucket.0 = now.saturating_add(wanted);
        }
        let remaining = u32::try_from(capacity.saturating_sub(spent) / self.step).unwrap_or(self.requests);
        QuotaAllowance { quota: self, remaining, reset: Duration::from_nanos(spent), retry_after: refused.map(Duration::from_nanos) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_requests_or_window_nothing_is_limited() {
        assert_eq!(Quota::new(0, Duration::from_secs(1)), None);
        assert_eq!(Quota::new(5, Duration::ZERO), None);
    }

    #[test]
    fn a_burst_uses_the_bucket_up_and_each_step_earns_one_back() {
        let quota = Quota::new(3, Duration::from_secs(3)).unwrap();
        let mut bucket = QuotaBucket::default();
        let at = |bucket: &mut QuotaBucket, seconds: u64| quota.take(bucket, seconds * 1_000_000_000);
        assert_eq!([0, 0, 0].map(|now| at(&mut bucket, now).remaining), [2, 1, 0]);
        let refused = at(&mut bucket, 0);
        assert_eq!((refused.retry_after, refused.reset), (Some(Duration::from_secs(1)), Duration::from_secs(3)));
        assert_eq!(at(&mut bucket, 1).retry_after, None);
        assert!(at(&mut bucket, 1).retry_after.is_some());
        assert_eq!(at(&mut bucket, 100).remaining, 2);
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_time_earned_back(
            requests in 1u32..50, window in 1u64..10_000_000_000, gaps in prop::collection::vec(0u64..1_000_000_000, 1..200),
        ) {
            let Some(quota) = Quota::new(requests, Duration::from_nanos(window)) else { return Ok(()) };
            let (mut bucket, mut now, mut allowed) = (QuotaBucket::default(), 0, 0u64);
            for gap in gaps {
                now += gap;
                let answer = quota.take(&mut bucket, now);
                prop_assert!(answer.remaining <= requests);
                prop_assert!(answer.reset <= quota.window());
                allowed += u64::from(answer.retry_after.is_none());
                prop_assert!(allowed <= u64::from(requests) + now / quota.step);
            }
        }

        #[test]
        fn a_caller_that_waits_is_served_and_one_that_asks_sooner_is_not(requests in 1u32..50, window in 1_000u64..10_000_000_000, now: u32) {
            let quota = Quota::new(requests, Duration::from_nanos(window)).unwrap();
            let (mut bucket, now) = (QuotaBucket::default(), u64::from(now));
            let wait = loop {
                if let Some(wait) = quota.take(&mut bucket, now).retry_after { break u64::try_from(wait.as_nanos()).unwrap() }
            };
            prop_assert!(quota.take(&mut bucket, now + wait - 1).retry_after.is_some());
            prop_assert!(quota.take(&mut bucket, now + wait).retry_after.is_none());
        }
    }
}
