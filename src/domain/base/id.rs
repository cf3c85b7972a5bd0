//! Names of things: opaque ids, the short number people say, and the reference a caller may give for either.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// An issue's identity: a UUIDv7, opaque to callers and stable for ever.
    IssueId
}
uuid_id! {
    /// A comment's identity: a UUIDv7.
    CommentId
}

/// The short number people use. The store gives it on the first commit and never gives it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IssueNumber(pub i64);

impl IssueNumber {
    /// What a new issue carries until the store has numbered it.
    pub const UNASSIGNED: Self = Self(0);
}

impl fmt::Display for IssueNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a caller names an issue: by id or by number (`42` or `#42`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IssueRef {
    Id(IssueId),
    Number(IssueNumber),
}

impl FromStr for IssueRef {
    type Err = NotAnIssueRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = Uuid::try_parse(text) {
            return Ok(Self::Id(IssueId(id)));
        }
        let digits = text.strip_prefix('#').unwrap_or(text);
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAnIssueRef);
        }
        match digits.parse::<i64>() {
            Ok(number) if number > 0 => Ok(Self::Number(IssueNumber(number))),
            _ => Err(NotAnIssueRef),
        }
    }
}

impl fmt::Display for IssueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// The text names no issue: neither a UUID nor a positive number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an issue is named by its id (a UUID) or by its number")]
pub struct NotAnIssueRef;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_an_id_or_a_positive_number() {
        let id = Uuid::from_u128(7);
        assert_eq!(id.to_string().parse(), Ok(IssueRef::Id(IssueId(id))));
        assert_eq!("42".parse(), Ok(IssueRef::Number(IssueNumber(42))));
        assert_eq!("#42".parse(), Ok(IssueRef::Number(IssueNumber(42))));
        for bad in ["", "0", "-1", "+1", "4 2", "#", "99999999999999999999", "gitea:1", "1\0"] {
            assert_eq!(bad.parse::<IssueRef>(), Err(NotAnIssueRef), "{bad:?}");
        }
    }
}
