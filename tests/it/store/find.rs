//! Lists, searches, counts and lookups, compared with what a few lines of ordinary code make of the same issues.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use futures_util::future::join_all;
use issue_core::domain::find::facet::{Facet, FacetCounts, FacetOrder, FacetQuery, tally};
use issue_core::domain::find::search::{SearchDocument, TextQuery};
use issue_core::domain::find::{
    Archived, AssigneeFilter, IdPrefix, IssueLookup, IssueQuery, ListFilter, LookupBy, NEVER_DUE, Order, PAGE_BYTES, Sort, TimeRange,
    Urgency,
};
use issue_core::domain::{
    Claim, CloseReason, Comment, CommentWrite, Issue, IssueNumber, Kind, Priority, Review, ReviewState, SourceType, State, StateName,
    TaskOrigin,
};
use issue_core::store::{CommitOutcome, Store};

use crate::support::database::Database;
use crate::support::sample::{self, at};

/// Small random numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()].clone()
    }

    fn some<T: Clone>(&mut self, from: &[T]) -> Vec<T> {
        from.iter().filter(|_| self.0 % 3 != 1 && self.once_in(2)).cloned().collect()
    }
}

const WORDS: [&str; 8] = ["stale", "SBOM", "Ärger", "in", "activity-core", "v2", "flag", "日本語"];
const LABELS: [&str; 5] = ["sbom", "Über", "a,b", "late", "x"];
const PEOPLE: [&str; 3] = ["zoe", "Adam", "kim"];
const NAMES: [&str; 3] = ["one", "two", "three"];

fn day(n: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 1, 1).unwrap() + TimeDelta::days(i64::try_from(n).unwrap())
}

fn text(dice: &mut Dice, words: u64) -> String {
    (0..dice.below(words)).map(|_| dice.pick(&WORDS)).collect::<Vec<_>>().join(" ")
}

/// An issue in which many fields are as in many others.
fn random(dice: &mut Dice) -> Issue {
    let texts = |dice: &mut Dice, from: &[&str]| dice.some(from).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let maybe = |dice: &mut Dice| if dice.once_in(2) { Some(dice.pick(&NAMES).to_owned()) } else { None };
    let moment = at(i64::try_from(dice.below(20)).unwrap());
    let state = match dice.below(6) {
        0 => State::InProgress,
        1 => State::Blocked { reason: "waits".to_owned(), since: at(3), was_started: false },
        2 | 3 => State::Closed { reason: CloseReason::Completed, at: at(i64::try_from(dice.below(9)).unwrap()) },
        _ => State::Open,
    };
    let mut labels = texts(dice, &LABELS);
    if dice.once_in(4) {
        labels = labels.iter().map(|label| label.to_uppercase()).collect();
    }
    Issue {
        title: format!("t {}", text(dice, 5)),
        description: text(dice, 9),
        state,
        priority: dice.pick(Priority::ALL),
        kind: dice.pick(&[Kind::Task, Kind::Task, Kind::Bug]),
        labels,
        assignees: texts(dice, &PEOPLE),
        milestone: maybe(dice),
        due_on: if dice.once_in(2) { Some(day(dice.below(5))) } else { None },
        target_repo: maybe(dice),
        backend: dice.pick(&["gitea", "sqlite", "postgres"]).to_owned(),
        origin: TaskOrigin {
            source_type: dice.pick(&[None, Some(SourceType::Rule), Some(SourceType::Instruction)]),
            source_id: maybe(dice),
            triggering_event_id: maybe(dice),
            activity_definition_id: maybe(dice),
        },
        review: dice.pick(&[Review::None, Review::None, Review::Pending, Review::Rejected { reason: "no".to_owned() }]),
        claim: dice.once_in(3).then(|| Claim { holder: "a".to_owned(), until: at(5) }),
        created_at: moment,
        updated_at: moment + TimeDelta::seconds(i64::try_from(dice.below(5)).unwrap()),
        archived_at: dice.once_in(6).then(|| at(2)),
        ..sample::plain_issue()
    }
}

