//! Webhook deliveries for any simulator: the least that each vendor's delivery says of an issue.

use issue_core::domain::tracker::TrackerKind;
use serde_json::{Value, json};

use crate::backend::webhooks::{HOOK_SECRET, Scheme};
use crate::support::server::Server;
use crate::support::sim::Sim;

/// The issue of that id changed; whether it was let in.
pub(super) async fn tells(server: &Server, sim: &Sim, delivery: &str, id: &str) -> bool {
    let (kind, project) = sim.vendor(|vendor| (vendor.kind(), vendor.place()));
    let now = issue_core::boot::now();
    let number = json!(id.parse::<i64>().ok());
    let repository = json!({"name": project.repo, "owner": {"login": project.owner}});
    let of_repository = || json!({"action": "edited", "issue": {"number": number, "pull_request": null}, "repository": repository});
    let (scheme, event, named, body): (Scheme, &str, &str, Value) = match kind {
        TrackerKind::GitHub => (Scheme::GitHub, "issues", "x-github-delivery", of_repository()),
        TrackerKind::Gitea => (Scheme::Gitea, "issues", "x-gitea-delivery", of_repository()),
        TrackerKind::Forgejo => (Scheme::Forgejo, "issues", "x-forgejo-delivery", of_repository()),
        TrackerKind::GitLab => {
            let path = format!("{}/{}", project.owner, project.repo);
            let body = json!({"object_kind": "issue", "object_attributes": {"iid": number}, "project": {"path_with_namespace": path}});
            (Scheme::GitLabToken, "Issue Hook", "idempotency-key", body)
        }
        TrackerKind::Linear => {
            let data = json!({"id": id, "team": {"key": project.project}});
            let body = json!({"action": "update", "type": "Issue", "data": data, "webhookTimestamp": now.timestamp_millis()});
            (Scheme::Linear, "", "linear-delivery", body)
        }
        TrackerKind::Jira => {
            let body = json!({"webhookEvent": "jira:issue_updated", "issue": {"id": id, "key": format!("{}-1", project.project)}});
            (Scheme::JiraCloud, "", "x-atlassian-webhook-identifier", body)
        }
        TrackerKind::AzureDevops => {
            let resource = json!({"id": number, "fields": {"System.TeamProject": project.project}});
            (Scheme::AzureDevops, "", "", json!({"id": delivery, "eventType": "workitem.commented", "resource": resource}))
        }
    };
    let body = body.to_string().into_bytes();
    let mut post = server.client.post(format!("{}/webhooks/t0", server.base)).header("content-type", "application/json");
    let event = scheme.event_header().map(|header| (header, event.to_owned()));
    let named = (!named.is_empty()).then(|| (named, delivery.to_owned()));
    for (name, value) in scheme.sign(HOOK_SECRET, &body, now).into_iter().chain(event).chain(named) {
        post = post.header(name, value);
    }
    post.body(body).send().await.unwrap().status() == 202
}
