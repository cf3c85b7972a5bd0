//! The HTTP entrance, over the real binary. A file per resource, as the URLs have it.

mod crash;
mod issues;
mod operate;
