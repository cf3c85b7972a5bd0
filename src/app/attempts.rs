//! How often a use case reads, decides and commits again because another writer was faster.

use crate::app::AppError;

/// How many attempts a use case has.
const MOST_ATTEMPTS: u32 = 16;

/// The attempts of one use case. Each one starts with [`Attempts::another`].
#[derive(Debug, Default)]
pub(in crate::app) struct Attempts {
    made: u32,
}

/// What one attempt came to.
pub(in crate::app) enum CommitAttempt<T> {
    Done(T),
    /// Another writer was faster, and the newer state was read. The use case decides again.
    Stale,
}

impl Attempts {
    /// Fails with [`AppError::Contended`] once every attempt was stale.
    pub(in crate::app) fn another(&mut self) -> Result<(), AppError> {
        if self.made == MOST_ATTEMPTS {
            return Err(AppError::Contended);
        }
        self.made += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_end_as_contended() {
        let mut attempts = Attempts::default();
        for _ in 0..MOST_ATTEMPTS {
            attempts.another().unwrap();
        }
        assert!(matches!(attempts.another(), Err(AppError::Contended)));
    }
}
