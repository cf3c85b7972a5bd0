//! What an error of SQLite means to a caller: try again later, or do not.
//!
//! Only codes that this file names are worth another try. Codes: <https://sqlite.org/rescode.html>.

use super::NAME;
use crate::store::StoreError;

/// Primary result codes that are transient: busy, locked, out of memory, read-only, interrupted, an
/// IO error, a full disk, a file that cannot be opened, and a race for the lock of the write-ahead
/// log.
const TRANSIENT: [i32; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

/// Another process writes, and did not let go in time.
const BUSY: i32 = 5;

pub(super) fn classify(error: &sqlx::Error) -> StoreError {
    if is_transient(error) {
        return StoreError::Unavailable { store: NAME, reason: error.to_string() };
    }
    broken(&error.to_string())
}

pub(super) fn broken(reason: &str) -> StoreError {
    StoreError::Broken { store: NAME, reason: reason.to_owned() }
}

pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(BUSY)
}

/// The table is not there: nothing was migrated yet. SQLite has no code for it.
pub(super) fn is_undefined_table(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().starts_with("no such table"))
}

fn is_transient(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    if let Some(code) = primary_code(error) {
        return TRANSIENT.contains(&code);
    }
    matches!(error, E::Io(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::BeginFailed)
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_worth_another_try_and_nothing_else() {
        for passing in [sqlx::Error::PoolTimedOut, sqlx::Error::PoolClosed, std::io::Error::other("disk").into()] {
            assert!(classify(&passing).is_transient(), "{passing}");
        }
        assert!(!classify(&sqlx::Error::RowNotFound).is_transient());
    }
}
