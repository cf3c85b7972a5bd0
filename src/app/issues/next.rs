//! Hands out the best open issue: most urgent first, then soonest due, then longest waiting. Never one to two at once.

use crate::app::{App, AppError, Caller, ChangeRequest, ExpectedVersion, Scope};
use crate::domain::decide::{self, Refusal};
use crate::domain::find::{Archived, IssueQuery, Order, Sort};
use crate::domain::request::query::{NextIssue, NextSpec};
use crate::domain::{Issue, IssueRef, ReviewState, State, StateName};

/// How many issues are tried before the list is read again, and how often it is read.
const CANDIDATES: u32 = 20;
const ROUNDS: u32 = 5;

/// Another caller was faster; try the next issue.
const TAKEN: &str = "claimed";

impl App {
    /// Claimed for the holder, or `None` where no unclaimed issue is left.
    pub async fn next_issue(&self, caller: &Caller, spec: NextSpec, trace: Option<String>) -> Result<Option<Issue>, AppError> {
        caller.need(Scope::Write)?;
        let next = spec.parse()?;
        for _ in 0..ROUNDS {
            let candidates = self.store.list(&self.waiting(&next)).await?.issues;
            if candidates.is_empty() {
                return Ok(None);
            }
            for candidate in candidates {
                match self.take(caller, &candidate, &next, trace.clone()).await {
                    Ok(issue) => return Ok(Some(issue)),
                    // Moved on, or gone, since the list was read.
                    Err(AppError::Refused(_) | AppError::NotFound { .. }) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        Err(AppError::Contended)
    }

    fn waiting(&self, next: &NextIssue) -> IssueQuery {
        let mut filter = next.filter.clone();
        filter.states = vec![StateName::Open];
        filter.archived = Archived::No;
        if filter.reviews.is_empty() {
            filter.reviews = vec![ReviewState::None, ReviewState::Approved];
        }
        filter.unclaimed_at = Some(self.clock.now());
        IssueQuery { sort: Sort::Priority, order: Order::Ascending, limit: CANDIDATES, ..IssueQuery::of(filter) }
    }

    async fn take(&self, caller: &Caller, candidate: &Issue, next: &NextIssue, trace: Option<String>) -> Result<Issue, AppError> {
        let holder = next.holder.as_deref().unwrap_or(&caller.name);
        let request = ChangeRequest { caller: caller.clone(), issue: IssueRef::Id(candidate.id), expected: ExpectedVersion::Any, trace };
        self.change(&request, |issue, cause, stamp| {
            // Also one that the same holder has: it asked for another.
            if issue.live_claim(stamp.now).is_some() || issue.state != State::Open {
                return Err(Refusal { code: TAKEN, message: format!("issue #{} was claimed by another caller", issue.number) });
            }
            decide::claim(issue, holder, next.lease, cause, stamp)
        })
        .await
    }
}
