//! The position at which a page ended, as a token that only its own query can read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CursorKey, IssueQuery, ListFilter, Order, Sort};

/// Raised when tokens change their meaning.
const VERSION: u8 = 1;

/// What a token holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListCursor {
    v: u8,
    /// Which query it belongs to.
    q: String,
    p: CursorKey,
}

/// Why a token is no cursor of this query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotACursor {
    #[error("is not a cursor; take it from `next` or the Link header of the page before, unchanged")]
    Unreadable,
    #[error("belongs to another list: filter, sort and order must stay as they were on the first page")]
    OfAnotherQuery,
}

impl ListCursor {
    pub(super) fn write(query: &IssueQuery, place: CursorKey) -> String {
        let cursor = Self { v: VERSION, q: fingerprint(query), p: place };
        // A struct of numbers and texts is always written.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
    }

    pub(super) fn read(token: &str, query: &IssueQuery) -> Result<CursorKey, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| NotACursor::Unreadable)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| NotACursor::Unreadable)?;
        if cursor.v != VERSION {
            return Err(NotACursor::Unreadable);
        }
        if cursor.q != fingerprint(query) || cursor.p.sort() != query.sort {
            return Err(NotACursor::OfAnotherQuery);
        }
        Ok(cursor.p)
    }
}

fn fingerprint(query: &IssueQuery) -> String {
    let parts: (&ListFilter, Sort, Order) = (&query.filter, query.sort, query.order);
    let digest = Sha256::digest(serde_json::to_vec(&parts).unwrap_or_default());
    URL_SAFE_NO_PAD.encode(&digest[..9])
}