fn random_filter(dice: &mut Dice) -> ListFilter {
    let mut filter = ListFilter { archived: dice.pick(Archived::ALL), ..ListFilter::default() };
    let texts = |dice: &mut Dice, from: &[&str]| dice.some(from).iter().map(|text| text.to_lowercase()).collect::<Vec<_>>();
    for _ in 0..dice.below(4) {
        match dice.below(21) {
            0 => filter.states = dice.some(StateName::ALL),
            1 => filter.priorities = dice.some(Priority::ALL),
            2 => filter.kinds = dice.some(Kind::ALL),
            3 => filter.labels = vec![dice.pick(&LABELS).to_lowercase()],
            4 => filter.labels = texts(dice, &LABELS[..2]),
            5 => filter.labels_any = texts(dice, &LABELS),
            6 => filter.labels_none = texts(dice, &LABELS),
            7 => filter.assigned = dice.pick(&[AssigneeFilter::Nobody, AssigneeFilter::To(vec!["adam".to_owned()])]),
            8 => filter.assigned = AssigneeFilter::To(vec!["adam".to_owned(), "zoe".to_owned()]),
            9 => filter.milestones = texts(dice, &NAMES),
            10 => filter.target_repos = texts(dice, &NAMES),
            11 => filter.backends = vec![dice.pick(&["gitea", "sqlite", "jira"]).to_owned()],
            12 => filter.source_types = dice.some(SourceType::ALL),
            13 => filter.source_ids = texts(dice, &NAMES),
            14 => filter.triggering_event_ids = texts(dice, &NAMES),
            15 => filter.activity_definition_ids = texts(dice, &NAMES),
            16 => filter.reviews = dice.some(ReviewState::ALL),
            17 => filter.unclaimed_at = Some(at(i64::try_from(dice.below(9)).unwrap())),
            18 => random_span(dice, &mut filter),
            19 => filter.id_prefix = IdPrefix::parse(dice.pick(&["0", "00", "1", "f", "0001"])),
            _ => filter.text = random_search(dice),
        }
    }
    filter
}

fn random_span(dice: &mut Dice, filter: &mut ListFilter) {
    let moment = |dice: &mut Dice| if dice.once_in(3) { None } else { Some(at(i64::try_from(dice.below(12)).unwrap())) };
    let span = TimeRange { from: moment(dice), before: moment(dice) };
    match dice.below(4) {
        0 => filter.created = span,
        1 => filter.updated = span,
        2 => filter.closed = span,
        _ => filter.due = TimeRange { from: Some(day(dice.below(3))), before: if dice.once_in(2) { Some(day(4)) } else { None } },
    }
}

fn random_search(dice: &mut Dice) -> Option<TextQuery> {
    let text = match dice.below(5) {
        0 => format!("\"{}\"", text(dice, 4)),
        1 => format!("{}*", &dice.pick(&["st", "sb", "är", "日", "nothing"])),
        2 => "comment".to_owned(),
        _ => text(dice, 4),
    };
    TextQuery::parse(&text, "q").ok()
}

/// What the store must hold, by number.
#[derive(Default)]
struct Model {
    issues: BTreeMap<i64, (Issue, Vec<Comment>)>,
}

impl Model {
    async fn fill(store: &dyn Store, dice: &mut Dice, count: usize) -> Self {
        let mut model = Self::default();
        let issues: Vec<Issue> = (0..count).map(|_| random(dice)).collect();
        for chunk in issues.chunks(40) {
            let changes: Vec<_> = chunk.iter().map(|issue| sample::insert(issue, None)).collect();
            for (issue, outcome) in chunk.iter().zip(store.commit(&changes).await.unwrap()) {
                let CommitOutcome::Inserted(number) = outcome else { panic!("not inserted: {outcome:?}") };
                model.issues.insert(number.0, (Issue { number, ..issue.clone() }, Vec::new()));
            }
        }
        model
    }

