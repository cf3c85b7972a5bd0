//! What each budget has spent. A budget's row is its lock.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::time::timeout;

use super::PostgresStore;
use super::error::PostgresFailure;
use super::statement::rows;
use crate::domain::tracker::BudgetWindow;
use crate::store::lookup::counted;
use crate::store::{BudgetStore, StoreError};

const OPEN_BUDGET: &str = "-- open_budget
insert into budgets (name) values ($1) on conflict do nothing";

const LOCK_BUDGET: &str = "-- lock_budget
select name from budgets where name = $1 for update";

/// The spending that fills a window up: once it is older than the window there is room again.
const FILLS: &str = "-- fills
select at from spendings where budget = $1 and at > $2 order by at desc offset $3 limit 1";

const SPEND: &str = "-- spend
with forgotten as (
    delete from spendings where budget = $1 and at <= $3
)
insert into spendings (budget, at) values ($1, $2)";

const SPENT: &str = "-- spent
select count(*) from spendings where budget = $1 and at > $2";

#[async_trait]
impl BudgetStore for PostgresStore {
    async fn spend_budget(&self, budget: &str, windows: &[BudgetWindow], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut connection = self.connection().await?;
        let answer = timeout(self.deadline, spend(&mut connection, budget, windows, now)).await;
        self.finish(connection, answer)
    }

    async fn budget_spent(&self, budget: &str, since: DateTime<Utc>) -> Result<u64, StoreError> {
        Ok(counted(self.one(rows::<(i64,)>(SPENT).bind(budget).bind(since)).await?))
    }
}

async fn spend(
    connection: &mut PgConnection,
    budget: &str,
    windows: &[BudgetWindow],
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, PostgresFailure> {
    let mut transaction = connection.begin().await?;
    sqlx::query(OPEN_BUDGET).bind(budget).execute(&mut *transaction).await?;
    sqlx::query(LOCK_BUDGET).bind(budget).execute(&mut *transaction).await?;
    let mut until: Option<DateTime<Utc>> = None;
    for window in windows {
        let filling = sqlx::query_scalar(FILLS).bind(budget).bind(now - window.length).bind(i64::from(window.writes) - 1);
        let filled: Option<DateTime<Utc>> = filling.fetch_optional(&mut *transaction).await?;
        until = until.max(filled.map(|at| at + window.length));
    }
    if until.is_none() {
        let longest = windows.iter().map(|window| window.length).max().unwrap_or_default();
        sqlx::query(SPEND).bind(budget).bind(now).bind(now - longest).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(until)
}
