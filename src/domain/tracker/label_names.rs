//! Which label stands for which state, priority and kind, and which tracker user stands for which
//! of our users.

use std::collections::BTreeMap;

use super::capability::{Capabilities, CarriedAs};
use super::draft::Draft;
use crate::domain::base::text::fold;
use crate::domain::base::vocabulary::{Kind, Priority, StateName};

/// Every name may be configured; an empty one means that nothing stands for the word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelNames {
    pub in_progress: String,
    pub blocked: String,
    /// In the order of [`Priority::ALL`].
    pub priorities: [String; 3],
    /// In the order of [`Kind::ALL`].
    pub kinds: [String; 4],
}

/// What the labels of an issue there say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelReading {
    /// `in_progress` or `blocked`. Blocked wins: it says more.
    pub state: Option<StateName>,
    /// The most urgent one named.
    pub priority: Option<Priority>,
    pub kind: Option<Kind>,
    /// Those that stand for nothing.
    pub free: Vec<String>,
}

impl Default for LabelNames {
    fn default() -> Self {
        let named = |prefix: &str, word: &str| format!("{prefix}:{word}");
        Self {
            in_progress: named("status", StateName::InProgress.as_str()),
            blocked: named("status", StateName::Blocked.as_str()),
            priorities: [Priority::High, Priority::Medium, Priority::Low].map(|word| named("priority", word.as_str())),
            kinds: [Kind::Task, Kind::Bug, Kind::Feature, Kind::Chore].map(|word| named("type", word.as_str())),
        }
    }
}

impl LabelNames {
    #[must_use]
    pub fn priority(&self, word: Priority) -> &str {
        &self.priorities[Priority::ALL.iter().position(|other| *other == word).unwrap_or_default()]
    }

    #[must_use]
    pub fn kind(&self, word: Kind) -> &str {
        &self.kinds[Kind::ALL.iter().position(|other| *other == word).unwrap_or_default()]
    }

    /// The label of a state; open and closed have none.
    #[must_use]
    pub fn state(&self, word: StateName) -> &str {
        match word {
            StateName::InProgress => &self.in_progress,
            StateName::Blocked => &self.blocked,
            StateName::Open | StateName::Closed => "",
        }
    }

    /// The labels that stand for what this tracker has no field for.
    #[must_use]
    pub fn labels_for(&self, draft: &Draft, capabilities: &Capabilities) -> Vec<String> {
        let words = [
            (capabilities.states, self.state(draft.state)),
            (capabilities.priority, self.priority(draft.priority)),
            (capabilities.kind, self.kind(draft.kind)),
        ];
        words
            .into_iter()
            .filter(|(carried, name)| *carried == CarriedAs::ByLabel && !name.is_empty())
            .map(|(_, name)| name.to_owned())
            .collect()
    }

    /// Whether the label stands for something here, so that it cannot be a free one.
    #[must_use]
    pub fn is_reserved(&self, label: &str, capabilities: &Capabilities) -> bool {
        let by_label = |carried| carried == CarriedAs::ByLabel;
        let named = |name: &String| !name.is_empty() && fold(name) == fold(label);
        by_label(capabilities.states) && [&self.in_progress, &self.blocked].into_iter().any(named)
            || by_label(capabilities.priority) && self.priorities.iter().any(named)
            || by_label(capabilities.kind) && self.kinds.iter().any(named)
    }

    /// What the labels there say. Only what this tracker carries by label is read from labels.
    #[must_use]
    pub fn read(&self, labels: &[String], capabilities: &Capabilities) -> LabelReading {
        let by_label = |carried| carried == CarriedAs::ByLabel;
        let has = |name: &str| !name.is_empty() && labels.iter().any(|label| fold(label) == fold(name));
        let first = |on: bool, found: Option<StateName>| if on { found } else { None };
        let states = [StateName::Blocked, StateName::InProgress].into_iter().find(|word| has(self.state(*word)));
        LabelReading {
            state: first(by_label(capabilities.states), states),
            priority: Priority::ALL.iter().copied().filter(|_| by_label(capabilities.priority)).find(|word| has(self.priority(*word))),
            kind: Kind::ALL.iter().copied().filter(|_| by_label(capabilities.kind)).find(|word| has(self.kind(*word))),
            free: labels.iter().filter(|label| !self.is_reserved(label, capabilities)).cloned().collect(),
        }
    }
}

/// Our user names and the tracker's. A user without a mapping is never assigned and never removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserMap {
    theirs: BTreeMap<String, String>,
    /// Names that are not in the table are the same there.
    same: bool,
}

impl UserMap {
    /// Ours to theirs; the entry `* = "*"` says that all others are called the same there.
    #[must_use]
    pub fn new(table: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut theirs: BTreeMap<String, String> = table.into_iter().collect();
        let same = theirs.remove("*").is_some();
        Self { theirs, same }
    }

    #[must_use]
    pub fn remote_name<'a>(&'a self, ours: &'a str) -> Option<&'a str> {
        self.theirs.get(ours).map(String::as_str).or_else(|| self.same.then_some(ours))
    }

    #[must_use]
    pub fn local_name<'a>(&'a self, theirs: &'a str) -> Option<&'a str> {
        let found = self.theirs.iter().find(|(_, name)| fold(name) == fold(theirs)).map(|(ours, _)| ours.as_str());
        found.or_else(|| (self.same && !self.theirs.contains_key(theirs)).then_some(theirs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_who_are_not_in_the_table_are_unknown_unless_all_are_called_the_same() {
        let table = || [("ann".to_owned(), "ann-a".to_owned())];
        let users = UserMap::new(table());
        assert_eq!((users.remote_name("ann"), users.remote_name("bob")), (Some("ann-a"), None));
        assert_eq!((users.local_name("Ann-A"), users.local_name("bob")), (Some("ann"), None));
        let same = UserMap::new(table().into_iter().chain([("*".to_owned(), "*".to_owned())]));
        assert_eq!((same.remote_name("ann"), same.remote_name("bob")), (Some("ann-a"), Some("bob")));
        assert_eq!((same.local_name("ann"), same.local_name("bob")), (None, Some("bob")), "their ann is somebody else");
    }
}
