//! How long to wait before the next attempt.

use std::time::Duration;

/// Exponential, with full jitter: anywhere between nothing and the bound of the attempt, so that what failed together does
/// not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The bound of the first wait; each further one doubles it.
    pub base: Duration,
    /// No wait is longer, even if the target asks for more.
    pub most: Duration,
}

impl Backoff {
    /// The wait after the attempt of that number (from 1). `random` spreads it; `wished` is the
    /// least wait that the target asks for.
    #[must_use]
    pub fn wait(self, attempt: i32, random: u32, wished: Option<Duration>) -> Duration {
        let wished = wished.unwrap_or_default().min(self.most);
        let spread = self.bound(attempt).mul_f64(f64::from(random) / f64::from(u32::MAX));
        (wished + spread).min(self.most.max(wished))
    }

    /// The longest wait after that attempt.
    #[must_use]
    pub fn bound(self, attempt: i32) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(31);
        self.base.saturating_mul(1 << doublings).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff { base: Duration::from_millis(500), most: Duration::from_mins(10) };

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_the_most_and_never_shorter_than_wished(attempt: i32, random: u32, wished in prop::option::of(0u64..7200)) {
            let wished = wished.map(Duration::from_secs);
            let wait = BACKOFF.wait(attempt, random, wished);
            prop_assert!(wait <= BACKOFF.most);
            prop_assert!(wait >= wished.unwrap_or_default().min(BACKOFF.most));
            if wished.is_none() {
                prop_assert!(wait <= BACKOFF.bound(attempt));
            }
        }

        #[test]
        fn bounds_double_until_the_most_and_jitter_is_full(attempt in 1i32..40, a: u32, b: u32) {
            let expected = BACKOFF.base.checked_mul(1u32.checked_shl(attempt.unsigned_abs() - 1).unwrap_or(u32::MAX)).unwrap_or(BACKOFF.most);
            prop_assert_eq!(BACKOFF.bound(attempt), expected.min(BACKOFF.most));
            prop_assert_eq!(a <= b, BACKOFF.wait(attempt, a, None) <= BACKOFF.wait(attempt, b, None) || a == b);
            prop_assert_eq!(BACKOFF.wait(attempt, 0, None), Duration::ZERO);
            prop_assert_eq!(BACKOFF.wait(attempt, u32::MAX, None), BACKOFF.bound(attempt));
        }
    }
}
