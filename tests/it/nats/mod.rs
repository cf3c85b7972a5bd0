//! NATS, over the real binary and real servers: what comes in, what goes out, and what happens when a party is away.

mod asyncapi;
mod dead;
mod entrance;
mod identity;
mod outage;
mod permission;
mod publish;

use serde_json::Value;

use crate::support::database::Database;
use crate::support::nats::{Nats, within};
use crate::support::server::Server;

/// The service on this database and in this corner of NATS, with further settings.
fn start(db: &Database, nats: &Nats, more: &[(&str, &str)]) -> Server {
    start_at(&db.url(), nats, more)
}

fn start_at(database_url: &str, nats: &Nats, more: &[(&str, &str)]) -> Server {
    let own = nats.variables();
    let mut variables: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    variables.extend(more);
    Server::start_with(database_url, &variables)
}

/// The value of a metric's line, 0 while there is none.
async fn metric(server: &Server, line: &str) -> f64 {
    let text = server.client.get(format!("{}/metrics", server.base)).send().await.unwrap().text().await.unwrap();
    let found = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
    found.unwrap_or_default()
}

async fn until_metric(server: &Server, line: &str, least: f64) {
    within(async {
        while metric(server, line).await < least {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
}

const CREATED: &str = "issue_core_nats_received_total{outcome=\"created\"}";
const AGAIN: &str = "issue_core_nats_received_total{outcome=\"again\"}";
const DEAD: &str = "issue_core_nats_received_total{outcome=\"dead\"}";

fn id(answer: &Value) -> &str {
    answer["issue_id"].as_str().unwrap_or_else(|| panic!("no issue: {answer}"))
}
