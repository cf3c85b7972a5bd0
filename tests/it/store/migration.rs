//! The schema: migrated once in any race, refused when it is not this binary's.

use std::path::Path;

use issue_core::domain::IssueRef;
use issue_core::store::StoreError;
use tokio::task::JoinSet;

use crate::support::database::Database;
use crate::support::sample;

/// The versions there are, in order.
fn versions() -> Vec<i64> {
    let names = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<i64> = names.map(|name| name.split('_').next().unwrap().parse().unwrap()).collect();
    versions.sort_unstable();
    versions
}

fn newest() -> i64 {
    *versions().last().unwrap()
}

async fn applied(database: &Database) -> usize {
    usize::try_from(database.number("select count(*) from _sqlx_migrations").await).unwrap()
}

pub(super) async fn migrating_again_changes_nothing(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::full_issue(), None).await;
    database.migrate().await.unwrap();
    store.check().await.unwrap();
    assert_eq!(store.issues(&[IssueRef::Id(issue.id)]).await.unwrap(), [Some(issue)]);
    assert_eq!(applied(&database).await, versions().len());
}

pub(super) async fn many_processes_may_migrate_at_once(database: Database) {
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let database = database.clone();
        tasks.spawn(async move { database.migrate().await });
    }
    for migrated in tasks.join_all().await {
        migrated.unwrap();
    }
    database.open().await.check().await.unwrap();
    assert_eq!(applied(&database).await, versions().len());
}

pub(super) async fn a_database_without_a_schema_is_refused_until_it_is_migrated(database: Database) {
    let store = database.open().await;
    let error = store.check().await.unwrap_err();
    assert!(matches!(error, StoreError::SchemaTooOld { found: 0, known } if known == newest()), "{error}");
    database.migrate().await.unwrap();
    store.check().await.unwrap();
}

pub(super) async fn a_schema_that_lacks_a_migration_is_refused_until_it_is_migrated(database: Database) {
    database.migrate_to(2).await;
    let store = database.open().await;
    let error = store.check().await.unwrap_err();
    assert!(matches!(error, StoreError::SchemaTooOld { found: 2, known } if known == newest()), "{error}");
    assert!(error.to_string().contains("issue-core migrate"), "it says what to do: {error}");
    database.migrate().await.unwrap();
    store.check().await.unwrap();
}

/// As if a newer binary had migrated the schema to version 99.
async fn from_the_future(database: &Database, description: &str) {
    let migration = format!(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         select 99, '{description}', success, checksum, 0 from _sqlx_migrations where version = 1"
    );
    database.execute(&migration).await;
}

pub(super) async fn a_newer_schema_that_only_adds_is_worked_with_and_left_alone(database: Database) {
    let store = database.open().await;
    from_the_future(&database, "something more").await;
    store.check().await.unwrap();
    database.migrate().await.unwrap();
    let issue = sample::stored(&*store, sample::full_issue(), None).await;
    assert_eq!(store.issues(&[IssueRef::Id(issue.id)]).await.unwrap(), [Some(issue)]);
}

pub(super) async fn a_newer_schema_that_took_away_what_this_binary_does_without_is_worked_with(database: Database) {
    let store = database.open().await;
    from_the_future(&database, &format!("needs {} drop something", newest())).await;
    store.check().await.unwrap();
    database.migrate().await.unwrap();
}

pub(super) async fn a_newer_schema_that_took_away_what_this_binary_needs_is_refused(database: Database) {
    let store = database.open().await;
    from_the_future(&database, &format!("needs {} drop something", newest() + 1)).await;
    for error in [store.check().await.unwrap_err(), database.migrate().await.unwrap_err()] {
        assert!(matches!(error, StoreError::SchemaTooNew { found: 99, known } if known == newest()), "{error}");
        assert!(!error.is_transient());
    }
}

pub(super) async fn a_migration_that_was_changed_is_refused_by_name(database: Database) {
    database
        .execute("update _sqlx_migrations set checksum = (select checksum from _sqlx_migrations where version = 1) where version = 2")
        .await;
    let error = database.migrate().await.unwrap_err();
    assert!(matches!(&error, StoreError::Broken { reason, .. } if reason.contains("migration 2")), "{error}");
    // A refused migration leaves no lock behind.
    database.migrate().await.unwrap_err();
}

pub(super) async fn reopening_keeps_everything(database: Database) {
    let store = database.open().await;
    let issue = sample::full_issue();
    let change = sample::with_children(sample::insert(&issue, Some(sample::key(1))), &issue, 1);
    store.commit(std::slice::from_ref(&change)).await.unwrap();
    let before = store.issues(&[IssueRef::Id(issue.id)]).await.unwrap();
    store.close().await;
    let store = database.open().await;
    store.check().await.unwrap();
    assert_eq!(store.issues(&[IssueRef::Id(issue.id)]).await.unwrap(), before);
    assert_eq!(store.events(issue.id, 0, 10).await.unwrap(), change.events);
}

pub(super) async fn a_closed_store_is_unavailable(database: Database) {
    let store = database.open().await;
    let issue = sample::stored(&*store, sample::plain_issue(), None).await;
    store.close().await;
    let errors = [
        store.commit(&[sample::update(&issue, 1)]).await.unwrap_err(),
        store.commit(&[sample::insert(&sample::plain_issue(), None)]).await.unwrap_err(),
        store.issues(&[IssueRef::Id(issue.id)]).await.unwrap_err(),
        store.events(issue.id, 0, 1).await.unwrap_err(),
        store.check().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(error.is_transient());
    }
}
