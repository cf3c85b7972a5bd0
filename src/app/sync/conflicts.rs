//! The conflicts: shown to callers, and resolved by callers with the scope.

use uuid::Uuid;

use crate::app::{App, AppError, Caller, ChangeRequest, ExpectedVersion, ListPage, Scope, page};
use crate::domain::base::text;
use crate::domain::decide::{self, Refusal};
use crate::domain::issue::edit::EditIssue;
use crate::domain::request::binding::{ConflictDecision, ResolveSpec};
use crate::domain::sync::{Conflict, ConflictFilter, ConflictState, ConflictWrite, Resolution};
use crate::domain::tracker::Field;
use crate::domain::{Faults, Issue, IssueRef, NewMessage};

/// A request to change a record other than an issue, as an entrance passes it on.
#[derive(Debug)]
pub struct ResolveRequest {
    pub caller: Caller,
    /// Which editions the caller has seen; `None` where nothing was said of it.
    pub expected: Option<ExpectedVersion>,
    /// The W3C `traceparent` to remember with the event.
    pub trace: Option<String>,
}

impl App {
    /// One page, newest first: those met before the one named.
    pub async fn conflicts(
        &self,
        caller: &Caller,
        filter: &ConflictFilter,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<ListPage<Conflict>, AppError> {
        caller.need(Scope::Read)?;
        let text = |value: &serde_json::Value| value.as_str().map_or(16, str::len);
        let weight = |conflict: &Conflict| text(&conflict.base) + text(&conflict.ours) + text(&conflict.theirs);
        let read = |before: Option<Uuid>, limit| self.store.conflicts(filter, before, limit);
        Ok(page::fill(before, limit, |conflict| conflict.id, weight, read).await?)
    }

    pub async fn conflict(&self, caller: &Caller, id: Uuid) -> Result<Conflict, AppError> {
        caller.need(Scope::Read)?;
        self.store.conflict(id).await?.ok_or_else(|| AppError::NotFound { what: format!("conflict {id}") })
    }

    /// Resolves an open conflict. A push in the lane of its issue sends the decision to both sides.
    pub async fn resolve_conflict(&self, request: &ResolveRequest, id: Uuid, spec: ResolveSpec) -> Result<Conflict, AppError> {
        request.caller.need(Scope::Write)?;
        let decided = spec.parse()?;
        let conflict = self.conflict(&request.caller, id).await?;
        if let Some(ExpectedVersion::OneOf(editions)) = &request.expected
            && !editions.contains(&conflict.edition.to_string())
        {
            return Err(AppError::PreconditionFailed { current: conflict.edition.to_string() });
        }
        if conflict.state != ConflictState::Open {
            return Err(Refusal { code: "conflict_settled", message: format!("conflict {id} is settled already") }.into());
        }
        let words = match &decided {
            ConflictDecision::Other(words) => Some(edit_of(conflict.field, words)?),
            ConflictDecision::Local | ConflictDecision::External => None,
        };
        self.decide(request, conflict, &decided, words).await
    }

    async fn decide(
        &self,
        request: &ResolveRequest,
        conflict: Conflict,
        decided: &ConflictDecision,
        words: Option<EditIssue>,
    ) -> Result<Conflict, AppError> {
        let now = self.clock.now();
        let resolution = match decided {
            ConflictDecision::Local => Resolution::Local,
            ConflictDecision::External => Resolution::External,
            ConflictDecision::Other(_) => Resolution::Other,
        };
        let after = Conflict {
            state: ConflictState::Decided,
            resolution: Some(resolution),
            resolved_at: Some(now),
            resolved_by: Some(request.caller.name.clone()),
            edition: conflict.edition + 1,
            ..conflict.clone()
        };
        let inner = ChangeRequest {
            caller: request.caller.clone(),
            issue: IssueRef::Id(conflict.issue_id),
            expected: ExpectedVersion::Any,
            trace: request.trace.clone(),
        };
        let told = |issue: &Issue, cause: &decide::Cause, stamp| {
            let Some(mut change) = decide::resolve(issue, &after, words.clone(), cause, stamp)? else { return Ok(None) };
            change.conflicts.push(ConflictWrite::Change { conflict: after.clone(), read_edition: conflict.edition });
            change.messages.push(NewMessage::agree(issue.id, &conflict.backend, now));
            Ok(Some(change))
        };
        match self.change(&inner, told).await {
            Ok(_) => Ok(after),
            // If another operator resolved the conflict meanwhile, every attempt is stale.
            Err(AppError::Contended) => {
                let current = self.conflict(&request.caller, conflict.id).await?.edition;
                Err(AppError::PreconditionFailed { current: current.to_string() })
            }
            Err(error) => Err(error),
        }
    }
}

/// The edit that sets the decided text here; a push sends it to the tracker.
fn edit_of(field: Field, words: &str) -> Result<EditIssue, AppError> {
    match field {
        Field::Title => {
            let title = text::TITLE.check_present(words).map_err(|(code, message)| Faults::one("/value", code, message))?;
            Ok(EditIssue { title: Some(title), ..EditIssue::default() })
        }
        Field::Description => Ok(EditIssue { description: Some(words.to_owned()), ..EditIssue::default() }),
        Field::State
        | Field::Priority
        | Field::Kind
        | Field::Labels
        | Field::Assignees
        | Field::Milestone
        | Field::DueOn
        | Field::Relations
        | Field::Comment => {
            let text = format!("{field} can be decided for one of the two sides only: change it here first, then take local");
            Err(Faults::one("/value", "not_a_text", text).into())
        }
    }
}
