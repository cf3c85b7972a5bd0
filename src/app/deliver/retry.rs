//! Gives messages another chance now: one of them, or all dead ones.

use crate::app::{App, AppError, Caller, Scope};
use crate::domain::{Message, MessageState, RetrySpec};
use crate::store::queue::MessageFilter;

impl App {
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
}

pub(in crate::app) fn no_message(id: i64) -> AppError {
    AppError::NotFound { what: format!("message {id}; it may have been delivered by now") }
}
