//! How much may be created with one credential, and when what waits will have been.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// So many creating writes (issues and comments) in any stretch of that length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetWindow {
    pub writes: u32,
    pub length: Duration,
}

/// When one more write will have its turn behind `waiting` others; `spent` is how many there were lately in each window.
#[must_use]
pub fn expected(windows: &[(BudgetWindow, u64)], waiting: u64, now: DateTime<Utc>) -> DateTime<Utc> {
    let wait = |(window, spent): &(BudgetWindow, u64)| {
        let writes = u64::from(window.writes.max(1));
        let beyond = (waiting + 1).saturating_sub(writes.saturating_sub(*spent));
        window.length.saturating_mul(u32::try_from(beyond.div_ceil(writes)).unwrap_or(u32::MAX))
    };
    now + windows.iter().map(wait).max().unwrap_or_default().min(Duration::from_hours(24 * 365))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_comes_from_the_window_that_delays_longest() {
        let windows =
            [BudgetWindow { writes: 80, length: Duration::from_mins(1) }, BudgetWindow { writes: 500, length: Duration::from_hours(1) }];
        let after = |spent: [u64; 2], waiting| {
            (expected(&[(windows[0], spent[0]), (windows[1], spent[1])], waiting, DateTime::UNIX_EPOCH)).timestamp()
        };
        assert_eq!(after([0, 0], 0), 0);
        assert_eq!(after([79, 79], 0), 0);
        assert_eq!(after([80, 80], 0), 60);
        assert_eq!(after([0, 0], 199), 120, "200 of them take the third minute");
        assert_eq!(after([80, 500], 0), 3600);
        assert_eq!(after([0, 0], 1000), 7200);
    }
}
