//! The outside world over HTTP.

pub mod http;
