//! The integration suite: one binary, real servers. Start it through `tests/run`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod backend;
mod cli;
mod cluster;
mod http;
mod layering;
mod loops;
mod messages;
mod nats;
mod openapi;
mod problems;
mod store;
mod support;
mod sync;
mod telemetry;
