//! How one issue stands to another. A plain reference: nothing is drawn from it, and the other issue need not know of it.
//!
//! The other one is an issue of ours, or something in a tracker under the name that people there give it. To add a relation: its word
//! in [`Relation`], and in the trackers that hold it.

use std::fmt;
use std::str::FromStr;

use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::base::fault::Faults;
use crate::domain::base::id::{IssueId, IssueNumber, IssueRef};
use crate::domain::base::input::{Input, JsonType};
use crate::domain::base::text;
use crate::domain::base::text::{TextRule, TextShape, fold};
use crate::domain::base::vocabulary::vocabulary;
use crate::domain::base::word::word;

vocabulary! {
    /// What this issue is to the other one.
    Relation {
        Blocks = "blocks",
        BlockedBy = "blocked_by",
        Relates = "relates",
        Duplicates = "duplicates",
        /// The other one is the parent of this one, of which there is one at most.
        Parent = "parent",
    }
}

/// How many a caller may give one issue.
pub const MAX_RELATIONS: usize = 100;

/// How many one issue may come to have: those of a tracker beside those that only we know of.
const MOST: usize = 2 * MAX_RELATIONS;

/// The name of the other one, however it is written.
pub const OTHER: TextRule = TextRule { max: 512, shape: TextShape::Line };

const BACKEND_MOST: usize = 32;

/// One relation of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueRelation {
    pub relation: Relation,
    pub to: RelationEnd,
}

/// The issue at the other end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RelationEnd {
    Issue(IssueId),
    /// In a tracker, known here by its name there only.
    Elsewhere(TrackerKey),
}

/// What people call an issue in one of the trackers: `gitea:acme/tools#12`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrackerKey {
    /// The backend's configured name.
    pub backend: String,
    pub key: String,
}

/// A relation as a caller requests it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedRelation {
    pub relation: Relation,
    pub to: NamedIssue,
}

/// The other end as a caller names it. Whether there is such an issue is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NamedIssue {
    Issue(IssueRef),
    Elsewhere(TrackerKey),
}

/// The text names nothing that an issue can relate to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an issue's id or number (42), or BACKEND:key for an issue in a tracker (gitea:acme/tools#12)")]
pub struct NotAReference;

impl TrackerKey {
    #[must_use]
    pub fn new(backend: &str, key: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
        let named = (1..=BACKEND_MOST).contains(&backend.len()) && backend.bytes().all(plain);
        let whole = OTHER.check(&format!("{backend}:{key}")).is_ok();
        (named && whole && !key.trim().is_empty()).then(|| Self { backend: backend.to_owned(), key: text::one_line(key) })
    }
}

impl TrackerKey {
    /// Whether a tracker's name of an issue can be stored, for any name of the backend.
    #[must_use]
    pub fn can_hold(key: &str) -> bool {
        let rule = TextRule { max: OTHER.max - BACKEND_MOST - 1, ..OTHER };
        !key.is_empty() && rule.check(key).as_deref() == Ok(key)
    }
}

impl fmt::Display for TrackerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.backend, self.key)
    }
}

impl FromStr for TrackerKey {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once(':').and_then(|(backend, key)| Self::new(backend, key)).ok_or(NotAReference)
    }
}

impl FromStr for NamedIssue {
    type Err = NotAReference;

    /// Of one line. Stricter than a path: what a document can describe, and nothing that may be two things.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(id) = uuid(text) {
            return Ok(Self::Issue(IssueRef::Id(id)));
        }
        let digits = text.strip_prefix('#').unwrap_or(text);
        let counts = (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        match digits.parse() {
            Ok(number) if counts => Ok(Self::Issue(IssueRef::Number(IssueNumber(number)))),
            Ok(_) | Err(_) => text.parse().map(Self::Elsewhere),
        }
    }
}

fn uuid(text: &str) -> Option<IssueId> {
    const LENGTH: usize = 36;
    Uuid::try_parse(text).ok().filter(|_| text.len() == LENGTH).map(IssueId)
}

