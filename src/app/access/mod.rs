//! Keys, rate limits, and whether this process takes work.

pub mod keys;
pub mod rate_limit;
pub(in crate::app) mod readiness;
