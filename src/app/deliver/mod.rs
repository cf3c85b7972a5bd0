//! Outgoing messages: their targets, their dispatch, what sinks get, and what operators do with them.

mod discard;
mod dispatch;
mod find;
mod publish;
pub(in crate::app) mod retry;
pub(in crate::app) mod targets;
mod tend;
