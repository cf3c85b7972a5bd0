//! Why a record is not taken in.

use super::Refusal;
use crate::domain::issue::Issue;
use crate::domain::record::Taken;

/// The refusal, where there is one.
#[must_use]
pub fn refused(taken: Taken, issue: &Issue) -> Option<Refusal> {
    let Issue { number, version, .. } = issue;
    match taken {
        Taken::Written | Taken::Present => None,
        Taken::Differs { version: here } => {
            Some(Refusal::new("differs", format!("issue #{number} is here in version {here}, not {version}; it stays as it is")))
        }
        Taken::Clashes { over } => Some(Refusal::new("taken", format!("another issue here has the {over} of issue #{number}"))),
    }
}
