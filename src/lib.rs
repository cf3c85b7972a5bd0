//! issue-core: an organisation's single landing zone for tasks. `docs/architecture.md` is the map of the house.

pub mod app;
pub mod backend;
pub mod boot;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod metrics;
pub mod nats;
pub mod sink;
pub mod store;
pub mod telemetry;
pub mod worker;
