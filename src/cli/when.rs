//! Moments and days as people say them.

use chrono::{DateTime, NaiveDate, Utc};

/// `3 min ago`, `in 2 days`; the largest unit alone.
pub(super) fn relative(moment: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - moment).num_seconds();
    let (amount, unit) = amount(seconds.unsigned_abs());
    match (amount, seconds >= 0) {
        (0, _) => "just now".to_owned(),
        (_, true) => format!("{amount} {unit}{} ago", plural(amount, unit)),
        (_, false) => format!("in {amount} {unit}{}", plural(amount, unit)),
    }
}

fn amount(seconds: u64) -> (u64, &'static str) {
    const UNITS: &[(u64, &str)] = &[(31_536_000, "year"), (2_592_000, "month"), (86_400, "day"), (3_600, "hour"), (60, "min")];
    UNITS.iter().find(|(length, _)| seconds >= *length).map_or((0, ""), |(length, unit)| (seconds / length, unit))
}

fn plural(amount: u64, unit: &str) -> &'static str {
    if amount == 1 || unit == "min" { "" } else { "s" }
}

/// A due date, with how far away it is.
pub(super) fn day(day: NaiveDate, now: DateTime<Utc>) -> String {
    match (day - now.date_naive()).num_days() {
        0 => format!("{day} (today)"),
        1 => format!("{day} (tomorrow)"),
        -1 => format!("{day} (yesterday)"),
        days @ 2.. => format!("{day} (in {days} days)"),
        days => format!("{day} ({} days ago)", -days),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_by_their_largest_unit() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let ago = |seconds: i64| relative(DateTime::from_timestamp(1_800_000_000 - seconds, 0).unwrap(), now);
        let told: Vec<String> = [0, 59, 60, 3_600, 90_000, 86_400 * 45, 86_400 * 800, -61, -7_300].into_iter().map(ago).collect();
        let expected =
            ["just now", "just now", "1 min ago", "1 hour ago", "1 day ago", "1 month ago", "2 years ago", "in 1 min", "in 2 hours"];
        assert_eq!(told, expected);
    }

    #[test]
    fn days_are_counted_from_today() {
        let now = "2026-06-16T23:59:00Z".parse().unwrap();
        let told = |date: &str| day(date.parse().unwrap(), now);
        assert_eq!(told("2026-06-16"), "2026-06-16 (today)");
        assert_eq!(told("2026-06-20"), "2026-06-20 (in 4 days)");
        assert_eq!(told("2026-06-14"), "2026-06-14 (2 days ago)");
    }
}
