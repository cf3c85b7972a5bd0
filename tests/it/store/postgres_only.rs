//! What can only happen on a server: other sessions in the middle of something, lost connections, stricter isolation.

use std::sync::Arc;
use std::time::Duration;

use issue_core::domain::queue::message::Settle;
use issue_core::domain::{CommentWrite, Issue, IssueRef};
use issue_core::store::postgres::{PostgresOptions, PostgresServer, PostgresStore};
use issue_core::store::{CommitOutcome, Store, StoreError};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::support;
use crate::support::database::{self, Database, Dialect};
use crate::support::sample;

async fn run<F: Future<Output = ()>>(case: impl FnOnce(Database) -> F) {
    database::run(Dialect::Postgres, case).await;
}

/// A transaction of another session that holds key 1 and is not decided yet.
async fn holding_key_one(database: &Database, store: &dyn Store) -> PgConnection {
    sample::stored(store, sample::plain_issue(), None).await;
    let mut session = PgConnection::connect_with(&database.connect_options()).await.unwrap();
    let insert = format!(
        r#"begin; insert into issues overriding user value
           select (jsonb_populate_record(issues, '{{"id": "{}", "dedupe_key": "\\x{:064x}"}}')).* from issues limit 1"#,
        sample::id(),
        1 // key 1, in hex
    );
    sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut session).await.unwrap();
    session
}