    /// Edits, remarks and deletions, a batch of them.
    async fn shake(&mut self, store: &dyn Store, dice: &mut Dice) {
        let mut changes = Vec::new();
        let numbers: Vec<i64> = self.issues.keys().copied().filter(|_| dice.once_in(4)).collect();
        for number in numbers {
            let (issue, comments) = self.issues.get_mut(&number).unwrap();
            if dice.once_in(5) {
                changes.push(sample::delete(issue));
                self.issues.remove(&number);
                continue;
            }
            let read_version = issue.version;
            let mut next = if dice.once_in(2) { random(dice) } else { issue.clone() };
            (next.id, next.number, next.created_at, next.version) = (issue.id, issue.number, issue.created_at, read_version + 1);
            let mut change = sample::update(&next, read_version);
            match (dice.below(4), comments.is_empty()) {
                (0, _) | (1, true) => {
                    let comment = Comment { body: format!("comment {}", text(dice, 4)), ..sample::comment(&next) };
                    comments.push(comment.clone());
                    change.comments.push(CommentWrite::Add(comment));
                }
                (1, false) => {
                    comments[0].body = text(dice, 4);
                    change.comments.push(CommentWrite::Edit(comments[0].clone()));
                }
                (2, false) => change.comments.push(CommentWrite::Delete(comments.remove(0).id)),
                _ => {}
            }
            *issue = next;
            changes.push(change);
        }
        let written = store.commit(&changes).await.unwrap();
        assert!(written.iter().all(|outcome| *outcome == CommitOutcome::Written), "{written:?}");
    }

    fn matching(&self, filter: &ListFilter) -> Vec<&Issue> {
        let admitted = |(issue, comments): &(Issue, Vec<Comment>)| {
            let comments: Vec<&str> = comments.iter().map(|comment| comment.body.as_str()).collect();
            filter.admits(issue, &SearchDocument::new(&issue.title, &issue.description, comments))
        };
        self.issues.values().filter(|entry| admitted(entry)).map(|(issue, _)| issue).collect()
    }

    fn listed(&self, query: &IssueQuery) -> Vec<i64> {
        let mut issues = self.matching(&query.filter);
        issues.sort_by(|a, b| {
            let by = match query.sort {
                Sort::Created => a.created_at.cmp(&b.created_at),
                Sort::Updated => a.updated_at.cmp(&b.updated_at),
                Sort::Due => a.due_on.unwrap_or(NEVER_DUE).cmp(&b.due_on.unwrap_or(NEVER_DUE)),
                Sort::Priority => Urgency::of(a).cmp(&Urgency::of(b)),
                Sort::Number | Sort::Relevance => std::cmp::Ordering::Equal,
            };
            let by = by.then(a.number.cmp(&b.number));
            if query.order == Order::Ascending { by } else { by.reverse() }
        });
        if query.sort == Sort::Due {
            issues.sort_by_key(|issue| issue.due_on.is_none());
        }
        issues.into_iter().map(|issue| issue.number.0).collect()
    }
}

/// Every page, one after the other, by the cursors that callers get.
async fn paged(store: &dyn Store, query: &IssueQuery) -> Vec<Issue> {
    let mut query = query.clone();
    let mut all = Vec::new();
    loop {
        let page = store.list(&query).await.unwrap_or_else(|error| panic!("{query:?}: {error}"));
        assert!(page.issues.len() <= query.limit as usize);
        all.extend(page.issues);
        if !page.more {
            return all;
        }
        query.after = query.sort.place(all.last().unwrap());
    }
}