impl fmt::Display for NamedIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue(name) => name.fmt(f),
            Self::Elsewhere(key) => key.fmt(f),
        }
    }
}

impl fmt::Display for RelationEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue(id) => id.fmt(f),
            Self::Elsewhere(key) => key.fmt(f),
        }
    }
}

impl From<RelationEnd> for String {
    fn from(other: RelationEnd) -> Self {
        other.to_string()
    }
}

impl TryFrom<String> for RelationEnd {
    type Error = NotAReference;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        uuid(&text).map_or_else(|| text.parse().map(Self::Elsewhere), |id| Ok(Self::Issue(id)))
    }
}

impl RelationEnd {
    #[must_use]
    pub const fn issue(&self) -> Option<IssueId> {
        match self {
            Self::Issue(id) => Some(*id),
            Self::Elsewhere(_) => None,
        }
    }

    /// Whether both are one: of a tracker's names case does not count.
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Issue(one), Self::Issue(two)) => one == two,
            (Self::Elsewhere(one), Self::Elsewhere(two)) => one.backend == two.backend && fold(&one.key) == fold(&two.key),
            (Self::Issue(_), Self::Elsewhere(_)) | (Self::Elsewhere(_), Self::Issue(_)) => false,
        }
    }
}

/// Adds one, unless it is there. A new parent replaces the old one.
pub fn put(set: &mut Vec<IssueRelation>, new: IssueRelation) {
    if set.iter().any(|one| one.relation == new.relation && one.to.same(&new.to)) {
        return;
    }
    if new.relation == Relation::Parent {
        set.retain(|one| one.relation != Relation::Parent);
    }
    set.push(new);
}

/// The issues of ours among the other ends.
pub fn issues(set: &[IssueRelation]) -> impl Iterator<Item = IssueId> {
    set.iter().filter_map(|related| related.to.issue())
}

/// The issues that the requested relations name and that must be looked up.
pub fn named(requests: &[WantedRelation]) -> impl Iterator<Item = IssueRef> {
    requests.iter().filter_map(|request| match &request.to {
        NamedIssue::Issue(name) => Some(*name),
        NamedIssue::Elsewhere(_) => None,
    })
}

/// Why requested relations cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnmetRelation {
    /// Their positions, and the names that match no issue.
    Unknown(Vec<(usize, IssueRef)>),
    TwoParents,
}

/// The requested relations, each once, resolved by the known ids of the issues they name.
pub fn resolved(requests: &[WantedRelation], known: impl Fn(&IssueRef) -> Option<IssueId>) -> Result<Vec<IssueRelation>, UnmetRelation> {
    let (mut set, mut unknown) = (Vec::<IssueRelation>::with_capacity(requests.len()), Vec::new());
    for (n, WantedRelation { relation, to }) in requests.iter().enumerate() {
        let found = match to {
            NamedIssue::Elsewhere(key) => Ok(RelationEnd::Elsewhere(key.clone())),
            NamedIssue::Issue(name) => known(name).map(RelationEnd::Issue).ok_or(*name),
        };
        match found {
            // Two names may be those of one.
            Ok(to) if *relation == Relation::Parent && set.iter().any(|one| one.relation == Relation::Parent && !one.to.same(&to)) => {
                return Err(UnmetRelation::TwoParents);
            }
            Ok(to) => put(&mut set, IssueRelation { relation: *relation, to }),
            Err(name) => unknown.push((n, name)),
        }
    }
    if unknown.is_empty() { Ok(set) } else { Err(UnmetRelation::Unknown(unknown)) }
}

/// What is wrong with a set that another store kept (code, message).
pub fn check(set: &[IssueRelation], own: IssueId) -> Result<(), (&'static str, String)> {
    let parents = set.iter().filter(|related| related.relation == Relation::Parent).count();
    if set.len() > MOST {
        Err(("too_many", format!("must hold at most {MOST} relations")))
    } else if parents > 1 || issues(set).any(|id| id == own) {
        Err(("contradiction", "an issue has one parent at most, and no relation to itself".to_owned()))
    } else {
        Ok(())
    }
}

