//! How often each caller may ask: one bucket a name, in this process. Several replicas each grant the whole quota.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::app::{AppError, Caller};
use crate::domain::queue::quota::{Quota, QuotaAllowance, QuotaBucket};

/// The buckets of all callers. There are no more of them than key names.
#[derive(Debug)]
pub struct RateLimiter {
    quota: Option<Quota>,
    began: Instant,
    buckets: Mutex<HashMap<String, QuotaBucket>>,
}

impl RateLimiter {
    /// Without a quota no caller is limited, and a check costs nothing.
    #[must_use]
    pub fn new(quota: Option<Quota>) -> Self {
        Self { quota, began: Instant::now(), buckets: Mutex::default() }
    }

    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.quota.is_some()
    }

    /// Counts one request of the caller; `None` when nothing is limited.
    pub fn count(&self, caller: &Caller) -> Option<QuotaAllowance> {
        let quota = self.quota?;
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&caller.name) {
            return Some(quota.take(bucket, now));
        }
        Some(quota.take(buckets.entry(caller.name.clone()).or_default(), now))
    }
}

/// The refusal, where the request was one too many.
pub fn granted(allowance: QuotaAllowance) -> Result<(), AppError> {
    allowance.retry_after.map_or(Ok(()), |retry_after| Err(AppError::RateLimited { retry_after }))
}