pub(super) async fn every_list_is_what_the_model_says_and_its_pages_join_without_gap_or_repeat(database: Database) {
    let store = database.open().await;
    let mut dice = Dice(0x5EED);
    let mut model = Model::fill(&*store, &mut dice, 120).await;
    model.shake(&*store, &mut dice).await;
    let sorts = [Sort::Created, Sort::Updated, Sort::Due, Sort::Priority, Sort::Number];
    for n in 0..400 {
        let filter = if n < 10 { ListFilter { archived: Archived::Any, ..ListFilter::default() } } else { random_filter(&mut dice) };
        let query =
            IssueQuery { sort: sorts[n % 5], order: Order::ALL[(n / 5) % 2], limit: dice.pick(&[1, 7, 50]), ..IssueQuery::of(filter) };
        let found = paged(&*store, &query).await;
        let numbers: Vec<i64> = found.iter().map(|issue| issue.number.0).collect();
        assert_eq!(numbers, model.listed(&query), "{query:?}");
        for issue in &found {
            assert_eq!(issue, &model.issues[&issue.number.0].0);
        }
        let most = dice.pick(&[10, 1000]);
        assert_eq!(store.count(&query.filter, most).await.unwrap(), (numbers.len() as u64).min(u64::from(most)), "{query:?}");
    }
}

/// So many of the issues have the word that they are read in the order of the list; a rare one is
/// fetched from its index.
pub(super) async fn a_list_by_words_that_many_have_is_what_the_model_says(database: Database) {
    let store = database.open().await;
    let mut dice = Dice(0xC0DE);
    let model = Model::fill(&*store, &mut dice, 600).await;
    let sorts = [Sort::Created, Sort::Updated, Sort::Due, Sort::Priority, Sort::Number];
    for n in 0..40 {
        let others = if n < 10 { ListFilter::default() } else { random_filter(&mut dice) };
        let filter = ListFilter { text: TextQuery::parse("stale", "q").ok(), ..others };
        let query = IssueQuery { sort: sorts[n % 5], order: Order::ALL[(n / 5) % 2], limit: 100, ..IssueQuery::of(filter) };
        let numbers: Vec<i64> = paged(&*store, &query).await.iter().map(|issue| issue.number.0).collect();
        assert_eq!(numbers, model.listed(&query), "{query:?}");
        assert!(n >= 10 || (200..400).contains(&numbers.len()), "{} have it: neither few nor all", numbers.len());
    }
}

fn facet(facet: Facet) -> FacetQuery {
    FacetQuery { facet, prefix: String::new(), after: String::new(), by: FacetOrder::Name, limit: 200 }
}

async fn assert_counts(store: &dyn Store, issues: impl Iterator<Item = &Issue> + Clone) {
    let mut counts = FacetCounts::new();
    issues.for_each(|issue| tally(&mut counts, issue, 1));
    let mut expected: BTreeMap<(Facet, String), (i64, i64)> = BTreeMap::new();
    for (value, count) in counts {
        let sum = expected.entry((value.facet, value.key.into_owned())).or_default();
        *sum = (sum.0 + count.active, sum.1 + count.closed);
    }
    let mut found = BTreeMap::new();
    for kind in Facet::ALL {
        for value in store.facet(&facet(*kind)).await.unwrap() {
            found.insert((*kind, value.key), (value.count.active, value.count.closed));
        }
    }
    assert_eq!(found, expected);
}

pub(super) async fn searches_and_counts_follow_every_edit_remark_and_deletion(database: Database) {
    let store = database.open().await;
    let mut dice = Dice(0xBEEF);
    let mut model = Model::fill(&*store, &mut dice, 60).await;
    for _ in 0..8 {
        model.shake(&*store, &mut dice).await;
        assert_counts(&*store, model.issues.values().map(|(issue, _)| issue)).await;
        for _ in 0..15 {
            let Some(text) = random_search(&mut dice) else { continue };
            let filter = ListFilter { text: Some(text), archived: Archived::Any, ..ListFilter::default() };
            let query = IssueQuery { sort: Sort::Number, ..IssueQuery::of(filter) };
            let found: Vec<i64> = store.matches(&query.filter, None, 1000).await.unwrap().iter().map(|found| found.number).collect();
            assert_eq!(found, model.listed(&query), "{query:?}");
        }
    }
    assert_eq!(database.count("issue_texts").await, i64::try_from(model.issues.len()).unwrap(), "nothing is left of what was deleted");
    let tags: usize = model.issues.values().map(|(issue, _)| issue.labels.len() + issue.assignees.len()).sum();
    assert_eq!(database.count("issue_tags").await, i64::try_from(tags).unwrap());
}

