//! What a schema version means to this binary, the same for both dialects. The migrations themselves are SQL files.
//!
//! To add a migration: a file of the same number and name in `migrations/postgres` and `migrations/sqlite`. A file that
//! was released is never edited: its checksum lies in the databases. A migration that takes away what some released binary
//! still uses says in its name from which migration on binaries do without it: `0012_needs_0009_drop_old_column.sql`. Every
//! other one only adds, so that the binary before it keeps working, and can be gone back to.

use sqlx::SqlStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::StoreError;

/// Version, description and SQL of one migration file.
pub(super) type EmbeddedMigration = (i64, &'static str, &'static str);

/// The migrations of one dialect, as `build.rs` lists them.
pub(super) fn embedded(migrations: &[EmbeddedMigration]) -> Migrator {
    let simple = |&(version, description, sql): &EmbeddedMigration| {
        Migration::new(version, description.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    };
    Migrator::with_migrations(migrations.iter().map(simple).collect())
}

/// The newest version this binary knows.
pub(super) fn known(migrations: &Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The migrations in the database, each with its description: its file's name as text.
pub(super) type Applied = [(i64, String)];

/// A newer binary ran here, and removed a part of the schema that this binary needs.
pub(super) fn refuse_newer(applied: &Applied, migrations: &Migrator) -> Result<(), StoreError> {
    let known = known(migrations);
    let needed = applied.iter().filter(|(version, _)| *version > known).filter_map(|(_, description)| needed(description)).max();
    if needed.is_some_and(|needed| needed > known) { Err(StoreError::SchemaTooNew { found: newest(applied), known }) } else { Ok(()) }
}

/// This binary can work with the schema: nothing it needs is missing yet, or gone already.
pub(super) fn check(applied: &Applied, migrations: &Migrator) -> Result<(), StoreError> {
    refuse_newer(applied, migrations)?;
    let (found, known) = (newest(applied), known(migrations));
    if found < known { Err(StoreError::SchemaTooOld { found, known }) } else { Ok(()) }
}

/// A newer binary has been here. There is nothing to do, and sqlx would refuse to do it.
pub(super) fn is_ahead(applied: &Applied, migrations: &Migrator) -> bool {
    newest(applied) > known(migrations)
}

fn newest(applied: &Applied) -> i64 {
    applied.iter().map(|(version, _)| *version).max().unwrap_or(0)
}

/// The oldest schema whose binaries do not need what the migration drops: `needs 9 drop old
/// column`.
fn needed(description: &str) -> Option<i64> {
    description.strip_prefix("needs ")?.split(' ').next()?.parse().ok()
}

/// What stopped the migration; an error of the database itself is judged by its dialect.
pub(super) fn explain(store: &'static str, error: &MigrateError, classify: impl Fn(&sqlx::Error) -> StoreError) -> StoreError {
    let broken = |reason| StoreError::Broken { store, reason };
    if let MigrateError::Execute(cause) = error {
        return classify(cause);
    }
    if let MigrateError::ExecuteMigration(cause, version) = error {
        let error = classify(cause);
        return if error.is_transient() { error } else { broken(format!("migration {version} failed: {cause}")) };
    }
    if let MigrateError::VersionMissing(version) = error {
        return broken(format!("the database was migrated by another program: this binary has no migration {version}"));
    }
    if let MigrateError::VersionMismatch(version) = error {
        return broken(format!(
            "migration {version} in the database differs from the one in this binary (its checksum does not match): run the binary that migrated it"
        ));
    }
    broken(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_migration_that_says_so_needs_a_newer_binary() {
        assert_eq!(needed("needs 0009 drop old column"), Some(9));
        for other in ["issues", "needs review", "list needs 3", ""] {
            assert_eq!(needed(other), None, "{other:?}");
        }
    }
}
