//! How Postgres answers among 100,000 issues: by indexes, and without reading much more than it gives, also when a prepared
//! statement has been used so often that the server would like to plan it for any value.
//!
//! The tables' own statistics are read: they show what was done, not what a plan promised.

use chrono::NaiveDate;
use issue_core::domain::find::facet::{Facet, FacetOrder, FacetQuery};
use issue_core::domain::find::search::TextQuery;
use issue_core::domain::find::{Archived, AssigneeFilter, IdPrefix, IssueLookup, IssueQuery, ListFilter, LookupBy, Order, Sort, TimeRange};
use issue_core::domain::{IssueId, IssueNumber, IssueRef, Kind, Priority, ReviewState, SourceType, StateName};
use issue_core::store::Store;

use crate::support::database::{self, Database, Dialect};
use crate::support::sample::at;

/// Every value has a common and a rare form. One in a thousand is rare in everything.
const FILL: &str = "
insert into issues (id, title, description, state, closed_at, close_reason, priority, kind, labels, assignees, milestone, due_on, target_repo,
    backend, source_type, source_id, triggering_event_id, activity_definition_id, review, version, created_at, updated_at, archived_at,
    blocked_reason, blocked_at, blocked_was_started)
select gen_random_uuid(), 'Flag stale SBOM ' || n, '', case when n % 5 = 0 then 'open' when n % 1000 = 1 then 'blocked' else 'closed' end,
    case when n % 5 <> 0 and n % 1000 <> 1 then timestamptz '2027-01-15' + n * interval '1 minute' end, case when n % 5 <> 0 and n % 1000 <> 1 then 'completed' end,
    case n % 10 when 0 then 'high' when 1 then 'low' else 'medium' end, case when n % 1000 = 3 then 'bug' else 'task' end, '[]', '[]',
    case when n % 1000 = 4 then 'v1' end, case when n % 3 = 0 then date '2027-01-15' + n % 300 end, 'repo-' || n % 50,
    case when n % 1000 = 5 then 'gitea' else 'postgres' end, 'rule', 'source-' || n % 20, 'event-' || n / 48, 'definition-' || n % 20,
    case when n % 1000 = 6 then 'pending' else 'none' end, 1, timestamptz '2027-01-15' + n * interval '1 minute', timestamptz '2027-02-15' + n * interval '1 minute',
    case when n % 1000 = 7 then now() end, case when n % 1000 = 1 then 'waits' end, case when n % 1000 = 1 then now() end, case when n % 1000 = 1 then false end
from generate_series(1, 100000) n;
insert into issue_tags (facet, key, created_at, number)
select tag.facet, tag.key, issues.created_at, issues.number from issues cross join lateral (values
    ('label', 'common', true), ('label', 'middling', number % 20 = 0), ('label', 'rare', number % 1000 = 8), ('assignee', 'zoe', number % 100 = 9)
) as tag (facet, key, has) where tag.has;
insert into issue_texts (number, words)
select number, to_tsvector('simple', 'flag stale sbom ' || case when number % 1000 = 10 then 'rare' else 'word' || number % 700 end) from issues;
insert into facet_counts (facet, key, name, shard, active, closed) select facet, key, key, 0, count(*), 0 from issue_tags group by facet, key;
analyze issues, issue_tags, issue_texts, facet_counts;";

fn text(text: &str) -> Option<TextQuery> {
    TextQuery::parse(text, "q").ok()
}

/// Each filter alone, common and rare.
fn filters() -> Vec<ListFilter> {
    let one = |text: &str| vec![text.to_owned()];
    let all = ListFilter::default;
    let day = |n| NaiveDate::from_ymd_opt(2027, 3, n);
    vec![
        all(),
        ListFilter { states: vec![StateName::Open], ..all() },
        ListFilter { states: vec![StateName::Blocked], ..all() },
        ListFilter { states: vec![StateName::Open, StateName::Closed], ..all() },
        ListFilter { priorities: vec![Priority::Medium], ..all() },
        ListFilter { kinds: vec![Kind::Bug], ..all() },
        ListFilter { kinds: vec![Kind::Task], ..all() },
        ListFilter { labels: one("common"), ..all() },
        ListFilter { labels: one("middling"), ..all() },
        ListFilter { labels: one("rare"), ..all() },
        ListFilter { labels: one("no such label"), ..all() },
        ListFilter { labels: vec!["common".to_owned(), "rare".to_owned()], ..all() },
        ListFilter { labels_any: vec!["rare".to_owned(), "middling".to_owned()], ..all() },
        ListFilter { labels_none: one("middling"), ..all() },
        ListFilter { assigned: AssigneeFilter::Nobody, ..all() },
        ListFilter { assigned: AssigneeFilter::To(one("zoe")), ..all() },
        ListFilter { milestones: one("v1"), ..all() },
        ListFilter { target_repos: one("repo-7"), ..all() },
        ListFilter { target_repos: vec!["repo-7".to_owned(), "repo-8".to_owned()], ..all() },
        ListFilter { backends: one("gitea"), ..all() },
        ListFilter { backends: one("postgres"), ..all() },
        ListFilter { source_types: vec![SourceType::Rule], ..all() },
        ListFilter { source_ids: one("source-3"), ..all() },
        ListFilter { triggering_event_ids: one("event-99"), ..all() },
        ListFilter { activity_definition_ids: one("definition-3"), ..all() },
        ListFilter { reviews: vec![ReviewState::Pending], ..all() },
        ListFilter { reviews: vec![ReviewState::None], ..all() },
        ListFilter { created: TimeRange { from: Some(at(0)), before: Some(at(86_400)) }, ..all() },
        ListFilter { updated: TimeRange { from: Some(at(40 * 86_400)), before: Some(at(41 * 86_400)) }, ..all() },
        ListFilter { closed: TimeRange { from: Some(at(86_400)), before: Some(at(2 * 86_400)) }, ..all() },
        ListFilter { due: TimeRange { from: day(1), before: day(3) }, ..all() },
        ListFilter { archived: Archived::Only, ..all() },
        ListFilter { archived: Archived::Any, ..all() },
        ListFilter { text: text("stale"), ..all() },
        ListFilter { text: text("rare"), ..all() },
        ListFilter { text: text("\"stale sbom\""), ..all() },
        ListFilter { id_prefix: IdPrefix::parse("000"), ..all() },
        ListFilter { unclaimed_at: Some(at(0)), ..all() },
    ]
}

