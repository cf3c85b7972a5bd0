//! Writing what lists, searches and counts stand on: with new issues in their own statement, otherwise at the end of the
//! transaction. What there is to write is worked out in `store/reindex.rs`.

use std::collections::BTreeMap;

use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnection};
use uuid::Uuid;

use super::sql;
use super::words::TsVector;
use crate::domain::find::facet::{FacetCount, FacetValue, counted};
use crate::store::batch::OpenInsert;
use crate::store::reindex::{CountFields, ReindexPlan, TagFields, count_row, document, tag_fields};

/// What new issues are found and counted by, an array for each column: the last arguments of `insert_issues`.
#[derive(Debug, Default)]
pub(super) struct IndexColumns {
    texts: (Vec<Uuid>, Vec<TsVector>),
    tags: (Vec<Uuid>, TagColumns),
    counts: CountColumns,
    /// Which issue is in which count, and whether as a closed one: what is subtracted if the issue
    /// turns out not to be new.
    counted: (Vec<Uuid>, Vec<i64>, Vec<bool>),
}

impl IndexColumns {
    pub(super) fn of(inserts: &[OpenInsert<'_>]) -> Self {
        let mut columns = Self::default();
        let mut members: BTreeMap<FacetValue<'_>, Vec<(Uuid, FacetCount)>> = BTreeMap::new();
        for OpenInsert { change, issue, .. } in inserts {
            let id = issue.id.0;
            columns.texts.0.push(id);
            columns.texts.1.push(TsVector::of(&document(change, issue)));
            for tag in tag_fields(issue, issue.created_at, 0) {
                columns.tags.0.push(id);
                columns.tags.1.push(tag);
            }
            counted(issue).for_each(|(value, one)| members.entry(value).or_default().push((id, one)));
        }
        for (place, (value, members)) in (1..).zip(members) {
            let mut sum = FacetCount::default();
            for (id, one) in members {
                sum.add(one, 1);
                columns.counted.0.push(id);
                columns.counted.1.push(place);
                columns.counted.2.push(one.closed > 0);
            }
            columns.counts.push(count_row(value, sum));
        }
        columns
    }

    pub(super) fn bind(self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        arguments.add(self.texts.0)?;
        arguments.add(self.texts.1)?;
        arguments.add(self.tags.0)?;
        arguments.add(self.tags.1.facet)?;
        arguments.add(self.tags.1.key)?;
        self.counts.bind(arguments)?;
        arguments.add(self.counted.0)?;
        arguments.add(self.counted.1)?;
        arguments.add(self.counted.2)
    }
}

#[derive(Debug, Default)]
struct TagColumns {
    facet: Vec<&'static str>,
    key: Vec<String>,
}

impl TagColumns {
    fn push(&mut self, tag: TagFields) {
        self.facet.push(tag.facet);
        self.key.push(tag.key);
    }
}

#[derive(Debug, Default)]
struct CountColumns {
    facet: Vec<&'static str>,
    key: Vec<String>,
    name: Vec<String>,
    active: Vec<i64>,
    closed: Vec<i64>,
}

impl CountColumns {
    fn push(&mut self, count: CountFields) {
        self.facet.push(count.facet);
        self.key.push(count.key);
        self.name.push(count.name);
        self.active.push(count.active);
        self.closed.push(count.closed);
    }

    fn bind(self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        arguments.add(self.facet)?;
        arguments.add(self.key)?;
        arguments.add(self.name)?;
        arguments.add(self.active)?;
        arguments.add(self.closed)
    }
}

/// Tags, words and counts of a transaction whose other writes are done.
pub(super) async fn write(connection: &mut PgConnection, reindex: &ReindexPlan<'_>) -> Result<(), sqlx::Error> {
    tags(connection, sql::DELETE_TAGS, &reindex.tags_gone).await?;
    tags(connection, sql::INSERT_TAGS, &reindex.tags_new).await?;
    if !reindex.texts_gone.is_empty() {
        sqlx::query(sql::DELETE_TEXTS).bind(&reindex.texts_gone).execute(&mut *connection).await?;
    }
    texts(connection, reindex).await?;
    if reindex.counts.is_empty() {
        return Ok(());
    }
    let mut counts = CountColumns::default();
    for count in &reindex.counts {
        counts.push(count.clone());
    }
    let mut arguments = PgArguments::default();
    counts.bind(&mut arguments).map_err(sqlx::Error::Encode)?;
    sqlx::query_with(sql::COUNT, arguments).execute(&mut *connection).await?;
    Ok(())
}

async fn tags(connection: &mut PgConnection, statement: &'static str, tags: &[TagFields]) -> Result<(), sqlx::Error> {
    if tags.is_empty() {
        return Ok(());
    }
    let facets: Vec<&str> = tags.iter().map(|tag| tag.facet).collect();
    let keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    let moments: Vec<_> = tags.iter().map(|tag| tag.created_at).collect();
    let numbers: Vec<i64> = tags.iter().map(|tag| tag.number).collect();
    sqlx::query(statement).bind(facets).bind(keys).bind(moments).bind(numbers).execute(connection).await?;
    Ok(())
}

async fn texts(connection: &mut PgConnection, reindex: &ReindexPlan<'_>) -> Result<(), sqlx::Error> {
    if reindex.texts_new.is_empty() {
        return Ok(());
    }
    let remarked = reindex.remarked();
    let remarks: Vec<(Uuid, String)> =
        if remarked.is_empty() { Vec::new() } else { sqlx::query_as(sql::REMARKS).bind(remarked).fetch_all(&mut *connection).await? };
    let (numbers, words): (Vec<i64>, Vec<TsVector>) =
        reindex.documents(&remarks).iter().map(|(number, document)| (*number, TsVector::of(document))).unzip();
    sqlx::query(sql::WRITE_TEXTS).bind(numbers).bind(words).execute(connection).await?;
    Ok(())
}
