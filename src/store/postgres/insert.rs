//! New issues with what belongs to them, in one statement and one round trip: the path of every task that is filed or adopted.
//!
//! The server prepares all that a statement names, even if there is nothing to do, and for one task
//! alone that is most of the work. So there is one statement for each combination of further
//! tables, and another one for a single issue. To write another table with new issues: an
//! [`InsertPart`], its piece of the statement, its arguments at the end of [`insert`].

use std::sync::LazyLock;

use sqlx::Arguments as _;
use sqlx::postgres::{PgArguments, PgConnection};
use uuid::Uuid;

use super::incoming::children;
use super::index::IndexColumns;
use crate::domain::Change;
use crate::store::batch::{OpenInsert, links_of};
use crate::store::fields::IssueFields;
use crate::store::row::written_columns;

/// - A key that is there already is left out first, so that an ordinary repeat burns no number. A scalar subquery, because
///   the planner may turn `not exists` into a hash over the whole table.
/// - `on conflict` decides between racing sessions; `order by` makes all of them take their keys in one order, so that no
///   two wait for each other in a circle.
/// - Children are joined to the rows really inserted: a duplicate leaves nothing.
const ISSUES: &str = concat!(
    "-- insert_issues
with inserted as (
    insert into issues (",
    written_columns!(),
    ")
    select ",
    written_columns!(),
    "
    from unnest($1::incoming_issue[]) with ordinality as incoming
    where (select issues.id from issues where issues.dedupe_key = incoming.dedupe_key) is null
    order by dedupe_key, ordinality
    on conflict (dedupe_key) do nothing
    returning id, number, created_at
), new_events as (
    insert into events (issue_id, seq, id, kind, actor, at, trace, detail)
    select child.issue_id, child.seq, child.id, child.kind, child.actor, child.at, child.trace, child.detail
    from unnest($2::incoming_event[]) as child join inserted on inserted.id = child.issue_id
)"
);

const COMMENTS: &str = ", new_comments as (
    insert into comments (id, issue_id, author, body, created_at, edited_at)
    select child.id, child.issue_id, child.author, child.body, child.created_at, child.edited_at
    from unnest($3::incoming_comment[]) as child join inserted on inserted.id = child.issue_id
)";

const MESSAGES: &str = ", new_messages as (
    insert into messages (kind, target, issue_id, event_seq, due_at, trace)
    select child.kind, child.target, child.issue_id, child.event_seq, child.due_at, child.trace
    from unnest($4::incoming_message[]) with ordinality as child join inserted on inserted.id = child.issue_id
    order by child.ordinality
)";

/// A new issue cannot have links yet.
const LINKS: &str = ", new_links as (
    insert into links (
        issue_id, backend, position, place, state, intended_at, remote_id, remote_key, url, pushed, moved_from, origin, turns,
        heard, missing_at
    )
    select
        child.issue_id, child.backend, child.position, child.place, child.state, child.intended_at, child.remote_id, child.remote_key,
        child.url, child.pushed, child.moved_from, child.origin, child.turns, child.heard, child.missing_at
    from unnest($5::incoming_link[]) as child join inserted on inserted.id = child.issue_id
)";

const INDEX: &str = ", new_texts as (
    insert into issue_texts (number, words)
    select inserted.number, child.words
    from unnest($6::uuid[], $7::tsvector[]) as child (issue_id, words) join inserted on inserted.id = child.issue_id
), new_tags as (
    insert into issue_tags (facet, key, created_at, number)
    select child.facet, child.key, inserted.created_at, inserted.number
    from unnest($8::uuid[], $9::text[], $10::text[]) as child (issue_id, facet, key) join inserted on inserted.id = child.issue_id
)";

/// - Counts come added up, as if every issue were new. If some were not, their counts are read and
///   subtracted again.
/// - They are written last, in one order: their rows are shared with other sessions, and locked until the commit.
const COUNTS: &str = ", not_new as (
    select place, count(*) filter (where not closed) as active, count(*) filter (where closed) as closed
    from unnest($16::uuid[], $17::bigint[], $18::boolean[]) as counted (issue_id, place, closed)
    where (select count(*) from inserted) < cardinality($1) and issue_id not in (select id from inserted)
    group by place
), new_counts as (
    select
        value.place, value.facet, value.key, value.name,
        value.active - coalesce(not_new.active, 0) as active, value.closed - coalesce(not_new.closed, 0) as closed
    from unnest($11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[])
        with ordinality as value (facet, key, name, active, closed, place)
    left join not_new on not_new.place = value.place
), counted as (
    insert into facet_counts as counts (facet, key, name, shard, active, closed)
    select facet, key, name, pg_backend_pid() % 8, active, closed from new_counts where active > 0 or closed > 0 order by place
    on conflict (facet, key, name, shard)
    do update set active = counts.active + excluded.active, closed = counts.closed + excluded.closed
)";

