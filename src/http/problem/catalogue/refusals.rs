//! The refusals: the state of the thing named forbids the request. All are 409; the code says which rule.

use axum::http::StatusCode;

use super::ProblemKind;

/// All of them.
pub static REFUSALS: &[&ProblemKind] = &[
    &BINDING_PAUSED,
    &BINDING_PUSH_ONLY,
    &BINDING_CONFIGURED,
    &UNKNOWN_BACKEND,
    &CONFLICT_SETTLED,
    &ISSUE_CLOSED,
    &ISSUE_ARCHIVED,
    &ISSUE_BLOCKED,
    &REVIEW_PENDING,
    &NOT_PENDING,
    &CLAIMED,
    &UNKNOWN_ISSUE,
    &RELATION_TO_ITSELF,
    &TWO_PARENTS,
    &NOT_LOCAL,
    &ISSUE_STARTED,
    &TOO_MANY,
    &DIFFERS,
    &TAKEN,
];

const OF_AN_ISSUE: &str = "The issue's state forbids it";
const OF_SOMETHING_ELSE: &str = "Its state forbids it";

/// What all refusals have in common. The entry gives the texts.
const fn refusal(code: &'static str, title: &'static str) -> ProblemKind {
    ProblemKind { code, status: StatusCode::CONFLICT, title, description: "", detail: "", remedy: "", headers: &[] }
}

static BINDING_PAUSED: ProblemKind = ProblemKind {
    description: "The binding is paused",
    detail: "binding tools is paused; resume it first",
    remedy: "Resume the binding first",
    ..refusal("binding_paused", OF_SOMETHING_ELSE)
};

static BINDING_PUSH_ONLY: ProblemKind = ProblemKind {
    description: "The binding only pushes: nothing of its tracker is read",
    detail: "binding tools only pushes: nothing of its tracker is read",
    remedy: "Change the direction of the binding",
    ..refusal("binding_push_only", OF_SOMETHING_ELSE)
};

static BINDING_CONFIGURED: ProblemKind = ProblemKind {
    description: "The binding stands in the settings",
    detail: "binding tools stands in the settings: change it in [bindings.tools]",
    remedy: "Change the binding in the settings",
    ..refusal("binding_configured", OF_SOMETHING_ELSE)
};

static UNKNOWN_BACKEND: ProblemKind = ProblemKind {
    description: "The binding names a backend that is not configured",
    detail: "no backend of that name is configured; there are: gitea",
    remedy: "Configure a backend of that name, or name another",
    ..refusal("unknown_backend", OF_SOMETHING_ELSE)
};

static CONFLICT_SETTLED: ProblemKind = ProblemKind {
    description: "Another caller or a rule settled the conflict first",
    detail: "conflict 0190163d-8694-739b-aea5-966c26f8ad91 is settled already",
    remedy: "Nothing",
    ..refusal("conflict_settled", OF_SOMETHING_ELSE)
};

pub static ISSUE_CLOSED: ProblemKind = ProblemKind {
    description: "The issue is closed",
    detail: "issue #42 is closed; reopen it first",
    remedy: "Reopen the issue first",
    ..refusal("issue_closed", OF_AN_ISSUE)
};

static ISSUE_ARCHIVED: ProblemKind = ProblemKind {
    description: "The issue is archived",
    detail: "issue #42 is archived; restore it first",
    remedy: "Restore the issue first",
    ..refusal("issue_archived", OF_AN_ISSUE)
};

static ISSUE_BLOCKED: ProblemKind = ProblemKind {
    description: "The issue is blocked",
    detail: "issue #42 is blocked; unblock it first",
    remedy: "Unblock the issue first",
    ..refusal("issue_blocked", OF_AN_ISSUE)
};

static REVIEW_PENDING: ProblemKind = ProblemKind {
    description: "The issue waits for review",
    detail: "issue #42 waits for review; approve or reject it first",
    remedy: "Approve or reject the issue first",
    ..refusal("review_pending", OF_AN_ISSUE)
};

static NOT_PENDING: ProblemKind = ProblemKind {
    description: "The issue does not wait for review",
    detail: "issue #42 is not waiting for review (its review is approved)",
    remedy: "Nothing",
    ..refusal("not_pending", OF_AN_ISSUE)
};

static CLAIMED: ProblemKind = ProblemKind {
    description: "Another agent holds the issue",
    detail: "issue #42 is claimed by agent-7 until 2026-06-16 07:00:00 UTC",
    remedy: "Wait, or take another issue",
    ..refusal("claimed", OF_AN_ISSUE)
};

static UNKNOWN_ISSUE: ProblemKind = ProblemKind {
    description: "A relation names an issue that does not exist",
    detail: "/relations/0/to: there is no issue 99",
    remedy: "Correct the relations at the places that `detail` lists",
    ..refusal("unknown_issue", OF_AN_ISSUE)
};

static RELATION_TO_ITSELF: ProblemKind = ProblemKind {
    description: "A relation leads from the issue to itself",
    detail: "issue #42 cannot stand in a relation to itself",
    remedy: "Name another issue",
    ..refusal("relation_to_itself", OF_AN_ISSUE)
};

static TWO_PARENTS: ProblemKind = ProblemKind {
    description: "The relations name more than one parent",
    detail: "/relations: an issue has one parent at most",
    remedy: "Name one parent at most",
    ..refusal("two_parents", OF_AN_ISSUE)
};

static NOT_LOCAL: ProblemKind = ProblemKind {
    description: "The issue is in a tracker, so it cannot be deleted permanently",
    detail: "issue #42 lives in gitea; only issues of the local store can be deleted for good",
    remedy: "Archive the issue instead: `DELETE` without `permanent`",
    ..refusal("not_local", OF_AN_ISSUE)
};

static ISSUE_STARTED: ProblemKind = ProblemKind {
    description: "In a bulk edit: work on the issue has begun, so it cannot go back to open",
    detail: "work on issue #42 has begun; it cannot go back to open",
    remedy: "Leave the issue out of the edit",
    ..refusal("issue_started", OF_AN_ISSUE)
};

static TOO_MANY: ProblemKind = ProblemKind {
    description: "In a bulk edit: the issue would have more labels or assignees than an issue may have",
    detail: "issue #42 would have 101 labels; 100 is the most",
    remedy: "Remove some first, or add fewer",
    ..refusal("too_many", OF_AN_ISSUE)
};

static DIFFERS: ProblemKind = ProblemKind {
    description: "In an import: the issue exists here in another version, and stays",
    detail: "issue #42 is here in version 5, not 4; it stays as it is",
    remedy: "Compare both versions; the import does not overwrite",
    ..refusal("differs", OF_AN_ISSUE)
};

static TAKEN: ProblemKind = ProblemKind {
    description: "In an import: the number, a key or a comment belongs to another issue here",
    detail: "another issue here has the number of issue #42",
    remedy: "Import into an empty store",
    ..refusal("taken", OF_AN_ISSUE)
};
