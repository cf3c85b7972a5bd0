//! The values of the domain in the document: its text rules and its vocabularies, each as one named
//! schema.
//!
//! A DTO or a parameter names them as `value_type` (or holds the domain's enum itself), so that limits and words are spelt once, in the
//! domain. To add one: a line in `texts!`, `sets!` or `vocabularies!`. Nothing here reads or checks a request.

use serde_json::{Value, json};
use utoipa::openapi::schema::{AnyOfBuilder, Array, KnownFormat, Object, ObjectBuilder, Ref, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ArrayBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::issues::RelationRequest;
use crate::app::MAX_IDEMPOTENCY_KEY;
use crate::domain::base::text;
use crate::domain::base::text::{TextRule, TextShape};
use crate::domain::find::facet::FacetOrder;
use crate::domain::find::{Archived, Order, Sort};
use crate::domain::issue::relation::{MAX_RELATIONS, OTHER};
use crate::domain::sync::{
    BindingSource, ConflictCause, ConflictState, Direction, MAX_BINDING_NAME, Owner, Pass, Resolution, StateFilter, Strategy,
};
use crate::domain::tracker::Field;
use crate::domain::{CloseReason, Fault, Kind, MessageKind, MessageState, Priority, Relation, ReviewState, SourceType, StateName};

/// What Unicode calls white space, spelt out because regular expression dialects differ about `\s`.
macro_rules! space {
    () => {
        r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    };
}

/// The control characters that are not white space.
macro_rules! control {
    () => {
        r"\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f"
    };
}

/// The expression that is true of exactly the texts a rule lets pass, their length aside.
const fn pattern(shape: TextShape, present: bool) -> &'static str {
    match (shape, present) {
        (TextShape::Line, false) => concat!("^[^", control!(), "]*$"),
        (TextShape::Line, true) => concat!("^[", space!(), "]*[^", space!(), control!(), "][^", control!(), "]*$"),
        (TextShape::Text, false) => r"^[^\u0000]*$",
        (TextShape::Text, true) => concat!(r"^[^\u0000]*[^\u0000", space!(), r"][^\u0000]*$"),
        (TextShape::Slug, false) => concat!("^[", space!(), "]*[A-Za-z0-9._-]*[", space!(), "]*$"),
        (TextShape::Slug, true) => concat!("^[", space!(), "]*[A-Za-z0-9._-]+[", space!(), "]*$"),
    }
}

fn text(rule: TextRule, present: bool) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(present.then_some(1))
        .max_length(Some(rule.max))
        .pattern(Some(pattern(rule.shape, present)))
}

fn words(words: &[&'static str]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied()))
}

/// A name and what it stands for.
pub type Named = (String, RefOr<Schema>);

fn entry<T: ToSchema>() -> Named {
    (T::name().into_owned(), T::schema())
}

/// Every schema of this file, for any part of a document that refers to it.
pub fn all() -> impl Iterator<Item = Named> {
    const OTHERS: &[fn() -> Named] = &[
        entry::<OtherIssue>,
        entry::<RelationRequest>,
        entry::<IdempotencyKey>,
        entry::<EntityTags>,
        entry::<Star>,
        entry::<BindingName>,
        entry::<Moment>,
        entry::<Fault>,
    ];
    [TEXTS, SETS, VOCABULARIES, OTHERS].into_iter().flatten().map(|entry| entry())
}

macro_rules! named {
    ($name:ty, $schema:expr) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    };
}

/// `Name: rule, must not be blank, "description", example`.
macro_rules! texts {
    ($($name:ident: $rule:expr, $present:literal, $description:literal, $example:literal;)+) => {$(
        #[doc = $description]
        #[derive(Debug)]
        pub struct $name;
        named!($name, Schema::Object(text($rule, $present).description(Some($description)).examples([json!($example)]).build()));
    )+
    const TEXTS: &[fn() -> Named] = &[$(entry::<$name>),+];
    };
}