/// Nothing to take off: if the one issue is not new nothing is counted.
const COUNTS_OF_ONE: &str = ", counted as (
    insert into facet_counts as counts (facet, key, name, shard, active, closed)
    select facet, key, name, pg_backend_pid() % 8, active, closed
    from unnest($11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[])
        with ordinality as value (facet, key, name, active, closed, place)
    cross join inserted
    order by place
    on conflict (facet, key, name, shard)
    do update set active = counts.active + excluded.active, closed = counts.closed + excluded.closed
)";

const END: &str = "
select id, number from inserted";

/// The differences of the statement for one issue alone: there is nothing to match and nothing to
/// put in order. The limit shows the planner that it is one. Otherwise the plan for any number of
/// rows seems dearer than a new plan each time, which takes as long as the work itself.
const OF_ONE: [(&str, &str); 4] = [
    ("unnest($1::incoming_issue[]) with ordinality as incoming", "(select * from unnest($1::incoming_issue[]) limit 1) as incoming"),
    ("join inserted on inserted.id = child.issue_id", "cross join inserted"),
    ("    order by dedupe_key, ordinality\n", ""),
    (COUNTS, COUNTS_OF_ONE),
];

/// The tables beside issues and their events, each a bit of a set.
#[derive(Debug, Clone, Copy)]
enum InsertPart {
    Comments,
    Messages,
    Links,
    Index,
}

const PARTS: [(InsertPart, &[&str]); 4] = [
    (InsertPart::Comments, &[COMMENTS]),
    (InsertPart::Messages, &[MESSAGES]),
    (InsertPart::Links, &[LINKS]),
    (InsertPart::Index, &[INDEX, COUNTS]),
];

/// For many issues, and for one.
static STATEMENTS: LazyLock<(Vec<String>, Vec<String>)> = LazyLock::new(|| {
    let of_one = |many: &String| OF_ONE.iter().fold(many.clone(), |statement, (said, instead)| statement.replace(said, instead));
    let many: Vec<String> = (0..1 << PARTS.len()).map(statement).collect();
    let one = many.iter().map(of_one).collect();
    (many, one)
});

fn statement(parts: usize) -> String {
    let pieces = PARTS.iter().filter(|(part, _)| parts & bit(*part, true) != 0).flat_map(|(_, pieces)| pieces.iter().copied());
    std::iter::once(ISSUES).chain(pieces).chain([END]).collect()
}

const fn bit(part: InsertPart, wanted: bool) -> usize {
    (wanted as usize) << part as usize
}

/// How much of what belongs to new issues is written with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InsertExtent {
    /// All of it: nothing is waited for between the statement and the end of the transaction.
    Whole,
    /// Without links, tags, words and counts. They are written at the end of a longer transaction,
    /// with those of other changes. Other sessions share the counts' rows, so a session that holds
    /// them and waits for another lock would deadlock.
    Part,
}

/// Answers which were inserted, and their numbers.
pub(super) async fn insert(
    connection: &mut PgConnection,
    inserts: &[OpenInsert<'_>],
    extent: InsertExtent,
) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    let issues: Vec<IssueFields<'_>> = inserts.iter().map(|insert| IssueFields::of(insert.issue, insert.dedupe)).collect();
    let changes: Vec<&Change> = inserts.iter().map(|insert| insert.change).collect();
    let children = children(&changes);
    let whole = extent == InsertExtent::Whole;
    let links = if whole { links_of(changes.iter().copied()) } else { Vec::new() };
    let parts = bit(InsertPart::Comments, !children.comments.is_empty())
        | bit(InsertPart::Messages, !children.messages.is_empty())
        | bit(InsertPart::Links, !links.is_empty())
        | bit(InsertPart::Index, whole);
    let index = if whole { IndexColumns::of(inserts) } else { IndexColumns::default() };
    let mut arguments = PgArguments::default();
    let bound = arguments.add(issues).and_then(|()| children.bind(&mut arguments)).and_then(|()| arguments.add(links));
    bound.and_then(|()| index.bind(&mut arguments)).map_err(sqlx::Error::Encode)?;
    let (of_many, of_one) = &*STATEMENTS;
    let statement = if let [_] = inserts { &of_one[parts] } else { &of_many[parts] };
    sqlx::query_as_with(statement.as_str(), arguments).fetch_all(&mut *connection).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_combination_names_what_it_writes_and_nothing_else() {
        for (parts, statement) in STATEMENTS.0.iter().enumerate() {
            for (part, pieces) in PARTS {
                let contains = pieces.iter().all(|piece| statement.contains(piece));
                assert_eq!(contains, parts & bit(part, true) != 0, "{part:?} in {parts:#b}");
            }
        }
    }

    #[test]
    fn for_one_issue_alone_nothing_is_matched_nor_put_in_order() {
        let (many, one) = &*STATEMENTS;
        for (many, one) in many.iter().zip(one) {
            assert!(
                many.contains("child.issue_id\n") && !one.contains("= child.issue_id") && !one.contains("order by dedupe_key"),
                "{one}"
            );
            assert_eq!(many.contains("counted as"), one.contains("counted as"), "{one}");
        }
    }
}
