//! The related issues: from the names that callers use to ids, and from ids to numbers.
//!
//! One read for all of them together, and none where no issue is named.

use std::collections::HashMap;

use crate::app::{App, AppError, Caller, Scope};
use crate::domain::decide::Refusal;
use crate::domain::issue::edit::EditIssue;
use crate::domain::issue::relation;
use crate::domain::issue::relation::{IssueRelation, UnmetRelation, WantedRelation};
use crate::domain::request::edit::IssuePatch;
use crate::domain::{Issue, IssueId, IssueNumber, IssueRef};

/// The issues that were asked for, by the names they were asked for by.
pub(in crate::app) type Known = HashMap<IssueRef, IssueId>;

impl App {
    pub(in crate::app) async fn named(&self, names: Vec<IssueRef>) -> Result<Known, AppError> {
        let mut known = Known::new();
        if !names.is_empty() {
            for (id, number) in self.store.numbers(&names).await? {
                known.extend([(IssueRef::Id(id), id), (IssueRef::Number(number), id)]);
            }
        }
        Ok(known)
    }

    /// The edit with its relations, for a caller that may make it. `root` is the position of the
    /// patch in the body.
    pub(in crate::app) async fn whole_edit(&self, caller: &Caller, patch: IssuePatch, root: &str) -> Result<EditIssue, AppError> {
        caller.need(Scope::Write)?;
        let IssuePatch { edit, relations } = patch;
        let Some(requests) = relations else { return Ok(edit) };
        let known = self.named(relation::named(&requests).collect()).await?;
        Ok(EditIssue { relations: Some(resolved(&requests, &known, root)?), ..edit })
    }

    /// The numbers of the issues that this one relates to, where they are still there.
    pub async fn numbers_around(&self, issue: &Issue) -> Result<HashMap<IssueId, IssueNumber>, AppError> {
        let refs: Vec<IssueRef> = relation::issues(&issue.relations).map(IssueRef::Id).collect();
        Ok(if refs.is_empty() { HashMap::new() } else { self.store.numbers(&refs).await?.into_iter().collect() })
    }
}

/// The requested relations, if every issue in them exists and at most one is a parent. This is no
/// fault of the body, because only this function knows the issues.
pub(in crate::app) fn resolved(requests: &[WantedRelation], known: &Known, root: &str) -> Result<Vec<IssueRelation>, AppError> {
    relation::resolved(requests, |name| known.get(name).copied()).map_err(|unmet| {
        AppError::Refused(match unmet {
            UnmetRelation::Unknown(unknown) => {
                let told: Vec<String> =
                    unknown.iter().map(|(n, name)| format!("{root}/relations/{n}/to: there is no issue {name}")).collect();
                Refusal { code: "unknown_issue", message: told.join("; ") }
            }
            UnmetRelation::TwoParents => {
                Refusal { code: "two_parents", message: format!("{root}/relations: an issue has one parent at most") }
            }
        })
    })
}