/// One relation of a body, types unchecked. Other keys are ignored: what an issue shows of a relation may be sent back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RelationSpec {
    pub relation: Input<String>,
    pub to: Input<String>,
}

impl JsonType for RelationSpec {
    const NAME: &'static str = "an object";
    fn object<'de, A: MapAccess<'de>>(map: &mut A) -> Option<Result<Self, A::Error>> {
        Some(Self::deserialize(MapAccessDeserializer::new(map)))
    }
}

/// A list of them. Repeats are dropped after the names are resolved.
pub fn wishes(input: Input<Vec<Input<RelationSpec>>>, pointer: &str, faults: &mut Faults) -> Vec<WantedRelation> {
    let items = text::typed(input, pointer, faults).unwrap_or_default();
    if items.len() > MAX_RELATIONS {
        faults.add(pointer, "too_many", format!("must hold at most {MAX_RELATIONS} entries"));
        return Vec::new();
    }
    let mut requests: Vec<WantedRelation> = Vec::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        let at = format!("{pointer}/{n}");
        let spec = match item {
            Input::Null => {
                faults.add(at, "wrong_type", format!("must be {}, this is null", RelationSpec::NAME));
                continue;
            }
            other @ (Input::Absent | Input::Value(_) | Input::WrongType(_)) => text::typed(other, &at, faults),
        };
        requests.extend(spec.and_then(|spec| spec.parse(&at, faults)));
    }
    requests
}

