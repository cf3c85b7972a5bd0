//! Budgets: how many writes a credential may make in each window. All replicas share them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::domain::tracker::BudgetWindow;

/// Spends budgets.
#[async_trait]
pub trait BudgetStore: Send + Sync + 'static {
    /// Takes one write out of a budget, or answers when the next one is available. For any number
    /// of concurrent callers, no stretch of a window's length holds more writes than that window
    /// allows.
    async fn spend_budget(&self, budget: &str, windows: &[BudgetWindow], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// How many writes were taken out of a budget since then.
    async fn budget_spent(&self, budget: &str, since: DateTime<Utc>) -> Result<u64, StoreError>;
}
