//! What waits, what failed, what was given up: the queue as an operator sees it.

use crate::app::{App, AppError, Caller, ListPage, Scope, page};
use crate::domain::Message;
use crate::store::queue::MessageFilter;

impl App {
    /// One page, oldest first: the messages after the one of that id.
    pub async fn find_messages(
        &self,
        caller: &Caller,
        filter: &MessageFilter,
        after: Option<i64>,
        limit: u32,
    ) -> Result<ListPage<Message>, AppError> {
        caller.need(Scope::Read)?;
        let weight = |message: &Message| message.last_error.as_ref().map_or(0, String::len);
        let read = |after: Option<i64>, limit| self.store.messages(filter, after.unwrap_or(0), limit);
        Ok(page::fill(after, limit, |message| message.id, weight, read).await?)
    }
}
