//! Takes a message away that nobody needs any more.

use crate::app::deliver::retry::no_message;
use crate::app::{App, AppError, Caller, Scope};
use crate::domain::DiscardSpec;

impl App {
    /// For good; who did it and why stays in the history of the issue.
    pub async fn discard_message(&self, caller: &Caller, id: i64, spec: DiscardSpec) -> Result<(), AppError> {
        caller.need(Scope::Admin)?;
        let reason = spec.parse()?;
        let message = self.store.message(id).await?.ok_or_else(|| no_message(id))?;
        let why = format!("discarded by {}: {reason}", caller.name);
        if !self.store.discard(id, &why, self.clock.now()).await? {
            return Err(no_message(id));
        }
        // Whoever stood behind it may go on.
        self.wake.ring(&message.target);
        Ok(())
    }
}
