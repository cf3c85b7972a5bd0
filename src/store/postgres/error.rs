//! What an error of the database means to a caller: try again later, or do not.
//!
//! Only codes that this file names are worth another try; what it does not know is broken. Codes: PostgreSQL manual,
//! appendix A.

use super::NAME;
use crate::store::StoreError;

/// Resource and operator troubles by class: connections (08), resources such as disk, memory and connections (53), and
/// troubles of the machine (58).
const TRANSIENT_CLASSES: [&str; 3] = ["08", "53", "58"];

/// The other transient codes: retries of the transaction, locks, time limits, shutdowns, and a
/// server turned read-only.
const TRANSIENT_CODES: [&str; 15] =
    ["25006", "25P03", "25P04", "40001", "40003", "40P01", "55006", "55P03", "57014", "57P01", "57P02", "57P03", "57P04", "57P05", "72000"];

/// Another session won, and the server asks this one to begin again. Nothing was written.
const LOST_RACE: [&str; 2] = ["40001", "40P01"];

/// Why a statement failed. The database's own error stays whole until the end, so that a lost race
/// can be recognised.
#[derive(Debug)]
pub(super) enum PostgresFailure {
    Sql(sqlx::Error),
    Store(StoreError),
}

impl PostgresFailure {
    pub(super) fn into_store(self) -> StoreError {
        match self {
            Self::Sql(error) => classify(&error),
            Self::Store(error) => error,
        }
    }
}

impl From<sqlx::Error> for PostgresFailure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for PostgresFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) fn classify(error: &sqlx::Error) -> StoreError {
    if is_transient(error) {
        return StoreError::Unavailable { store: NAME, reason: error.to_string() };
    }
    broken(&error.to_string())
}

pub(super) fn broken(reason: &str) -> StoreError {
    StoreError::Broken { store: NAME, reason: reason.to_owned() }
}

pub(super) fn is_lost_race(failure: &PostgresFailure) -> bool {
    matches!(failure, PostgresFailure::Sql(error) if code(error).is_some_and(|code| LOST_RACE.contains(&code.as_str())))
}

/// The table is not there: nothing was migrated yet.
pub(super) fn is_undefined_table(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "42P01")
}

fn is_transient(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    if let Some(code) = code(error) {
        return TRANSIENT_CODES.contains(&code.as_str()) || TRANSIENT_CLASSES.iter().any(|class| code.starts_with(class));
    }
    matches!(error, E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::BeginFailed)
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_worth_another_try_and_nothing_else() {
        for passing in [sqlx::Error::PoolTimedOut, sqlx::Error::PoolClosed, std::io::Error::other("reset").into()] {
            assert!(classify(&passing).is_transient(), "{passing}");
        }
        for lasting in [sqlx::Error::RowNotFound, sqlx::Error::ColumnNotFound("x".to_owned())] {
            assert!(!classify(&lasting).is_transient(), "{lasting}");
        }
    }
}
