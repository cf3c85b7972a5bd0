//! The words of an issue as Postgres keeps them, in its own binary form: reading the written form took the server longer than
//! storing it.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

use crate::domain::find::search::{BREAK, SearchDocument};

/// Of `tsvector` and `tsvector[]`; built in, and so the same everywhere.
const TSVECTOR: Oid = Oid(3614);
const TSVECTORS: Oid = Oid(3643);

/// Postgres keeps so many positions of a word, and no more.
const MAX_PLACES: usize = 256;

/// A `tsvector`: each word once, in order, with its positions.
#[derive(Debug)]
pub(super) struct TsVector(Vec<u8>);

impl TsVector {
    /// Breaks between texts take a position, and are no words.
    pub(super) fn of(document: &SearchDocument) -> Self {
        let text = document.as_str();
        let words = text.split(' ').enumerate().filter(|(_, word)| !word.is_empty() && *word != BREAK);
        // A document ends long before the last position that Postgres can count, which is 16,383.
        let mut words: Vec<(&str, u16)> = words.map(|(n, word)| (word, u16::try_from(n + 1).unwrap_or(u16::MAX))).collect();
        words.sort_unstable();
        let mut bytes = Vec::with_capacity(text.len() * 2 + 4);
        bytes.extend([0; 4]);
        let mut different = 0_u32;
        for places in words.chunk_by(|one, other| one.0 == other.0) {
            different += 1;
            bytes.extend(places[0].0.as_bytes());
            bytes.push(0);
            let places = &places[..places.len().min(MAX_PLACES)];
            bytes.extend(u16::try_from(places.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(places.iter().flat_map(|(_, place)| place.to_be_bytes()));
        }
        bytes[..4].copy_from_slice(&different.to_be_bytes());
        Self(bytes)
    }
}

impl Type<Postgres> for TsVector {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TSVECTOR)
    }
}

impl PgHasArrayType for TsVector {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TSVECTORS)
    }
}

impl Encode<'_, Postgres> for TsVector {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_once_in_order_with_their_places() {
        let words = TsVector::of(&SearchDocument::new("b a", "a", [])).0;
        let expected = [&[0, 0, 0, 2][..], b"a\0", &[0, 2, 0, 2, 0, 4], b"b\0", &[0, 1, 0, 1]].concat();
        assert_eq!(words, expected, "the break between title and description has place 3");
    }

    #[test]
    fn no_more_places_of_a_word_are_told_than_postgres_takes() {
        let often = TsVector::of(&SearchDocument::new(&"a ".repeat(300), "", [])).0;
        assert_eq!(often[6..8], 256_u16.to_be_bytes());
    }
}
