//! The operators' artefacts: the image, the manifests, the alerts, the traces, and a restart that
//! no client notices. Judged by outside tools where there are any. `tests/run cluster` runs them
//! all.

mod alerts;
mod healthcheck;
mod image;
mod manifests;
mod numbers;
mod resources;
mod rollout;
mod tools;
mod traces;