pub(super) async fn a_page_ends_before_its_descriptions_outgrow_it(database: Database) {
    let store = database.open().await;
    let half = Issue { description: "é".repeat(PAGE_BYTES as usize / 4), ..sample::plain_issue() };
    for _ in 0..5 {
        sample::stored(&*store, Issue { id: sample::plain_issue().id, ..half.clone() }, None).await;
    }
    let page = store.list(&IssueQuery::of(ListFilter::default())).await.unwrap();
    assert_eq!((page.issues.len(), page.more), (2, true));
    assert_eq!(paged(&*store, &IssueQuery::of(ListFilter::default())).await.len(), 5);
    let large = Issue { description: "x".repeat(PAGE_BYTES as usize), ..sample::plain_issue() };
    sample::stored(&*store, Issue { created_at: at(9), ..large }, None).await;
    let page = store.list(&IssueQuery::of(ListFilter::default())).await.unwrap();
    assert_eq!((page.issues.len(), page.more), (1, true), "one issue always fits");
}

pub(super) async fn the_newest_matches_are_given_and_older_ones_on_request(database: Database) {
    let store = database.open().await;
    for n in 0..6 {
        let issue = Issue { title: format!("Word {n}"), description: "x".repeat(600), ..sample::plain_issue() };
        sample::stored(&*store, issue, None).await;
    }
    let filter = ListFilter { text: TextQuery::parse("word", "q").ok(), ..ListFilter::default() };
    let newest = store.matches(&filter, None, 2).await.unwrap();
    assert_eq!(newest.iter().map(|found| found.title.as_str()).collect::<Vec<_>>(), ["Word 5", "Word 4"]);
    assert_eq!((newest[0].opening.len(), newest[0].bytes), (500, 600));
    let older = store.matches(&filter, Some(newest[1].number - 1), 9).await.unwrap();
    assert_eq!(older.len(), 4);
}

pub(super) async fn counts_are_exact_while_many_commit_at_once(database: Database) {
    let store = database.open().await;
    let mut dice = Dice(0xACE);
    let model = Model::fill(&*store, &mut dice, 40).await;
    let new: Vec<Issue> = (0..120).map(|_| random(&mut dice)).collect();
    let old: Vec<Issue> = model.issues.values().map(|(issue, _)| issue.clone()).collect();
    let closed: Vec<Issue> =
        old.iter().map(|issue| Issue { state: State::Closed { reason: CloseReason::Duplicate, at: at(1) }, ..issue.clone() }).collect();
    // Inserts alone, updates alone, and both in one transaction, in opposite orders.
    let batches: Vec<Vec<_>> = (0..10)
        .map(|n| {
            let inserts = new.iter().skip(n).step_by(10).map(|issue| sample::insert(issue, None));
            let updates = closed.iter().skip(n).step_by(10).map(|issue| sample::update(issue, issue.version));
            match n % 4 {
                0 => inserts.chain(updates).collect(),
                1 => updates.chain(inserts).rev().collect(),
                _ => inserts.rev().chain(updates.rev()).collect(),
            }
        })
        .collect();
    let written = join_all(batches.iter().map(|batch| store.commit(batch))).await;
    assert!(
        written
            .into_iter()
            .all(|outcomes| outcomes.unwrap().iter().all(|outcome| matches!(outcome, CommitOutcome::Inserted(_) | CommitOutcome::Written)))
    );
    assert_counts(&*store, new.iter().chain(&closed)).await;
}

