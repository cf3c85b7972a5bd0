//! When two posts are the same task: the key ladder.
//!
//! 1. An `Idempotency-Key` header, scoped to the caller: the same key with another body is a mistake of the caller.
//! 2. Else the natural key of the task, once it names the event that triggered it. It is not scoped, so the same task
//!    is recognised over HTTP and NATS alike, and a different body does not matter: the first one stands.
//! 3. Else the name its transport gave the message, in the same scope as the header: a redelivery is no new task. It comes
//!    last because a sender that repeats itself may well give its message a new name.
//! 4. Else nothing: every post is a new task.

use sha2::{Digest, Sha256};

use crate::domain::issue::create::CreateIssue;
use crate::domain::tracker::Project;

/// The identity of a task, a SHA-256: a unique column written together with the issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DedupeKey(pub [u8; 32]);

/// The SHA-256 of a request's body. It distinguishes a repeated request from a reused key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// How a new issue is recognised when it is posted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dedupe {
    pub key: DedupeKey,
    /// Set when a repeat must carry the same body (the header rung).
    pub fingerprint: Option<Fingerprint>,
}

/// The names a sender or its transport gave the request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GivenKeys<'a> {
    pub idempotency_key: Option<&'a str>,
    /// The name a message has among all messages, where the task came as one that may be delivered again.
    pub message_id: Option<&'a str>,
}

impl Dedupe {
    /// Walks the ladder for one request.
    #[must_use]
    pub fn of(command: &CreateIssue, caller: &str, given: GivenKeys<'_>) -> Option<Self> {
        let named = |name: &str| {
            let key = DedupeKey(hash("header", &[Some(caller), Some(name)]));
            Self { key, fingerprint: Some(fingerprint(command)) }
        };
        let natural = || natural_key(command).map(|key| Self { key, fingerprint: None });
        given.idempotency_key.map(named).or_else(natural).or_else(|| given.message_id.map(named))
    }
}

impl Dedupe {
    /// The key of a remote issue: sync runs meet it many times and adopt it once.
    #[must_use]
    pub fn of_remote(backend: &str, place: &Project, remote_id: &str) -> Self {
        let Project { owner, repo, project } = place;
        let key = hash("remote", &[Some(backend), Some(owner), Some(repo), Some(project), Some(remote_id)]);
        Self { key: DedupeKey(key), fingerprint: None }
    }
}

/// One trigger emits many tasks: never the event id alone.
fn natural_key(command: &CreateIssue) -> Option<DedupeKey> {
    let origin = &command.origin;
    origin.triggering_event_id.as_ref()?;
    Some(DedupeKey(hash(
        "natural",
        &[
            origin.activity_definition_id.as_deref(),
            origin.triggering_event_id.as_deref(),
            origin.source_type.map(crate::domain::base::vocabulary::SourceType::as_str),
            origin.source_id.as_deref(),
            command.target_repo.as_deref(),
            Some(&command.title),
        ],
    )))
}

fn fingerprint(command: &CreateIssue) -> Fingerprint {
    let CreateIssue {
        title,
        description,
        kind,
        priority,
        labels,
        assignees,
        milestone,
        due,
        target_repo,
        origin,
        review_required,
        relations,
    } = command;
    let due = due.map(|due| due.to_string());
    let mut parts = vec![
        Some(title.as_str()),
        Some(description),
        Some(kind.as_str()),
        Some(priority.as_str()),
        milestone.as_deref(),
        due.as_deref(),
        target_repo.as_deref(),
        origin.source_type.map(crate::domain::base::vocabulary::SourceType::as_str),
        origin.source_id.as_deref(),
        origin.triggering_event_id.as_deref(),
        origin.activity_definition_id.as_deref(),
        review_required.then_some("review"),
    ];
    parts.extend(labels.iter().map(|label| Some(label.as_str())));
    parts.push(None);
    parts.extend(assignees.iter().map(|assignee| Some(assignee.as_str())));
    // Nothing where there are none: what was filed before there were any is recognised still.
    let relations: Vec<String> = relations.iter().map(|request| format!("{} {}", request.relation, request.to)).collect();
    if !relations.is_empty() {
        parts.push(None);
        parts.extend(relations.iter().map(|relation| Some(relation.as_str())));
    }
    Fingerprint(hash("body", &parts))
}

