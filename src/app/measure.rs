//! The numbers of this process at the moment of a request.

use super::App;
use crate::metrics::MetricsError;

impl App {
    /// Every metric in the text exposition format. It waits for nothing: a store that is away has
    /// its numbers, too.
    pub fn numbers(&self) -> Result<Vec<u8>, MetricsError> {
        for pool in self.store.connections() {
            let idle = i64::try_from(pool.idle).unwrap_or(i64::MAX);
            let used = i64::from(pool.open) - idle;
            self.metrics.connections.with_label_values(&[pool.pool, "used"]).set(used.max(0));
            self.metrics.connections.with_label_values(&[pool.pool, "idle"]).set(idle);
            self.metrics.connections_max.with_label_values(&[pool.pool]).set(i64::from(pool.most));
        }
        self.metrics.render()
    }
}
