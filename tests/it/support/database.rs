//! A database of its own for every test, on either dialect.
//!
//! SQLite is a file in a temporary directory. Postgres is the private server that `tests/run` starts; a migrated template
//! is made once for each test process and copied for each test, which is faster than migrating again.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use issue_core::store::postgres::{PostgresOptions, PostgresServer, PostgresStore};
use issue_core::store::sqlite::SqliteStore;
use issue_core::store::{Store, StoreError};
use secrecy::SecretString;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// One database, gone after the test. A failed test leaves its Postgres database on the server, for
/// inspection.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Sqlite { file: PathBuf, _directory: Arc<TempDir> },
    Postgres { name: String },
}

/// Runs one test on a fresh, migrated database.
pub(crate) async fn run<F: Future<Output = ()>>(dialect: Dialect, case: impl FnOnce(Database) -> F) {
    let database = Database::migrated(dialect).await;
    case(database.clone()).await;
    database.remove().await;
}

/// Runs one test on a fresh database that holds nothing at all.
pub(crate) async fn run_empty<F: Future<Output = ()>>(dialect: Dialect, case: impl FnOnce(Database) -> F) {
    let database = Database::empty(dialect).await;
    case(database.clone()).await;
    database.remove().await;
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
        Self::migrated(Dialect::Sqlite).await
    }

    async fn migrated(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sqlite => {
                let database = Self::empty(dialect).await;
                database.migrate().await.unwrap();
                database
            }
            Dialect::Postgres => {
                static TEMPLATE: OnceCell<String> = OnceCell::const_new();
                let template = TEMPLATE.get_or_init(|| async {
                    let Self { place: Place::Postgres { name } } = &Self::create("template1").await else { unreachable!() };
                    Self { place: Place::Postgres { name: name.clone() } }.migrate().await.unwrap();
                    name.clone()
                });
                Self::create(template.await).await
            }
        }
    }

    async fn empty(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sqlite => {
                let directory = Arc::new(TempDir::new().unwrap());
                Self { place: Place::Sqlite { file: directory.path().join("issues.db"), _directory: directory } }
            }
            Dialect::Postgres => Self::create("template1").await,
        }
    }

    async fn create(template: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("it_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        administer(&format!("create database {name} template {template}")).await;
        Self { place: Place::Postgres { name } }
    }

    async fn remove(&self) {
        if let Place::Postgres { name } = &self.place {
            administer(&format!("drop database {name} with (force)")).await;
        }
    }

    /// The store's own name for it.
    pub(crate) fn dialect(&self) -> &'static str {
        match self.place {
            Place::Sqlite { .. } => "sqlite",
            Place::Postgres { .. } => "postgres",
        }
    }

    /// What `DATABASE_URL` takes.
    pub(crate) fn url(&self) -> String {
        match &self.place {
            Place::Sqlite { file, .. } => format!("sqlite:{}", file.display()),
            Place::Postgres { .. } => self.connect_options().to_url_lossy().to_string(),
        }
    }

    /// How many rows each table has: a write to any table shows here.
    pub(crate) async fn rows(&self) -> Vec<(String, i64)> {
        let tables: Vec<String> = match &self.place {
            Place::Sqlite { file, .. } => {
                let sql = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name";
                sqlx::query_scalar(sql).fetch_all(&mut sqlite(file).await).await.unwrap()
            }
            Place::Postgres { .. } => {
                let sql = "select tablename::text from pg_tables where schemaname = 'public' order by tablename";
                let mut connection = PgConnection::connect_with(&self.connect_options()).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
        };
        let mut rows = Vec::with_capacity(tables.len());
        for table in tables {
            let count = self.count(&table).await;
            rows.push((table, count));
        }
        assert!(rows.len() >= 5, "the tables were not found: {rows:?}");
        rows
    }

    /// How many rows a table has, asked behind the service's back.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        self.number(&format!("select count(*) from {table}")).await
    }

    /// A store on this database, as another replica or another process would open it.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        match &self.place {
            Place::Sqlite { file, .. } => Arc::new(SqliteStore::open(file).await.unwrap()),
            Place::Postgres { .. } => Arc::new(PostgresStore::open(&self.postgres_options()).unwrap()),
        }
    }

    /// Migrates it, as another process would.
    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        match &self.place {
            Place::Sqlite { file, .. } => {
                let store = SqliteStore::open(file).await?;
                let migrated = store.migrate().await;
                store.close().await;
                migrated
            }
            Place::Postgres { .. } => {
                let store = PostgresStore::open(&self.postgres_options())?;
                let migrated = store.migrate().await;
                store.close().await;
                migrated
            }
        }
    }

    /// Migrates it no further than that version, as an older binary would have.
    pub(crate) async fn migrate_to(&self, version: i64) {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(self.dialect());
        let migrations = Migrator::new(migrations).await.unwrap();
        match &self.place {
            Place::Sqlite { file, .. } => {
                SqliteStore::open(file).await.unwrap().close().await;
                migrations.run_to(version, &mut sqlite(file).await).await.unwrap();
            }
            Place::Postgres { .. } => {
                let mut connection = PgConnection::connect_with(&self.connect_options()).await.unwrap();
                migrations.run_to(version, &mut connection).await.unwrap();
            }
        }
    }

    fn postgres_options(&self) -> PostgresOptions {
        PostgresOptions {
            max_connections: 8,
            acquire_timeout: Duration::from_mins(1),
            ..PostgresOptions::new(PostgresServer::Url(SecretString::from(self.url())))
        }
    }

    /// How to reach the Postgres database of this test without a store.
    pub(crate) fn connect_options(&self) -> PgConnectOptions {
        let Place::Postgres { name } = &self.place else { panic!("this database is not on Postgres") };
        server().database(name)
    }

    /// Runs raw SQL that both dialects understand: for what no `Store` method may do.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.place {
            Place::Sqlite { file, .. } => {
                let mut connection = sqlite(file).await;
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Place::Postgres { .. } => {
                let mut connection = PgConnection::connect_with(&self.connect_options()).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// One number by raw SQL.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.place {
            Place::Sqlite { file, .. } => sqlx::query_scalar(sql).fetch_one(&mut sqlite(file).await).await.unwrap(),
            Place::Postgres { .. } => {
                let mut connection = PgConnection::connect_with(&self.connect_options()).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
        }
    }

    /// A column of moments by raw SQL.
    pub(crate) async fn moments(&self, sql: &str) -> Vec<DateTime<Utc>> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.place {
            Place::Sqlite { file, .. } => {
                let texts: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut sqlite(file).await).await.unwrap();
                texts.iter().map(|text| text.parse().unwrap()).collect()
            }
            Place::Postgres { .. } => {
                let mut connection = PgConnection::connect_with(&self.connect_options()).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Gives a message to the holder of the token, as the queue does.
    pub(crate) async fn lease(&self, message: i64, token: Uuid) {
        let token = match self.place {
            Place::Sqlite { .. } => format!("x'{}'", token.simple()),
            Place::Postgres { .. } => format!("'{token}'"),
        };
        self.execute(&format!("update messages set lease_token = {token} where id = {message}")).await;
    }
}

async fn sqlite(file: &PathBuf) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(30)).connect().await.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the one setting of the suite, read in one place")]
fn server() -> PgConnectOptions {
    let url = std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL is not set: start the suite through tests/run");
    PgConnectOptions::from_str(&url).expect("TEST_POSTGRES_URL is a Postgres URL")
}

async fn administer(sql: &str) {
    let mut connection = PgConnection::connect_with(&server()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
