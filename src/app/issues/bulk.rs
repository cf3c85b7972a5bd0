//! One change for many issues: each is decided by itself, and each has its own outcome.

use futures_util::StreamExt as _;

use crate::app::{App, AppError, Caller, ChangeRequest, ExpectedVersion, Scope};
use crate::domain::decide::{self, BulkChange, Cause};
use crate::domain::find::{IssueQuery, MAX_LIMIT, Order, Sort};
use crate::domain::request::query::{BulkEdit, BulkSpec, BulkTarget};
use crate::domain::{Issue, IssueRef};

/// How many are changed at the same time; they share their transactions.
const AT_ONCE: usize = 64;

/// What became of each, in order.
#[derive(Debug)]
pub struct BulkReport {
    pub dry_run: bool,
    pub items: Vec<BulkItem>,
    /// Goes on behind the last one, if the filter has more.
    pub next: Option<String>,
}

#[derive(Debug)]
pub struct BulkItem {
    /// As it was named in the request; the id of one that a filter found.
    pub name: String,
    pub outcome: BulkOutcome,
}

#[derive(Debug)]
pub enum BulkOutcome {
    /// Written, or with a dry run: it would be.
    Changed(Box<Issue>),
    /// It is so already.
    Unchanged(Box<Issue>),
    Failed(AppError),
}

impl App {
    pub async fn edit_many(&self, caller: &Caller, spec: BulkSpec, trace: Option<String>) -> Result<BulkReport, AppError> {
        caller.need(Scope::Write)?;
        let BulkEdit { target, change, dry_run } = spec.parse()?;
        let (targets, next) = match target {
            BulkTarget::Named(names) => (names, None),
            BulkTarget::Matching(query) => self.matching(*query).await?,
        };
        let one = |(name, issue): (String, Option<IssueRef>)| {
            let request =
                issue.map(|issue| ChangeRequest { caller: caller.clone(), issue, expected: ExpectedVersion::Any, trace: trace.clone() });
            let change = &change;
            async move { BulkItem { outcome: self.edit_one(&name, request, change, dry_run).await, name } }
        };
        let items = futures_util::stream::iter(targets.into_iter().map(one)).buffered(AT_ONCE).collect().await;
        Ok(BulkReport { dry_run, items, next })
    }

    async fn edit_one(&self, name: &str, request: Option<ChangeRequest>, change: &BulkChange, dry_run: bool) -> BulkOutcome {
        let Some(request) = request else {
            return BulkOutcome::Failed(AppError::NotFound { what: format!("issue {name}") });
        };
        match self.try_edit(&request, change, dry_run).await {
            Ok((before, after)) if before.version == after.version => BulkOutcome::Unchanged(Box::new(after)),
            Ok((_, after)) => BulkOutcome::Changed(Box::new(after)),
            Err(error) => BulkOutcome::Failed(error),
        }
    }

    async fn try_edit(&self, request: &ChangeRequest, change: &BulkChange, dry_run: bool) -> Result<(Issue, Issue), AppError> {
        let before = self.find_issue(request.issue).await?;
        if !dry_run {
            let after = self.change(request, |issue, cause, stamp| decide::change_one_of_many(issue, change, cause, stamp)).await?;
            return Ok((before, after));
        }
        let cause = Cause { actor: request.caller.name.clone(), trace: request.trace.clone() };
        let decided = decide::change_one_of_many(&before, change, &cause, self.clock.stamp())?;
        let after = decided.as_ref().and_then(|change| change.issue()).unwrap_or(&before).clone();
        Ok((before, after))
    }

    /// All of them before the first is changed, so that no change moves what is still to come.
    async fn matching(&self, mut query: IssueQuery) -> Result<(Vec<(String, Option<IssueRef>)>, Option<String>), AppError> {
        debug_assert!(query.sort == Sort::Number && query.order == Order::Ascending);
        let mut missing = query.limit;
        let mut found = Vec::new();
        loop {
            query.limit = missing.min(MAX_LIMIT);
            let (issues, next) = self.list(&query).await?;
            missing -= u32::try_from(issues.len()).unwrap_or(missing).min(missing);
            found.extend(issues.into_iter().map(|issue| (issue.id.to_string(), Some(IssueRef::Id(issue.id)))));
            match next {
                Some(place) if missing > 0 => query.after = Some(place),
                next => return Ok((found, next.map(|place| query.cursor(place)))),
            }
        }
    }
}
