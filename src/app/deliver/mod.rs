//! Outgoing messages: their targets, their dispatch, what sinks get, and what operators do with them.

mod dispatch;
mod operate;
mod publish;
pub(in crate::app) mod targets;
mod tend;