impl RelationSpec {
    fn parse(self, at: &str, faults: &mut Faults) -> Option<WantedRelation> {
        let place = format!("{at}/relation");
        if matches!(self.relation, Input::Absent | Input::Null) {
            faults.add(&*place, "missing", "is required");
        }
        let relation = word(self.relation, &place, faults);
        let place = format!("{at}/to");
        let to = text::required(self.to, &place, OTHER, faults);
        if to.is_empty() {
            // The fault is reported already.
            return None;
        }
        let to = to.parse().map_err(|error: NotAReference| faults.add(place, "not_a_reference", error.to_string())).ok();
        relation.zip(to).map(|(relation, to)| WantedRelation { relation, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Vec<String>, Vec<(String, &'static str)>> {
        let mut faults = Faults::default();
        let requests = wishes(serde_json::from_str(json).unwrap(), "/relations", &mut faults);
        let told = requests.iter().map(|request| format!("{} {}", request.relation, request.to)).collect();
        faults.into_result(told).map_err(|faults| faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect())
    }

    fn related(relation: Relation, to: &str) -> IssueRelation {
        IssueRelation { relation, to: to.to_owned().try_into().unwrap() }
    }

    #[test]
    fn the_other_one_is_named_by_id_by_number_or_by_its_key_in_a_tracker() {
        let id = Uuid::from_u128(7);
        let body = format!(
            r##"[{{"relation":"blocks","to":" {id}"}},{{"relation":"parent","to":"#42","number":42}},
                {{"relation":"relates","to":"git-ea_1:  acme/tools  x#12"}},{{"relation":"blocked_by","to":"7"}}]"##
        );
        let expected =
            [format!("blocks {id}"), "parent 42".to_owned(), "relates git-ea_1:acme/tools x#12".to_owned(), "blocked_by 7".to_owned()];
        assert_eq!(parse(&body), Ok(expected.to_vec()));
        assert_eq!((parse("null"), parse("[]")), (Ok(vec![]), Ok(vec![])));
        let simple = id.simple().to_string();
        let urn = id.urn().to_string();
        for bad in ["OPS-7", "0", "007", "-1", "gitea:", "Gitea:x", ":x", "a b:x", "9999999999999999999", &simple, "42 x"] {
            assert_eq!(bad.parse::<NamedIssue>(), Err(NotAReference), "{bad}");
        }
        assert!(matches!(urn.parse(), Ok(NamedIssue::Elsewhere(_))), "nothing but a name behind a colon");
    }

    #[test]
    fn every_fault_is_listed_at_its_pointer() {
        let faults = parse(
            r#"[{"relation":"parent","to":"1"},{"relation":"parent","to":"2"},{"to":7},{"relation":"likes","to":"3"},null,5,{"relation":"blocks","to":"x"},{}]"#,
        );
        let expected = [
            ("/relations/2/relation", "missing"),
            ("/relations/2/to", "wrong_type"),
            ("/relations/3/relation", "unknown_word"),
            ("/relations/4", "wrong_type"),
            ("/relations/5", "wrong_type"),
            ("/relations/6/to", "not_a_reference"),
            ("/relations/7/relation", "missing"),
            ("/relations/7/to", "missing"),
        ];
        assert_eq!(faults, Err(expected.map(|(pointer, code)| (pointer.to_owned(), code)).to_vec()));
        let many = serde_json::json!(vec![serde_json::json!({"relation": "blocks", "to": "1"}); 101]).to_string();
        assert_eq!(parse(&many), Err(vec![("/relations".to_owned(), "too_many")]));
        assert_eq!(parse("{}"), Err(vec![("/relations".to_owned(), "wrong_type")]));
    }

    #[test]
    fn a_set_holds_each_once_and_one_parent() {
        let mut set = vec![related(Relation::Parent, "gitea:a#1")];
        put(&mut set, related(Relation::Blocks, "gitea:A#1"));
        put(&mut set, related(Relation::Blocks, "gitea:a#1"));
        assert_eq!(set.len(), 2, "case does not count");
        put(&mut set, related(Relation::Blocks, "forgejo:a#1"));
        put(&mut set, related(Relation::Parent, "gitea:a#2"));
        let told: Vec<String> = set.iter().map(|one| format!("{} {}", one.relation, one.to)).collect();
        assert_eq!(told, ["blocks gitea:A#1", "blocks forgejo:a#1", "parent gitea:a#2"]);
    }

    #[test]
    fn names_become_ids_and_the_unknown_ones_are_all_listed() {
        let id = IssueId(Uuid::from_u128(7));
        let number = |number| IssueRef::Number(IssueNumber(number));
        let request = |relation, name| WantedRelation { relation, to: NamedIssue::Issue(name) };
        let requests =
            [request(Relation::Blocks, number(1)), request(Relation::Blocks, IssueRef::Id(id)), request(Relation::Relates, number(2))];
        let both = |name: &IssueRef| [number(1), IssueRef::Id(id)].contains(name).then_some(id);
        assert_eq!(resolved(&requests[..2], both), Ok(vec![IssueRelation { relation: Relation::Blocks, to: RelationEnd::Issue(id) }]));
        assert!(matches!(resolved(&requests, |_| None), Err(UnmetRelation::Unknown(all)) if all.len() == 3));
        assert_eq!(resolved(&requests, both), Err(UnmetRelation::Unknown(vec![(2, number(2))])));
        let parents = |name| [request(Relation::Parent, number(1)), request(Relation::Parent, name)];
        assert_eq!(resolved(&parents(IssueRef::Id(id)), both).map(|set| set.len()), Ok(1), "one parent by two names");
        assert_eq!(
            resolved(&parents(number(2)), |name| Some(if *name == number(1) { id } else { IssueId(Uuid::nil()) })),
            Err(UnmetRelation::TwoParents)
        );
    }

    #[test]
    fn it_is_written_as_words_and_reads_back() {
        let id = IssueId(Uuid::from_u128(7));
        let set =
            vec![IssueRelation { relation: Relation::BlockedBy, to: RelationEnd::Issue(id) }, related(Relation::Parent, "jira:OPS-7")];
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(json, format!(r#"[{{"relation":"blocked_by","to":"{id}"}},{{"relation":"parent","to":"jira:OPS-7"}}]"#));
        assert_eq!(serde_json::from_str::<Vec<IssueRelation>>(&json).unwrap(), set);
        assert!(serde_json::from_str::<IssueRelation>(r#"{"relation":"blocks","to":"42"}"#).is_err(), "a number is no identity");
        assert!(check(&set, id).is_err() && check(&set, IssueId(Uuid::from_u128(8))).is_ok());
    }
}
