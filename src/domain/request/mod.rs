//! From the JSON of a request to a checked value, with all its faults at once.
//!
//! The only folder that knows [`Input`](super::base::input::Input) and collects
//! [`Faults`](super::base::fault::Faults) of a body. To add a request: its spec with `parse`, and its faults in a test.

pub mod action;
pub mod binding;
pub mod create;
pub mod edit;
pub mod query;
