//! Reading a word of a closed list, and a date, from unchecked input.

use chrono::NaiveDate;

use super::fault::Faults;
use super::input::Input;
use super::text;
use super::vocabulary::UnknownWord;

/// A word out of its list; anything else, blank too, is a fault.
pub fn word<T: std::str::FromStr<Err = UnknownWord>>(input: Input<String>, pointer: &str, faults: &mut Faults) -> Option<T> {
    let text = text::typed(input, pointer, faults)?;
    text.parse().map_err(|error: UnknownWord| faults.add(pointer, "unknown_word", error.to_string())).ok()
}

/// A calendar date, `YYYY-MM-DD`, of a year with four digits.
pub fn date(input: Input<String>, pointer: &str, faults: &mut Faults) -> Option<NaiveDate> {
    let text = text::typed(input, pointer, faults)?;
    let date = (text.len() == 10).then(|| text.parse::<NaiveDate>().ok()).flatten();
    if date.is_none() {
        faults.add(pointer, "not_a_date", "must be a date like 2026-06-30");
    }
    date
}