texts! {
    Title: text::TITLE, true, "One line; white space is folded.", "Flag stale SBOM";
    Description: text::DESCRIPTION, false, "Free text, kept to the letter.", "The SBOM is older than 30 days.";
    CommentText: text::COMMENT, true, "Free text, kept to the letter.", "Looked into it: the build is red.";
    Reason: text::REASON, true, "Why, in a sentence or two.", "waits for the vendor";
    LastWord: text::COMMENT, false, "Free text, kept to the letter; blank means none.", "Done in the last release.";
    Holder: text::HOLDER, false, "One line; blank means the name of the key.", "agent-7";
    Label: text::LABEL, true, "One line; two spellings that differ only in case are one label.", "sbom";
    Assignee: text::ASSIGNEE, true, "One line: the name a tracker knows.", "ada";
    Milestone: text::MILESTONE, false, "One line; blank means none.", "2026-Q3";
    MilestoneName: text::MILESTONE, true, "One line.", "2026-Q3";
    TargetRepo: text::TARGET_REPO, false, "A bare repository name, without its owner; blank means none.", "activity-core";
    RepoName: text::TARGET_REPO, true, "A bare repository name, without its owner.", "activity-core";
    BackendName: text::LABEL, true, "One line: a kind of backend.", "sqlite";
    TraceField: text::TRACE_FIELD, false, "One line; blank means none.", "nightly-2026-06-16T07:00:00+00:00";
    TraceName: text::TRACE_FIELD, true, "One line.", "nightly-2026-06-16T07:00:00+00:00";
    IssueName: text::TRACE_FIELD, true, "An issue's id or number.", "42";
    BlockedReason: text::REASON, false, "Why, in a sentence or two; blank means none.", "waits for the vendor";
    Target: text::TARGET, false, "One line: the name of a sink; blank means none.", "state_hub";
    BackendKey: text::TARGET, true, "A backend's name in the settings.", "gitea";
    PlacePart: text::PLACE_PART, false, "One line: what the tracker's address needs; blank means none.", "acme";
    Resolved: text::DESCRIPTION, false, "The words that shall stand on both sides.", "The SBOM is older than 30 days.";
    PlaceName: text::PLACE, false, "One line: a place of a tracker; blank means the one that is configured.", "acme/tools";
    Prefix: text::MILESTONE, false, "One line.", "sb";
}

/// The other end of a relation.
#[derive(Debug)]
pub struct OtherIssue;
named!(
    OtherIssue,
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(OTHER.max))
            .pattern(Some(concat!(
                "^[",
                space!(),
                "]*([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|#?[1-9][0-9]{0,17}|[a-z0-9_-]{1,32}:[^",
                control!(),
                "]*[^",
                space!(),
                control!(),
                "][^",
                control!(),
                "]*)[",
                space!(),
                "]*$"
            )))
            .description(Some(
                "An issue's id or number, or what people call an issue in a tracker, behind the backend's name: `gitea:acme/tools#12`."
            ))
            .examples([json!("42")])
            .build()
    )
);

/// What a caller names a request by, so that a repeat is recognised.
#[derive(Debug)]
pub struct IdempotencyKey;
named!(
    IdempotencyKey,
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX_IDEMPOTENCY_KEY))
            .pattern(Some("^[!-~]([ -~]*[!-~])?$"))
            .description(Some("Printable ASCII."))
            .examples([json!("run-7/step-3")])
            .build()
    )
);

/// What `If-Match` holds.
#[derive(Debug)]
pub struct EntityTags;
named!(
    EntityTags,
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .pattern(Some(r#"^(\*|(W/)?"[\t !#-~]*"([ \t]*,[ \t]*(W/)?"[\t !#-~]*")*)$"#))
            .description(Some("One or more entity tags, each with its quotes, or `*`."))
            .examples([json!("\"3\"")])
            .build()
    )
);

/// What `If-None-Match` holds where something new is made.
#[derive(Debug)]
pub struct Star;
named!(Star, Schema::Object(words(&["*"]).description(Some("`*`: whatever there is.")).build()));

/// What a binding is called.
#[derive(Debug)]
pub struct BindingName;
named!(
    BindingName,
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX_BINDING_NAME))
            .pattern(Some("^[a-z0-9_-]+$"))
            .description(Some("Lower-case letters, digits, `_` and `-`."))
            .examples([json!("tools")])
            .build()
    )
);

