//! What waits, what failed, what was given up: the queue as an operator sees it.

use super::{App, AppError, Caller, Scope};
use crate::domain::Message;
use crate::store::queue::MessageFilter;

impl App {
    /// One page, oldest first: the messages after the one of that id.
    pub async fn find_messages(&self, caller: &Caller, filter: &MessageFilter, after: i64, limit: u32) -> Result<Vec<Message>, AppError> {
        caller.need(Scope::Read)?;
        Ok(self.store.messages(filter, after, limit).await?)
    }
}
