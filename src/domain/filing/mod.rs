//! How a task is recognised when it is filed again.

pub mod dedupe;
