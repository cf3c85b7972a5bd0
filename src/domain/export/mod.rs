//! What an export says of an issue, and what an import makes of it.

pub mod record;
mod refused;

pub use refused::refused;
