//! Durations as people write them: one number and one unit, `250ms`, `5s`, `10m`, `2h`, `7d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

pub(super) fn parse(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, millis) = UNITS.iter().find(|(unit, _)| *unit == &text[digits.len()..])?;
    let count: u64 = digits.trim().parse().ok()?;
    count.checked_mul(*millis).map(Duration::from_millis)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| {
        de::Error::custom(format!("{text:?} is not a duration; write one like \"250ms\", \"5s\", \"10m\", \"2h\" or \"7d\""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse("2h"), Some(Duration::from_hours(2)));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
        for bad in ["", "5", "s", "5 s x", "-1s", "1.5s", "99999999999999999999d", "18446744073709551615d"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
