//! `issue-core backend`: what is set up at a tracker, once.

use clap::Subcommand;
use serde_json::{Value, json};

use super::error::CliError;
use super::reach::Session;

#[derive(Debug, Subcommand)]
pub(super) enum Backend {
    /// Have a tracker tell by itself what happens there: registers our webhook with it, or mends the one that is there
    Webhook {
        /// The backend's name in the settings
        name: String,
        /// For which repository, project or team, as people write it; not given: the one that is configured
        #[arg(long)]
        place: Option<String>,
    },
}

impl Backend {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let Self::Webhook { name, place } = self;
        let body = place.map_or_else(|| json!({}), |place| json!({ "place": place }));
        let answer = session.api.post(&format!("/backends/{name}/webhook"), &body).await?;
        let said = answer.json::<Value>()?;
        let ids: Vec<&str> = said["ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let done = if said["created"] == true { "registered" } else { "was there; it is as it should be" };
        session.screen.one(&answer.raw()?, || format!("webhook {} {done}\n", ids.join(", ")))
    }
}
