//! Messages: the queue in the store, the workers, the sinks, and what operators see of them.

mod crash;
mod queue;
mod reader;
mod state_hub;
