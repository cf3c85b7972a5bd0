//! Where the issues are kept: which of the two stores the settings mean, and how it is opened.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::BootError;
use crate::config::DatabaseSettings;
use crate::store::Store;
use crate::store::postgres::{PostgresOptions, PostgresServer, PostgresStore};
use crate::store::sqlite::SqliteStore;

/// Where the issues are kept.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(Box<PostgresOptions>),
}

impl DatabaseUrl {
    /// A `sqlite:` URL or nothing at all is a file; anything else a Postgres server.
    #[must_use]
    pub fn of(database: &DatabaseSettings) -> Self {
        let url = database.url.as_ref();
        let sqlite = url.and_then(|url| url.expose_secret().strip_prefix("sqlite:"));
        let server = match (sqlite, url, &database.host) {
            (Some(path), _, _) => return Self::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))),
            (None, Some(url), _) => PostgresServer::Url(url.clone()),
            (None, None, Some(host)) => PostgresServer::Parts {
                host: host.clone(),
                port: database.port,
                database: database.name.clone(),
                user: database.user.clone(),
                ssl_mode: database.ssl_mode.clone(),
            },
            (None, None, None) => return Self::Sqlite(database.data_dir().join("issues.db")),
        };
        Self::Postgres(Box::new(PostgresOptions {
            password: database.password.clone(),
            max_connections: database.max_connections,
            acquire_timeout: database.acquire_timeout,
            statement_timeout: database.statement_timeout,
            ..PostgresOptions::new(server)
        }))
    }

    /// What an issue that is kept here alone reports as its backend.
    #[must_use]
    pub const fn dialect(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// As text, without secrets.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(options) => options.describe(),
        }
    }

    /// Opens the store; migrates its schema first, if asked.
    pub async fn open(&self, migrate: bool) -> Result<Arc<dyn Store>, BootError> {
        match self {
            Self::Sqlite(path) => {
                if let Some(dir) = path.parent() {
                    std::fs::create_dir_all(dir).map_err(|reason| BootError::DataDir { path: dir.to_path_buf(), reason })?;
                }
                let store = SqliteStore::open(path).await?;
                if migrate {
                    store.migrate().await?;
                }
                Ok(Arc::new(store))
            }
            Self::Postgres(options) => {
                let store = PostgresStore::open(options)?;
                if migrate {
                    store.migrate().await?;
                }
                Ok(Arc::new(store))
            }
        }
    }
}
