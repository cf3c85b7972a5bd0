//! The moment and the identity of one decision, handed in from outside so that every rule stays pure.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// When a decision is taken and the fresh id it may give away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub now: DateTime<Utc>,
    pub id: Uuid,
}

impl Stamp {
    /// Chance as a value: the last bits of the id, which are random.
    #[must_use]
    pub fn random(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the last bits are meant")]
        let bits = self.id.as_u128() as u32;
        bits
    }

    /// Further ids of the same decision: the random tail of `id`, counted up, so that they stay unique and sorted.
    #[must_use]
    pub fn nth(&self, n: u32) -> Uuid {
        const TAIL: u128 = (1 << 62) - 1;
        let id = self.id.as_u128();
        Uuid::from_u128((id & !TAIL) | ((id & TAIL).wrapping_add(u128::from(n)) & TAIL))
    }

    /// For what follows in the same change: the same moment, and ids from the `n`th on.
    #[must_use]
    pub fn from_nth(&self, n: u32) -> Self {
        Self { now: self.now, id: self.nth(n) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn further_ids_differ_and_keep_version_and_variant(raw: u128, a in 0u32..9999, b in 0u32..9999) {
            let id = uuid::Builder::from_u128(raw).with_version(uuid::Version::SortRand).with_variant(uuid::Variant::RFC4122).into_uuid();
            let stamp = Stamp { now: DateTime::UNIX_EPOCH, id };
            prop_assert_eq!(stamp.nth(0), id);
            prop_assert_eq!(stamp.nth(a) == stamp.nth(b), a == b);
            prop_assert_eq!(stamp.nth(a).get_version_num(), 7);
        }
    }
}
