//! Finds one issue by its name, and lists and searches issues a page at a time.

use crate::app::{App, AppError, Caller, Scope};
use crate::domain::find::facet::{FacetCount, FacetOrder, FacetQuery};
use crate::domain::find::{CursorKey, IssueQuery, ListFilter, MAX_TOTAL, RANKED, Sort, ranked};
use crate::domain::{Issue, IssueNumber, IssueRef};

/// A page of the issues that match a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueList {
    pub issues: Vec<Issue>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    pub total: Option<TotalCount>,
}

/// How many there are in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotalCount {
    pub count: u64,
    /// If not, there are more.
    pub exact: bool,
}

impl App {
    /// By id or number; archived ones too.
    pub async fn read_issue(&self, caller: &Caller, name: IssueRef) -> Result<Issue, AppError> {
        caller.need(Scope::Read)?;
        self.find_issue(name).await
    }

    pub(in crate::app) async fn find_issue(&self, name: IssueRef) -> Result<Issue, AppError> {
        self.reads.issue(name).await?.ok_or_else(|| AppError::NotFound { what: format!("issue {name}") })
    }

    pub async fn find_issues(&self, caller: &Caller, query: &IssueQuery) -> Result<IssueList, AppError> {
        caller.need(Scope::Read)?;
        let (issues, next) = if query.sort == Sort::Relevance { self.search(query).await? } else { self.list(query).await? };
        let total = if query.total { Some(self.total(&query.filter).await?) } else { None };
        Ok(IssueList { issues, next: next.map(|place| query.cursor(place)), total })
    }

    pub(in crate::app) async fn list(&self, query: &IssueQuery) -> Result<(Vec<Issue>, Option<CursorKey>), AppError> {
        let page = self.store.list(query).await?;
        let next = page.issues.last().filter(|_| page.more).and_then(|last| query.sort.place(last));
        Ok((page.issues, next))
    }

    /// The store finds the newest matches, the ranking is ours, so that it is the same on every store.
    async fn search(&self, query: &IssueQuery) -> Result<(Vec<Issue>, Option<CursorKey>), AppError> {
        let newest = match query.after {
            Some(CursorKey::Relevance { newest, .. }) => Some(newest),
            Some(CursorKey::Created(..) | CursorKey::Updated(..) | CursorKey::Due(..) | CursorKey::Priority(..) | CursorKey::Number(_))
            | None => None,
        };
        let matches = self.store.matches(&query.filter, newest, RANKED).await?;
        let page = ranked(query, &matches);
        let names: Vec<IssueRef> = page.numbers.into_iter().map(|number| IssueRef::Number(IssueNumber(number))).collect();
        let issues = self.store.issues(&names).await?;
        Ok((issues.into_iter().flatten().collect(), page.next))
    }

    /// From the counts that are kept, where one of them says it; else counted, up to a bound.
    async fn total(&self, filter: &ListFilter) -> Result<TotalCount, AppError> {
        if let Some((facet, keys)) = filter.counted() {
            let mut sum = FacetCount::default();
            for key in keys {
                // The first value that begins with a key is the key itself, if it is there.
                let asked = FacetQuery { facet, prefix: key.clone(), after: String::new(), by: FacetOrder::Name, limit: 1 };
                let found = self.store.facet(&asked).await?;
                found.iter().filter(|value| value.key == key).for_each(|value| sum.add(value.count, 1));
            }
            return Ok(TotalCount { count: sum.total().unsigned_abs(), exact: true });
        }
        let count = self.store.count(filter, MAX_TOTAL + 1).await?;
        Ok(TotalCount { count: count.min(u64::from(MAX_TOTAL)), exact: count <= u64::from(MAX_TOTAL) })
    }
}
