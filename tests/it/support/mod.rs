//! What tests stand on: databases of their own, the real binary, and sample values. No test lives here, and nothing here asserts for one.

pub(crate) mod balancer;
pub(crate) mod database;
pub(crate) mod hub;
pub(crate) mod nats;
pub(crate) mod proxy;
pub(crate) mod sample;
pub(crate) mod server;
pub(crate) mod sim;
pub(crate) mod vendors;

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Starts something beside the test; the runtime of the test ends it at the latest.
pub(crate) fn start<F: Future<Output: Send> + Send + 'static>(work: F) -> JoinHandle<F::Output> {
    TaskTracker::new().spawn(work)
}

/// Runs each test once per store: `sqlite::name` and `postgres::name`.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                $crate::support::database::run($crate::support::database::Dialect::Sqlite, super::$name).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                $crate::support::database::run($crate::support::database::Dialect::Postgres, super::$name).await;
            })+
        }
    };
}
pub(crate) use on_both_stores;
