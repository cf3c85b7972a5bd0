//! What each budget has spent. The writer is alone, so no other call spends in between.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::statement::rows;
use super::{SqliteStore, finish};
use crate::domain::tracker::BudgetWindow;
use crate::store::fields::moment_text;
use crate::store::lookup::counted;
use crate::store::{BudgetStore, StoreError};

/// The spending that fills a window up: once it is older than the window there is room again.
const FILLS: &str = "-- fills
select at from spendings where budget = ?1 and at > ?2 order by at desc limit 1 offset ?3";

const FORGET_SPENDINGS: &str = "-- forget_spendings
delete from spendings where budget = ?1 and at <= ?2";

const SPEND: &str = "-- spend
insert into spendings (budget, at) values (?1, ?2)";

const SPENT: &str = "-- spent
select count(*) from spendings where budget = ?1 and at > ?2";

#[async_trait]
impl BudgetStore for SqliteStore {
    async fn spend_budget(&self, budget: &str, windows: &[BudgetWindow], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut connection = self.writer().await?;
        let until = spend(&mut connection, budget, windows, now).await;
        finish(connection, until)
    }

    async fn budget_spent(&self, budget: &str, since: DateTime<Utc>) -> Result<u64, StoreError> {
        Ok(counted(self.one(rows::<(i64,)>(SPENT).bind(budget).bind(moment_text(since))).await?))
    }
}

async fn spend(
    connection: &mut SqliteConnection,
    budget: &str,
    windows: &[BudgetWindow],
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let mut transaction = connection.begin_with("begin immediate").await?;
    let mut until: Option<DateTime<Utc>> = None;
    for window in windows {
        let filling = sqlx::query_scalar(FILLS).bind(budget).bind(moment_text(now - window.length)).bind(i64::from(window.writes) - 1);
        let filled: Option<DateTime<Utc>> = filling.fetch_optional(&mut *transaction).await?;
        until = until.max(filled.map(|at| at + window.length));
    }
    if until.is_none() {
        let longest = windows.iter().map(|window| window.length).max().unwrap_or_default();
        sqlx::query(FORGET_SPENDINGS).bind(budget).bind(moment_text(now - longest)).execute(&mut *transaction).await?;
        sqlx::query(SPEND).bind(budget).bind(moment_text(now)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(until)
}
