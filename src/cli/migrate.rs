//! `issue-core migrate`: migrates the schema to this binary's version. Several processes may run it
//! at once.

use super::{CliError, runtime};
use crate::boot::DatabaseUrl;
use crate::config::LoadedSettings;

pub(super) fn run(loaded: &LoadedSettings) -> Result<(), CliError> {
    let place = DatabaseUrl::of(&loaded.settings.database);
    runtime()?.block_on(async {
        let store = place.open(true).await?;
        store.close().await;
        Ok::<_, CliError>(())
    })?;
    println!("the schema is up to date: {}", place.describe());
    Ok(())
}
