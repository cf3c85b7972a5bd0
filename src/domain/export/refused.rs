//! Why a record is not imported.

use super::record::ImportOutcome;
use crate::domain::decide::Refusal;
use crate::domain::issue::Issue;

/// The refusal, where there is one.
#[must_use]
pub fn refused(taken: ImportOutcome, issue: &Issue) -> Option<Refusal> {
    let Issue { number, version, .. } = issue;
    match taken {
        ImportOutcome::Written | ImportOutcome::Present => None,
        ImportOutcome::Differs { version: here } => {
            Some(Refusal::new("differs", format!("issue #{number} is here in version {here}, not {version}; it stays as it is")))
        }
        ImportOutcome::Clashes { over } => Some(Refusal::new("taken", format!("another issue here has the {over} of issue #{number}"))),
    }
}
