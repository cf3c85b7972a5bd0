//! The HTTP entrance, over the real binary. A file per resource, as the URLs have it.

mod batch;
mod crash;
mod habits;
mod ingest;
mod issues;
mod keys;
mod operate;
