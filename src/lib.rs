//! issue-core: an organisation's single landing zone for tasks. `docs/architecture.md` is the map of the house.

pub mod domain;
pub mod store;
