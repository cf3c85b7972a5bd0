//! Notices a field that goes back and forth between the two sides: some other automation is at it, and following it would never end.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::tracker::Field;

/// Which way a field went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlipDirection {
    /// From there to here.
    Taken,
    /// From here to there.
    Sent,
}

/// The moments of the last hour at which a field went the other way than before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldFlips(BTreeMap<Field, FieldWay>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FieldWay {
    last: FlipDirection,
    at: Vec<DateTime<Utc>>,
}

/// A few times an hour two people may well answer each other.
const MOST: usize = 6;

impl FieldFlips {
    /// The field goes that way; `true`: it turned around too often, and stands still from now on.
    pub fn note(&mut self, field: Field, turn: FlipDirection, now: DateTime<Utc>) -> bool {
        let way = self.0.entry(field).or_insert_with(|| FieldWay { last: turn, at: Vec::new() });
        way.at.retain(|at| *at > now - TimeDelta::hours(1));
        if way.last != turn {
            way.last = turn;
            way.at.push(now);
        }
        way.at.len() > MOST
    }

    /// An operator decided the field: it may change again.
    pub fn forget(&mut self, field: Field) {
        self.0.remove(&field);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn a_field_that_goes_back_and_forth_stands_still_and_one_that_goes_one_way_does_not() {
        let mut turns = FieldFlips::default();
        assert!((0..50).all(|n| !turns.note(Field::Title, FlipDirection::Sent, at(n))));
        let turned: Vec<bool> =
            (0..8).map(|n| turns.note(Field::Labels, if n % 2 == 0 { FlipDirection::Taken } else { FlipDirection::Sent }, at(n))).collect();
        assert_eq!(turned, [false, false, false, false, false, false, false, true]);
        turns.forget(Field::Labels);
        assert!(!turns.note(Field::Labels, FlipDirection::Sent, at(9)));
    }

    #[test]
    fn an_hour_later_it_is_forgotten() {
        let mut turns = FieldFlips::default();
        for n in 0..20 {
            let turn = if n % 2 == 0 { FlipDirection::Taken } else { FlipDirection::Sent };
            assert!(!turns.note(Field::State, turn, at(n * 10)), "six an hour are followed");
        }
    }
}