/// A moment in a query.
#[derive(Debug)]
pub struct Moment;
named!(Moment, {
    let string = |format| ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build();
    Schema::AnyOf(
        AnyOfBuilder::new()
            .item(string(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .item(string(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A moment, or a date, which means its beginning in UTC."))
            .build(),
    )
});

/// `Name: of which text, how many at most, "description"`.
macro_rules! sets {
    ($($name:ident: $item:ident, $most:expr, $description:literal;)+) => {$(
        #[doc = $description]
        #[derive(Debug)]
        pub struct $name;
        named!($name, Schema::Array(set(stringify!($item), $most, $description)));
    )+
    const SETS: &[fn() -> Named] = &[$(entry::<$name>),+];
    };
}

fn set(item: &str, most: usize, description: &str) -> Array {
    ArrayBuilder::new().items(Ref::from_schema_name(item)).max_items(Some(most)).description(Some(description)).build()
}

sets! {
    Labels: Label, text::MAX_LABELS, "Repeats, ignoring case, are dropped.";
    Assignees: Assignee, text::MAX_ASSIGNEES, "Repeats, ignoring case, are dropped.";
    Relations: RelationRequest, MAX_RELATIONS, "Repeats are dropped.";
}

macro_rules! vocabularies {
    ($($name:ident: $description:literal;)+) => {$(
        named!($name, Schema::Object(words($name::WORDS).description(Some($description)).build()));
    )+
    const VOCABULARIES: &[fn() -> Named] = &[$(entry::<$name>),+];
    };
}

vocabularies! {
    Priority: "How urgent it is.";
    Kind: "What sort of work it is.";
    StateName: "What the issue is doing.";
    CloseReason: "Why it was closed.";
    ReviewState: "Where it stands in the review queue.";
    Relation: "What the issue is to the other one.";
    SourceType: "Which part of activity-core produced the task.";
    Archived: "Archived ones: none of them, only they, or they too.";
    Sort: "What a list is sorted by.";
    Order: "Which way a list is sorted.";
    FacetOrder: "What counts are sorted by.";
    MessageKind: "What is to be done.";
    Direction: "Which way changes go.";
    Owner: "Whose word counts: the tracker's, ours, or whoever changed it.";
    Strategy: "What becomes of a field that both sides changed, each to something else.";
    StateFilter: "Which issues of the tracker are adopted, by state.";
    BindingSource: "Where the rules are written down: those of the settings are changed there only.";
    Pass: "What changed since the last pass, or everything, to find what is gone.";
    Field: "What both sides hold of an issue.";
    ConflictState: "Waits for somebody, is being brought to both sides, or is settled.";
    ConflictCause: "Both sides differ, or the field went back and forth too often.";
    Resolution: "What stands: ours, theirs, other words, or what both came to by themselves.";
    MessageState: "How it stands: not tried yet, tried and to be tried again, given up.";
}

named!(Fault, {
    let line = |description: &str, example: &str| -> Object {
        ObjectBuilder::new().schema_type(Type::String).description(Some(description)).examples([json!(example)]).build()
    };
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Object))
        .description(Some("One fault: where, which rule, and what to do about it."))
        .property("pointer", line("An RFC 6901 pointer into the body, or the name of a parameter or header.", "/priority"))
        .property("code", line("A stable word for machines.", "unknown_word"))
        .property("message", line("For people; may change.", "must be one of high, medium, low"))
        .required("pointer")
        .required("code")
        .required("message")
        .build()
});

/// Fields that exclude or need one another: the forbidden combinations of a body, in JSON Schema's
/// terms, which utoipa cannot write. An absent field meets every condition on its value.
pub fn never() -> [(&'static str, Value); 6] {
    let text = json!({ "type": "string", "pattern": "\\S" });
    let filled = json!({ "type": "array", "items": {}, "minItems": 1 });
    let unfilled = json!({ "not": filled });
    let beside = |one: &str, other: &str| json!({ "required": [one, other], "properties": { other: filled } });
    let without_state = |field: &str, given: &Value, state: &str| {
        let other = json!({ "not": { "const": state } });
        json!({ "required": [field], "properties": { field: given, "state": other } })
    };
    let due = json!({ "required": ["due_on", "due_in_days"], "properties": { "due_on": text, "due_in_days": { "type": "integer" } } });
    let both = json!({ "required": ["ids", "filter"], "properties": { "ids": filled, "filter": { "type": "object" } } });
    let neither = json!({ "properties": { "ids": { "type": "null" }, "filter": { "type": "null" } } });
    let no_id =
        json!({ "properties": { "triggering_event_ids": unfilled, "activity_definition_ids": unfilled, "tracker_keys": unfilled } });
    let rehearsed = |other: &str| {
        let yes = json!({ "const": true });
        json!({ "required": ["dry_run", other], "properties": { "dry_run": yes, other: yes } })
    };
    let string = json!({ "type": "string" });
    let decided_twice = json!({ "required": ["take", "value"], "properties": { "take": string, "value": string } });
    let undecided = json!({ "properties": { "take": { "type": "null" }, "value": { "type": "null" } } });
    let no_reason = json!({ "required": ["state"], "properties": { "state": { "const": "blocked" }, "blocked_reason": { "not": text } } });
    let change = json!([
        beside("labels", "labels_add"),
        beside("labels", "labels_remove"),
        beside("assignees", "assignees_add"),
        beside("assignees", "assignees_remove"),
        without_state("close_reason", &json!({ "type": "string" }), StateName::Closed.as_str()),
        without_state("blocked_reason", &text, StateName::Blocked.as_str()),
        no_reason,
    ]);
    [
        ("CreateIssueRequest", json!([due])),
        ("LookupRequest", json!([no_id])),
        ("BulkRequest", json!([both, neither])),
        ("BulkChangeRequest", change),
        ("SyncBindingRequest", json!([rehearsed("audit"), rehearsed("allow_deletions")])),
        ("ResolveConflictRequest", json!([decided_twice, undecided])),
    ]
}
