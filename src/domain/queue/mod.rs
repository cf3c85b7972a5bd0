//! Outgoing work: messages, attempts, and the rules of retry, backoff, breakers and quotas.
//!
//! Pure: the store leases messages, the worker carries them out.

pub mod attempt;
pub mod backoff;
pub mod breaker;
pub mod message;
pub mod quota;
pub mod verdict;
