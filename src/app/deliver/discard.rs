//! Discards a message that is not needed any more.

use crate::app::deliver::retry::no_message;
use crate::app::{App, AppError, Caller, Scope};
use crate::domain::DiscardSpec;

impl App {
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