async fn until_a_session_waits_for_a_lock(session: &mut PgConnection) {
    let waiting = "select count(*) from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *session).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_another_session_gives_back_is_taken() {
    run(async |database| {
        let store = database.open().await;
        let mut session = holding_key_one(&database, &*store).await;
        let issue = sample::plain_issue();
        let change = sample::with_children(sample::insert(&issue, Some(sample::key(1))), &issue, 1);
        let committing = support::start({
            let store = Arc::clone(&store);
            async move { store.commit(&[change]).await }
        });
        until_a_session_waits_for_a_lock(&mut session).await;
        sqlx::raw_sql("rollback").execute(&mut session).await.unwrap();
        assert!(matches!(committing.await.unwrap().unwrap()[..], [CommitOutcome::Inserted(_)]));
        assert_eq!(store.events(issue.id, 0, 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_another_session_commits_while_we_wait_is_a_duplicate() {
    run(async |database| {
        let store = database.open().await;
        let mut session = holding_key_one(&database, &*store).await;
        let (issue, beside) = (sample::plain_issue(), sample::plain_issue());
        let changes =
            [sample::with_children(sample::insert(&issue, Some(sample::key(1))), &issue, 1), sample::insert(&beside, Some(sample::key(2)))];
        let committing = support::start({
            let store = Arc::clone(&store);
            async move { store.commit(&changes).await }
        });
        until_a_session_waits_for_a_lock(&mut session).await;
        sqlx::raw_sql("commit").execute(&mut session).await.unwrap();
        let outcomes = committing.await.unwrap().unwrap();
        assert!(
            matches!(&outcomes[..], [CommitOutcome::Duplicate { issue: first, .. }, CommitOutcome::Inserted(_)] if first.id != issue.id)
        );
        assert_eq!(store.events(issue.id, 0, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_race_under_strict_isolation_is_run_again() {
    run(async |database| {
        let name = database.connect_options().get_database().unwrap().to_owned();
        database.execute(&format!("alter database {name} set default_transaction_isolation = 'repeatable read'")).await;
        let store = database.open().await;
        let issue = sample::stored(&*store, sample::plain_issue(), None).await;
        let mut session = PgConnection::connect_with(&database.connect_options()).await.unwrap();
        sqlx::raw_sql("begin; update issues set version = 2").execute(&mut session).await.unwrap();
        let committing = support::start({
            let (store, change) = (Arc::clone(&store), sample::update(&issue, 1));
            async move { store.commit(&[change]).await }
        });
        until_a_session_waits_for_a_lock(&mut session).await;
        sqlx::raw_sql("commit").execute(&mut session).await.unwrap();
        assert_eq!(committing.await.unwrap().unwrap(), [CommitOutcome::Stale]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_with_a_foreign_session_is_run_again() {
    run(async |database| {
        let store = database.open().await;
        let first = sample::stored(&*store, sample::plain_issue(), None).await;
        let second = sample::stored(&*store, sample::plain_issue(), None).await;
        let mut session = PgConnection::connect_with(&database.connect_options()).await.unwrap();
        // Against the order that this store keeps; and patient, so that the server aborts the
        // store's transaction.
        let hold = format!("set deadlock_timeout = '60s'; begin; update issues set kind = 'bug' where id = '{}'", second.id);
        sqlx::raw_sql(AssertSqlSafe(hold)).execute(&mut session).await.unwrap();
        let committing = support::start({
            let (store, changes) = (Arc::clone(&store), [sample::update(&first, 1), sample::update(&second, 1)]);
            async move { store.commit(&changes).await }
        });
        until_a_session_waits_for_a_lock(&mut session).await;
        let cross = format!("update issues set kind = 'bug' where id = '{}'; commit", first.id);
        sqlx::raw_sql(AssertSqlSafe(cross)).execute(&mut session).await.unwrap();
        assert_eq!(committing.await.unwrap().unwrap(), [CommitOutcome::Written, CommitOutcome::Written]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_closed_are_replaced() {
    run(async |database| {
        let store = database.open().await;
        let issue = sample::stored(&*store, sample::plain_issue(), None).await;
        let kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        database.execute(kill).await;
        let mut tries = 0;
        let found = loop {
            tries += 1;
            match store.issues(&[IssueRef::Id(issue.id)]).await {
                Ok(found) => break found,
                Err(error) => assert!(error.is_transient() && tries < 10, "{error}"),
            }
        };
        assert_eq!(found, [Some(issue)]);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_a_wrong_setting_is_broken() {
    let parts = |ssl_mode: Option<&str>| PostgresServer::Parts {
        host: "127.0.0.1".to_owned(),
        port: 1,
        database: "issues".to_owned(),
        user: "issue-core".to_owned(),
        ssl_mode: ssl_mode.map(str::to_owned),
    };
    let options = PostgresOptions {
        password: Some("a=b+c/d@e:f?g#h%".into()),
        acquire_timeout: Duration::from_millis(200),
        ..PostgresOptions::new(parts(None))
    };
    let store = PostgresStore::open(&options).unwrap();
    for error in [store.check().await.unwrap_err(), store.migrate().await.unwrap_err()] {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    }
    for wrong in [parts(Some("sometimes")), PostgresServer::Url("postgres://u:secret@host:port/name".into())] {
        let error = PostgresStore::open(&PostgresOptions::new(wrong)).unwrap_err();
        assert!(matches!(error, StoreError::Broken { .. }), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
    assert!(!format!("{options:?}").contains("a=b"), "a password is never shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_unavailable_and_writes_nothing() {
    run(async |database| {
        let patient = database.open().await;
        let issue = sample::stored(&*patient, sample::plain_issue(), None).await;
        let mut session = PgConnection::connect_with(&database.connect_options()).await.unwrap();
        sqlx::raw_sql("begin; lock table issues").execute(&mut session).await.unwrap();
        let url = sqlx::ConnectOptions::to_url_lossy(&database.connect_options()).to_string();
        let options =
            PostgresOptions { statement_timeout: Duration::from_millis(100), ..PostgresOptions::new(PostgresServer::Url(url.into())) };
        let store = PostgresStore::open(&options).unwrap();
        let titled = Issue { title: "late".to_owned(), ..issue.clone() };
        for change in [sample::update(&titled, 1), sample::insert(&sample::plain_issue(), None)] {
            let error = store.commit(&[change]).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        }
        sqlx::raw_sql("rollback").execute(&mut session).await.unwrap();
        assert_eq!(patient.issues(&[IssueRef::Id(issue.id)]).await.unwrap(), [Some(issue)]);
        assert_eq!(database.number("select count(*) from issues").await, 1);
    })
    .await;
}

/// Prepared statements keep the plan that was good for an empty table: here every table is empty when they are planned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_a_whole_table() {
    run(async |database| {
        let store = database.open().await;
        for n in 0..10 {
            let issue = sample::plain_issue();
            let insert = sample::with_children(sample::insert(&issue, Some(sample::key(n))), &issue, 1);
            store.commit(std::slice::from_ref(&insert)).await.unwrap();
            store.commit(&[insert]).await.unwrap();
            store.filed_under(&[sample::key(n)]).await.unwrap();
            let Some(issue) = store.issues(&[IssueRef::Id(issue.id)]).await.unwrap().remove(0) else { panic!("just inserted") };
            store.issues(&[IssueRef::Number(issue.number)]).await.unwrap();
            store.events(issue.id, 0, 10).await.unwrap();
            let comment = store.comments(issue.id, None, 10).await.unwrap().remove(0);
            store.comment(comment.id).await.unwrap();
            store.comments_named(&[comment.id]).await.unwrap();
            store.pending_reviews(None, 10).await.unwrap();
            let message = sample::waiting_messages(&*store, issue.id).await.remove(0);
            let mut update = sample::with_children(sample::update(&issue, 1), &issue, 2);
            update.comments.push(CommentWrite::Edit(comment.clone()));
            update.comments.push(CommentWrite::Delete(comment.id));
            update.settles = Some(Settle { message_id: message.id, token: sample::id(), started: None, at: sample::at(0) });
            database.lease(message.id, update.settles.unwrap().token).await;
            assert_eq!(store.commit(&[update]).await.unwrap(), [CommitOutcome::Written]);
            assert_eq!(store.commit(&[sample::delete(&Issue { version: 2, ..issue })]).await.unwrap(), [CommitOutcome::Written]);
        }
        // A session hands in its counts at the latest when it ends.
        store.close().await;
        let written = "select coalesce(sum(n_tup_ins), 0)::bigint from pg_stat_user_tables where relname = 'issues'";
        while database.number(written).await < 10 {
            tokio::task::yield_now().await;
        }
        let scanned = "select coalesce(sum(seq_scan), 0)::bigint from pg_stat_user_tables
                       where relname in ('issues', 'events', 'comments', 'messages')";
        assert_eq!(database.number(scanned).await, 0);
    })
    .await;
}

/// The numbers' own index would do for the order, and read every issue there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_review_queue_is_read_from_its_own_index() {
    run(async |database| {
        let store = database.open().await;
        for _ in 0..10 {
            store.pending_reviews(None, 10).await.unwrap();
        }
        store.close().await;
        let uses = "select sum(idx_scan)::bigint from pg_stat_user_indexes where relname = 'issues'";
        while database.number(uses).await < 10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(database.number(&format!("{uses} and indexrelname = 'issues_pending_review_idx'")).await, 10);
    })
    .await;
}
