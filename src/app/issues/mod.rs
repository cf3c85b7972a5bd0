//! The use cases of issues: one file each. Entrances call them through [`App`](super::App).
//!
//! To add one: a file with one `impl App` block. What changes an issue goes through `change`.

pub(in crate::app) mod batch;
pub(in crate::app) mod bulk;
pub(in crate::app) mod change;
mod claims;
mod comments;
pub(in crate::app) mod count;
pub(in crate::app) mod create;
mod delete;
mod edit;
mod export;
pub(in crate::app) mod find;
pub(in crate::app) mod import;
mod lifecycle;
pub(in crate::app) mod locks;
pub(in crate::app) mod lookup;
mod next;
mod prepare;
mod relations;
mod reviews;
pub(in crate::app) mod timeline;
