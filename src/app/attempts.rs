//! How often a use case reads, decides and commits again because another writer was faster.

use crate::app::AppError;

/// How many attempts a use case has that asks our store alone.
const MOST_ATTEMPTS: u32 = 16;

/// The attempts of one use case. Each one starts with [`Attempts::another`].
#[derive(Debug)]
pub(in crate::app) struct Attempts {
    left: u32,
}

impl Default for Attempts {
    fn default() -> Self {
        Self::at_most(MOST_ATTEMPTS)
    }
}

/// What one attempt came to.
pub(in crate::app) enum CommitAttempt<T> {
    Done(T),
    /// Another writer was faster, and the newer state was read. The use case decides again.
    Stale,
}

impl Attempts {
    pub(in crate::app) const fn at_most(most: u32) -> Self {
        Self { left: most }
    }

    /// Fails with [`AppError::Contended`] once every attempt was stale.
    pub(in crate::app) fn another(&mut self) -> Result<(), AppError> {
        self.left = self.left.checked_sub(1).ok_or(AppError::Contended)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_end_as_contended() {
        let mut attempts = Attempts::at_most(2);
        attempts.another().unwrap();
        attempts.another().unwrap();
        assert!(matches!(attempts.another(), Err(AppError::Contended)));
    }
}