/// Length-prefixed, so that no two different lists of parts share their bytes; absent differs from empty.
fn hash(rung: &str, parts: &[Option<&str>]) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in std::iter::once(&Some(rung)).chain(parts) {
        match part {
            None => sha.update(u64::MAX.to_le_bytes()),
            Some(text) => {
                sha.update((text.len() as u64).to_le_bytes());
                sha.update(text.as_bytes());
            }
        }
    }
    sha.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn different_parts_have_different_hashes(a in prop::collection::vec(prop::option::of("[ab]{0,2}"), 0..4), b in prop::collection::vec(prop::option::of("[ab]{0,2}"), 0..4)) {
            let parts = |v: &[Option<String>]| hash("r", &v.iter().map(Option::as_deref).collect::<Vec<_>>());
            prop_assert_eq!(parts(&a) == parts(&b), a == b);
        }
    }

    fn task(event: Option<&str>, title: &str) -> CreateIssue {
        let spec = crate::domain::request::create::TaskSpec {
            title: title.to_owned().into(),
            triggering_event_id: event.map_or_else(Default::default, |event| event.to_owned().into()),
            ..Default::default()
        };
        CreateIssue::parse(spec).unwrap()
    }

    fn given<'a>(idempotency_key: Option<&'a str>, message_id: Option<&'a str>) -> GivenKeys<'a> {
        GivenKeys { idempotency_key, message_id }
    }

    #[test]
    fn the_header_outranks_the_natural_key_and_is_scoped_to_its_caller() {
        let command = task(Some("e1"), "t");
        let key = |caller, name| Dedupe::of(&command, caller, given(name, None)).unwrap();
        assert!(key("a", Some("k")).fingerprint.is_some());
        assert_ne!(key("a", Some("k")).key, key("b", Some("k")).key);
        assert_ne!(key("a", Some("k")).key, key("a", None).key);
    }

    #[test]
    fn a_messages_name_counts_last_and_like_the_header() {
        let (natural, plain) = (task(Some("e1"), "t"), task(None, "t"));
        let of = |command, key, message| Dedupe::of(command, "a", given(key, message));
        assert_eq!(of(&natural, None, Some("m")), of(&natural, None, None));
        assert_eq!(of(&plain, None, Some("m")), of(&plain, Some("m"), None));
        assert_eq!(of(&plain, Some("k"), Some("m")), of(&plain, Some("k"), None));
    }

    #[test]
    fn a_body_without_relations_has_the_print_it_always_had() {
        let of = |relations: &[&str]| {
            let relations: Vec<_> = relations.iter().map(|to| serde_json::json!({"relation": "blocks", "to": to})).collect();
            let body = serde_json::json!({"title": "t", "labels": ["a"], "assignees": ["b"], "relations": relations});
            fingerprint(&CreateIssue::parse(serde_json::from_value(body).unwrap()).unwrap()).0
        };
        assert_eq!(of(&[])[..8], [159, 20, 54, 248, 239, 162, 19, 135], "as it lies in databases");
        assert_ne!(of(&["1"]), of(&[]));
        assert_ne!(of(&["1"]), of(&["2"]));
        assert_ne!(of(&["1", "2"]), of(&["1"]));
    }

    #[test]
    fn one_event_may_emit_many_tasks_and_without_an_event_nothing_is_a_repeat() {
        let key = |event, title| Dedupe::of(&task(event, title), "a", GivenKeys::default()).map(|dedupe| dedupe.key);
        assert_eq!(key(Some("e1"), "t"), key(Some("e1"), " t "));
        assert_ne!(key(Some("e1"), "t"), key(Some("e1"), "u"));
        assert_ne!(key(Some("e1"), "t"), key(Some("e2"), "t"));
        assert_eq!(key(None, "t"), None);
    }
}
