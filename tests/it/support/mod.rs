//! What the suite stands on: real databases and the real binary.

pub mod database;
pub mod server;

/// Runs each test once per store: `sqlite::name` and `postgres::name`.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::support::database::Database::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::support::database::Database::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both_stores;
