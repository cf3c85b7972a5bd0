//! The one way from a request to a changed issue: read, decide, commit, and all of it again after a
//! concurrent change.
//!
//! Knows nothing of the change itself: each use case supplies its rule. To add one: a file with a
//! call of [`App::change`].

use crate::app::attempts::Attempts;
use crate::app::{App, AppError, Caller, Scope};
use crate::domain::decide::{Cause, Decision};
use crate::domain::{Change, Comment, CommentId, CommentWrite, Issue, IssueRef, Stamp};
use crate::store::CommitOutcome;

/// A request to change an issue, as an entrance passes it on.
#[derive(Debug)]
pub struct ChangeRequest {
    pub caller: Caller,
    pub issue: IssueRef,
    pub expected: ExpectedVersion,
    /// The W3C `traceparent` to remember with the event.
    pub trace: Option<String>,
}

/// Which editions the caller has seen and will have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ExpectedVersion {
    #[default]
    Any,
    OneOf(Vec<String>),
}

/// What a decision is taken on, and what it comes to.
#[derive(Debug)]
pub(in crate::app) struct DecisionInput {
    pub(in crate::app) issue: Issue,
    pub(in crate::app) comment: Option<Comment>,
}

impl App {
    /// Changes an issue by a rule, which may be asked several times.
    pub(in crate::app) async fn change(
        &self,
        request: &ChangeRequest,
        rule: impl Fn(&Issue, &Cause, Stamp) -> Decision + Send + Sync,
    ) -> Result<Issue, AppError> {
        request.caller.need(Scope::Write)?;
        Ok(self.settle(request, None, |seen, cause, stamp| rule(&seen.issue, cause, stamp)).await?.issue)
    }

    /// [`Self::change`] for rules that read a comment too. The caller of this function checks the
    /// permission.
    pub(in crate::app) async fn settle(
        &self,
        request: &ChangeRequest,
        comment: Option<CommentId>,
        rule: impl Fn(&DecisionInput, &Cause, Stamp) -> Decision + Send + Sync,
    ) -> Result<DecisionInput, AppError> {
        let cause = Cause { actor: request.caller.name.clone(), trace: request.trace.clone() };
        let mut seen = self.read_for_change(request, comment).await?;
        let id = seen.issue.id;
        let _turn = if let Some(turn) = self.turns.free(id) {
            turn
        } else {
            let turn = self.turns.wait(id).await;
            seen = self.read_for_change(request, comment).await?;
            turn
        };
        let mut attempts = Attempts::default();
        loop {
            attempts.another()?;
            request.expected.check(&seen)?;
            let Some(change) = rule(&seen, &cause, self.clock.stamp())? else { return Ok(seen) };
            let after = seen.after(&change);
            match self.commits.commit(change).await? {
                CommitOutcome::Written => return Ok(after),
                CommitOutcome::Stale => seen = self.read_for_change(request, comment).await?,
                CommitOutcome::Inserted(_) | CommitOutcome::Duplicate { .. } | CommitOutcome::ClaimLost => {
                    unreachable!("an update that settles nothing is written or stale")
                }
            }
        }
    }

    /// The issue first: every change of a comment raises the issue's version, so the comment is at
    /// least as new as the version.
    async fn read_for_change(&self, request: &ChangeRequest, comment: Option<CommentId>) -> Result<DecisionInput, AppError> {
        let issue = self.find_issue(request.issue).await?;
        let comment = match comment {
            Some(id) => Some(self.find_comment(&issue, id).await?),
            None => None,
        };
        Ok(DecisionInput { issue, comment })
    }
}

impl DecisionInput {
    /// As it will be once the change is written.
    fn after(&self, change: &Change) -> Self {
        let written = change.comments.iter().find_map(|write| match write {
            CommentWrite::Add(comment) | CommentWrite::Edit(comment) => Some(comment),
            CommentWrite::Delete(_) => None,
        });
        Self { issue: change.issue().unwrap_or(&self.issue).clone(), comment: written.or(self.comment.as_ref()).cloned() }
    }

    /// The name of the edition: of the comment where one is named, else of the issue.
    fn edition(&self) -> String {
        self.comment.as_ref().map_or_else(|| self.issue.edition(), Comment::edition)
    }
}

impl ExpectedVersion {
    fn check(&self, seen: &DecisionInput) -> Result<(), AppError> {
        match self {
            Self::Any => Ok(()),
            Self::OneOf(editions) => {
                let current = seen.edition();
                if editions.contains(&current) { Ok(()) } else { Err(AppError::PreconditionFailed { current }) }
            }
        }
    }
}
