//! The queue as an operator sees it and works on it: shown, retried, discarded.

use crate::app::{App, AppError, Caller, ListPage, Scope, page};
use crate::domain::{DiscardSpec, Message, MessageState, RetrySpec};
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

    /// The message is due at once, with its attempts reset. A message under a lease is left to its
    /// worker.
    pub async fn retry_message(&self, caller: &Caller, id: i64) -> Result<Message, AppError> {
        caller.need(Scope::Admin)?;
        self.store.retry(&[id], self.clock.now()).await?;
        let message = self.store.message(id).await?.ok_or_else(|| no_message(id))?;
        self.wake.ring(&message.target);
        Ok(message)
    }

    /// Every dead message of that kind and target; answers how many. Page by page, so that no transaction grows with them.
    pub async fn retry_dead_messages(&self, caller: &Caller, spec: RetrySpec) -> Result<u64, AppError> {
        const PAGE: u32 = 500;
        caller.need(Scope::Admin)?;
        let (kind, target) = spec.parse()?;
        let filter = MessageFilter { kind, target, state: Some(MessageState::Dead) };
        let (mut after, mut retried) = (0, 0);
        loop {
            let page = self.store.messages(&filter, after, PAGE).await?;
            let ids: Vec<i64> = page.iter().map(|message| message.id).collect();
            let Some(last) = ids.last() else { break };
            after = *last;
            retried += self.store.retry(&ids, self.clock.now()).await?;
        }
        self.wake.ring_all();
        Ok(retried)
    }

    /// For good. The history of the issue keeps the operator's name and the reason.
    pub async fn discard_message(&self, caller: &Caller, id: i64, spec: DiscardSpec) -> Result<(), AppError> {
        caller.need(Scope::Admin)?;
        let reason = spec.parse()?;
        let message = self.store.message(id).await?.ok_or_else(|| no_message(id))?;
        let why = format!("discarded by {}: {reason}", caller.name);
        if !self.store.discard(id, &why, self.clock.now()).await? {
            return Err(no_message(id));
        }
        // The messages behind it in its lane may continue.
        self.wake.ring(&message.target);
        Ok(())
    }
}

fn no_message(id: i64) -> AppError {
    AppError::NotFound { what: format!("message {id}; it may have been delivered by now") }
}