async fn ask(store: &dyn Store, filter: &ListFilter) {
    let query = IssueQuery::of(filter.clone());
    let first = store.list(&query).await.unwrap();
    if first.more {
        let after = query.sort.place(first.issues.last().unwrap());
        store.list(&IssueQuery { after, ..query }).await.unwrap();
    }
    if filter.text.is_some() {
        store.matches(filter, None, 1000).await.unwrap();
    }
}

async fn ask_everything_else(store: &dyn Store) {
    let open = ListFilter { states: vec![StateName::Open], ..ListFilter::default() };
    for (sort, filter) in [Sort::Created, Sort::Updated, Sort::Due, Sort::Priority, Sort::Number]
        .into_iter()
        .flat_map(|sort| [(sort, ListFilter::default()), (sort, open.clone())])
    {
        for order in [Order::Ascending, Order::Descending] {
            store.list(&IssueQuery { sort, order, ..IssueQuery::of(filter.clone()) }).await.unwrap();
        }
    }
    store.count(&ListFilter { labels: vec!["middling".to_owned()], ..ListFilter::default() }, 1000).await.unwrap();
    let named = (0..50).flat_map(|n| [IssueRef::Number(IssueNumber(n)), IssueRef::Id(IssueId(crate::support::sample::id()))]);
    store.numbers(&named.collect::<Vec<_>>()).await.unwrap();
    for by in [FacetOrder::Name, FacetOrder::Count] {
        store.facet(&FacetQuery { facet: Facet::Label, prefix: String::new(), after: String::new(), by, limit: 10 }).await.unwrap();
    }
    for (by, name) in
        [(LookupBy::TriggeringEvent, "event-"), (LookupBy::ActivityDefinition, "definition-"), (LookupBy::TrackerKey, "t0:acme/tools#")]
    {
        let ids = (0..50).map(|n| format!("{name}{n}")).collect();
        store.lookup(&IssueLookup { by, ids, per_id: 11, most: 1000 }).await.unwrap();
    }
}

/// What the tables were read by since they exist: whole reads, and rows fetched through an index.
async fn reads(database: &Database) -> (i64, i64) {
    let sum = |column: &str| {
        format!(
            "select sum({column})::bigint from pg_stat_user_tables where relname in ('issues', 'issue_tags', 'issue_texts', 'facet_counts')"
        )
    };
    (database.number(&sum("seq_scan")).await, database.number(&sum("idx_tup_fetch")).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_filter_and_order_is_answered_by_an_index_also_after_many_executions() {
    database::run(Dialect::Postgres, async |database| {
        database.execute(FILL).await;
        let before = reads(&database).await;
        let store = database.open().await;
        let filters = filters();
        for round in 0..12 {
            for filter in &filters {
                ask(&*store, filter).await;
            }
            if round == 0 {
                // Two at once, each with each.
                for (n, one) in filters.iter().enumerate() {
                    for other in &filters[..n] {
                        store.list(&IssueQuery::of(merged(one, other))).await.unwrap();
                    }
                }
            }
            ask_everything_else(&*store).await;
        }
        let asked = i64::try_from(12 * (3 * filters.len() + 30) + filters.len() * filters.len() / 2).unwrap();
        // The counts of a session are certain to be in once it is over.
        store.close().await;
        let (whole, fetched) = reads(&database).await;
        assert_eq!(whole - before.0, 0, "a table was read from end to end");
        let each = (fetched - before.1) / asked;
        assert!(each < 3000, "{each} rows were fetched for an answer, of 50 as a rule");
    })
    .await;
}

/// What both ask for; where both ask for the same thing, the first.
fn merged(one: &ListFilter, other: &ListFilter) -> ListFilter {
    let (mut sum, bare) = (one.clone(), ListFilter::default());
    macro_rules! take {
        ($($field:ident)+) => { $(if sum.$field == bare.$field { sum.$field = other.$field.clone(); })+ };
    }
    take!(states priorities kinds labels labels_any labels_none assigned milestones target_repos backends source_types source_ids);
    take!(triggering_event_ids activity_definition_ids reviews created updated closed due archived text id_prefix unclaimed_at);
    sum
}
