//! A fresh, migrated database for one test, on either store.

use issue_core::store::postgres::{PostgresOptions, PostgresStore, Server};
use issue_core::store::sqlite::SqliteStore;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tokio::sync::OnceCell;

/// A database of its own. SQLite's file goes with it; Postgres's goes with the private server of `tests/run`.
pub enum Database {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Database {
    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("issues.db")).await.unwrap();
        store.migrate().await.unwrap();
        Self::Sqlite(dir)
    }

    /// A copy of a template that is migrated once per run.
    pub async fn postgres() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let template = TEMPLATE.get_or_init(template).await;
        let name = unique("test");
        administer(&format!("create database {name} template {template}")).await;
        Self::Postgres(name)
    }

    /// What `DATABASE_URL` takes.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(dir) => format!("sqlite:{}", dir.path().join("issues.db").display()),
            Self::Postgres(name) => address(name),
        }
    }

    pub fn dialect(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// How many rows each table has: whatever is written somewhere shows here.
    pub async fn rows(&self) -> Vec<(String, i64)> {
        let sql = match self {
            Self::Sqlite(_) => "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name",
            Self::Postgres(_) => "select tablename::text from pg_tables where schemaname = 'public' order by tablename",
        };
        let tables: Vec<String> = match self {
            Self::Sqlite(dir) => {
                let options = SqliteConnectOptions::new().filename(dir.path().join("issues.db"));
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
            Self::Postgres(name) => {
                let mut connection = PgConnection::connect(&address(name)).await.unwrap();
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
    pub async fn count(&self, table: &str) -> i64 {
        let sql = AssertSqlSafe(format!("select count(*) from {table}"));
        match self {
            Self::Sqlite(dir) => {
                let options = SqliteConnectOptions::new().filename(dir.path().join("issues.db"));
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
            Self::Postgres(name) => {
                let mut connection = PgConnection::connect(&address(name)).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
        }
    }
}

async fn template() -> String {
    let name = unique("template");
    administer(&format!("create database {name}")).await;
    let store = PostgresStore::open(&PostgresOptions::new(Server::Url(address(&name).into()))).unwrap();
    store.migrate().await.unwrap();
    issue_core::store::Store::close(&store).await;
    name
}

fn unique(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn administer(statement: &str) {
    let mut connection = PgConnection::connect_with(&server()).await.unwrap();
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
}

fn server() -> PgConnectOptions {
    server_url().parse().unwrap()
}

fn address(database: &str) -> String {
    let server = server();
    format!("postgres://{}@{}:{}/{database}", server.get_username(), server.get_host(), server.get_port())
}

#[expect(clippy::disallowed_methods, reason = "the suite is told its servers by tests/run")]
fn server_url() -> String {
    std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL is not set: start the suite through tests/run")
}
