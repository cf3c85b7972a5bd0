//! The closed word lists of the API. Each word is spelt here once, for JSON, SQL, metrics and the command line alike.

/// Declares an enum whose words are its wire form, its stored form and its display form.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The words themselves, for messages and documents.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::base::vocabulary::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::domain::base::vocabulary::UnknownWord { allowed: Self::WORDS }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use vocabulary;

/// A word outside its list; the message names the words that are in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", allowed.join(", "))]
pub struct UnknownWord {
    pub allowed: &'static [&'static str],
}

vocabulary! {
    /// How urgent an issue is. `high` sorts first.
    Priority { High = "high", Medium = "medium", Low = "low" }
}

vocabulary! {
    /// What sort of work it is.
    Kind { Task = "task", Bug = "bug", Feature = "feature", Chore = "chore" }
}

vocabulary! {
    /// The canonical states, without what belongs to each of them.
    StateName { Open = "open", InProgress = "in_progress", Blocked = "blocked", Closed = "closed" }
}

vocabulary! {
    /// Why an issue was closed.
    CloseReason { Completed = "completed", NotPlanned = "not_planned", Duplicate = "duplicate" }
}

vocabulary! {
    /// Where an issue stands in the review queue.
    ReviewState { None = "none", Pending = "pending", Approved = "approved", Rejected = "rejected" }
}

vocabulary! {
    /// Which part of activity-core produced the task.
    SourceType { Rule = "rule", Instruction = "instruction" }
}

vocabulary! {
    /// What a key allows.
    Scope { Ingest = "ingest", Read = "read", Write = "write", Admin = "admin" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_json_agrees() {
        for priority in Priority::ALL {
            assert_eq!(priority.as_str().parse::<Priority>(), Ok(*priority));
            assert_eq!(serde_json::to_value(priority).unwrap(), priority.as_str());
        }
        let error = "urgent".parse::<Priority>().unwrap_err();
        assert_eq!(error.to_string(), "must be one of high, medium, low");
    }
}
