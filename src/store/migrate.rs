//! What a schema version means to this binary, the same for both dialects. The migrations themselves are SQL files.
//!
//! To add a migration: a file of the same number and name in `migrations/postgres` and `migrations/sqlite`. A file that
//! was released is never edited: its checksum lies in the databases.

use sqlx::migrate::{MigrateError, Migrator};

use super::StoreError;

/// The newest version this binary knows.
pub(super) fn known(migrations: &Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// A newer binary has been here: this one would not know what it reads.
pub(super) fn refuse_newer(found: i64, migrations: &Migrator) -> Result<(), StoreError> {
    let known = known(migrations);
    if found > known { Err(StoreError::SchemaTooNew { found, known }) } else { Ok(()) }
}

/// The schema is exactly the one this binary was built for.
pub(super) fn check(found: i64, migrations: &Migrator) -> Result<(), StoreError> {
    refuse_newer(found, migrations)?;
    let known = known(migrations);
    if found < known { Err(StoreError::SchemaTooOld { found, known }) } else { Ok(()) }
}

/// What stopped the migration; an error of the database itself is judged by its dialect.
pub(super) fn explain(
    store: &'static str,
    error: &MigrateError,
    migrations: &Migrator,
    classify: impl Fn(&sqlx::Error) -> StoreError,
) -> StoreError {
    let broken = |reason| StoreError::Broken { store, reason };
    if let MigrateError::Execute(cause) = error {
        return classify(cause);
    }
    if let MigrateError::ExecuteMigration(cause, version) = error {
        let error = classify(cause);
        return if error.is_transient() { error } else { broken(format!("migration {version} failed: {cause}")) };
    }
    if let MigrateError::VersionMissing(version) = error {
        return refuse_newer(*version, migrations)
            .err()
            .unwrap_or_else(|| broken(format!("the database was migrated by another program: this binary has no migration {version}")));
    }
    if let MigrateError::VersionMismatch(version) = error {
        return broken(format!(
            "migration {version} in the database differs from the one in this binary (its checksum does not match): run the binary that migrated it"
        ));
    }
    broken(error.to_string())
}