pub(super) async fn counts_are_exact_where_some_of_a_batch_were_filed_before(database: Database) {
    let store = database.open().await;
    let mut dice = Dice(0xD0B1E);
    // Each key comes three times, each time as another issue, in batches that race each other.
    let filed: Vec<(Issue, _)> = (0..150).map(|n| (random(&mut dice), sample::key(n % 50))).collect();
    let batches: Vec<Vec<_>> =
        (0..6).map(|n| filed.iter().skip(n).step_by(6).map(|(issue, key)| sample::insert(issue, Some(*key))).collect()).collect();
    let mut new = Vec::new();
    for (batch, outcomes) in batches.iter().zip(join_all(batches.iter().map(|batch| store.commit(batch))).await) {
        let written = batch.iter().zip(outcomes.unwrap()).filter(|(_, outcome)| matches!(outcome, CommitOutcome::Inserted(_)));
        new.extend(written.filter_map(|(change, _)| change.issue().cloned()));
    }
    assert_eq!(new.len(), 50);
    assert_counts(&*store, new.iter()).await;
}

pub(super) async fn spellings_of_a_label_are_counted_as_one_and_facets_are_read_page_by_page(database: Database) {
    let store = database.open().await;
    for label in ["SBOM", "sbom", "SBOM", "a", "b", "sbo", "zz"] {
        sample::stored(&*store, Issue { labels: vec![label.to_owned()], ..sample::plain_issue() }, None).await;
    }
    let names = async |query: FacetQuery| {
        let values = store.facet(&query).await.unwrap();
        values.into_iter().map(|value| (value.name, value.count.active)).collect::<Vec<_>>()
    };
    let expected = |values: &[(&str, i64)]| values.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Vec<_>>();
    let label = facet(Facet::Label);
    assert_eq!(names(FacetQuery { limit: 2, ..label.clone() }).await, expected(&[("a", 1), ("b", 1)]));
    assert_eq!(names(FacetQuery { limit: 2, after: "b".to_owned(), ..label.clone() }).await, expected(&[("sbo", 1), ("SBOM", 3)]));
    assert_eq!(names(FacetQuery { prefix: "sb".to_owned(), ..label.clone() }).await, expected(&[("sbo", 1), ("SBOM", 3)]));
    assert_eq!(names(FacetQuery { by: FacetOrder::Count, limit: 2, ..label }).await, expected(&[("SBOM", 3), ("a", 1)]));
}

pub(super) async fn what_was_filed_is_looked_up_in_the_order_asked(database: Database) {
    let store = database.open().await;
    let filed = async |event: &str, second: i64| {
        let origin = TaskOrigin {
            triggering_event_id: Some(event.to_owned()),
            activity_definition_id: Some("d".to_owned()),
            ..TaskOrigin::default()
        };
        sample::stored(&*store, Issue { origin, created_at: at(second), ..sample::plain_issue() }, None).await.number
    };
    let (old, new, other) = (filed("e1", 1).await, filed("e1", 2).await, filed("e2", 3).await);
    let found = async |by, ids: &[&str], per_id, most| {
        let asked = IssueLookup { by, ids: ids.iter().map(|id| (*id).to_owned()).collect(), per_id, most };
        let found = store.lookup(&asked).await.unwrap();
        found.into_iter().map(|found| (found.place, found.number)).collect::<Vec<(usize, IssueNumber)>>()
    };
    let event = LookupBy::TriggeringEvent;
    assert_eq!(found(event, &["e2", "none", "e1"], 9, 9).await, [(0, other), (2, new), (2, old)]);
    assert_eq!(found(event, &["e1", "e2"], 1, 9).await, [(0, new), (1, other)]);
    assert_eq!(found(event, &["e1", "e2"], 9, 1).await, [(0, new)]);
    assert_eq!(found(LookupBy::ActivityDefinition, &["d"], 2, 9).await, [(0, other), (0, new)]);
}
