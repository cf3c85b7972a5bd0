//! The webhooks of every simulated tracker: one list, behind each vendor's own routes. What these do not know is the vendor's.

use issue_core::domain::tracker::TrackerKind;
use serde_json::{Value, json};

use super::{Reply, Request};

/// One webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hook {
    pub id: u64,
    pub url: String,
    pub secret: String,
    /// As it was written last.
    pub body: Value,
}

#[derive(Default)]
pub(crate) struct Hooks {
    pub list: Vec<Hook>,
    /// GitHub's attempts to deliver, newest first, as it shows them.
    pub deliveries: Vec<Value>,
    /// Those it was asked to send again.
    pub asked_again: Vec<String>,
    /// The credential may not see or make any.
    pub forbidden: bool,
    last: u64,
}

impl Hooks {
    /// `None`: it is not about webhooks.
    pub(super) fn answer(&mut self, kind: TrackerKind, request: &Request) -> Option<Reply> {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let reply = match (kind, &parts[..]) {
            (TrackerKind::GitHub, ["repos", "acme", _, "hooks", rest @ ..]) => self.github(request, rest),
            (TrackerKind::Gitea | TrackerKind::Forgejo, ["api", "v1", "repos", _, _, "hooks", rest @ ..]) => {
                self.rest(request, rest, |body| (&body["config"]["url"], &body["config"]["secret"]), gitea)
            }
            (TrackerKind::GitLab, ["api", "v4", "projects", _, "hooks", rest @ ..]) => {
                let secret = |body: &Value| if body["token"].is_null() { "signing_token" } else { "token" };
                self.rest(request, rest, |body| (&body["url"], &body[secret(body)]), |hook| json!({"id": hook.id, "url": hook.url}))
            }
            (TrackerKind::Jira, ["rest", "webhooks", "1.0", "webhook", rest @ ..]) => {
                self.rest(request, rest, |body| (&body["url"], &body["secret"]), jira)
            }
            (TrackerKind::AzureDevops, [_, "_apis", "hooks", "subscriptions", rest @ ..]) => self.azure(request, rest),
            (TrackerKind::AzureDevops, [_, "_apis", "projects", name]) => {
                Reply::json(200, &json!({"id": format!("id-of-{name}"), "name": name}))
            }
            (TrackerKind::Linear, ["graphql"]) => return self.linear(&request.json()),
            _ => return None,
        };
        Some(if self.forbidden { Reply::json(403, &json!({"message": "Forbidden"})) } else { reply })
    }

    fn make(&mut self, url: &Value, secret: &Value, body: &Value) -> Hook {
        self.last += 1;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let hook = Hook { id: self.last, url: text(url), secret: text(secret), body: body.clone() };
        self.list.push(hook.clone());
        hook
    }

    /// A list, a maker, a changer and a remover, under numbers.
    fn rest(
        &mut self,
        request: &Request,
        rest: &[&str],
        read: impl Fn(&Value) -> (&Value, &Value),
        show: impl Fn(&Hook) -> Value,
    ) -> Reply {
        let body = request.json();
        let (url, secret) = read(&body);
        let found = rest.first().and_then(|id| self.list.iter().position(|hook| hook.id.to_string() == *id));
        match (request.method.as_str(), rest, found) {
            // All of them stand on the first page.
            ("GET", [], _) if request.query("page").is_some_and(|page| page != "1") => Reply::json(200, &json!([])),
            ("GET", [], _) => Reply::json(200, &self.list.iter().map(show).collect()),
            ("POST", [], _) if url.is_string() && secret.is_string() => Reply::json(201, &show(&self.make(url, secret, &body))),
            ("PATCH" | "PUT", [_], Some(at)) if secret.is_string() => {
                secret.as_str().unwrap_or_default().clone_into(&mut self.list[at].secret);
                self.list[at].body = body.clone();
                Reply::json(200, &show(&self.list[at]))
            }
            ("DELETE", [_], Some(at)) => {
                self.list.remove(at);
                Reply::empty(204)
            }
            _ => Reply::json(404, &json!({"message": "Not Found"})),
        }
    }

    fn github(&mut self, request: &Request, rest: &[&str]) -> Reply {
        match (request.method.as_str(), rest) {
            ("GET", [_, "deliveries"]) => Reply::json(200, &self.deliveries.iter().cloned().collect()),
            ("POST", [_, "deliveries", id, "attempts"]) => {
                self.asked_again.push((*id).to_owned());
                Reply::json(202, &json!({}))
            }
            ("POST", []) if request.json()["name"] != "web" => Reply::json(422, &json!({"message": "name must be web"})),
            _ => self.rest(request, rest, |body| (&body["config"]["url"], &body["config"]["secret"]), |hook| {
                json!({"id": hook.id, "type": "Repository", "name": "web", "active": true, "config": {"url": hook.url, "secret": "********"}})
            }),
        }
    }

    /// One for each event; the list comes wrapped.
    fn azure(&mut self, request: &Request, rest: &[&str]) -> Reply {
        if request.query("api-version") != Some("7.1") {
            return Reply::json(400, &json!({"message": "VssVersionNotSpecified"}));
        }
        let show = |hook: &Hook| {
            let mut shown = hook.body.clone();
            shown["id"] = json!(hook.id.to_string());
            shown["consumerInputs"]["basicAuthPassword"] = json!("********");
            shown
        };
        if (request.method.as_str(), rest) == ("GET", &[]) {
            return Reply::json(200, &json!({"count": self.list.len(), "value": self.list.iter().map(show).collect::<Vec<_>>()}));
        }
        self.rest(request, rest, |body| (&body["consumerInputs"]["url"], &body["consumerInputs"]["basicAuthPassword"]), show)
    }

    fn linear(&mut self, body: &Value) -> Option<Reply> {
        let variables = &body["variables"];
        let input = &variables["input"];
        let show = |hook: &Hook| json!({"id": hook.id.to_string(), "url": hook.url, "team": {"id": hook.body["teamId"]}});
        let at = self.list.iter().position(|hook| variables["id"].as_str() == Some(&hook.id.to_string()));
        let data = match (body["operationName"].as_str()?, at) {
            ("Webhooks", _) => {
                let nodes: Vec<Value> = self.list.iter().map(show).collect();
                json!({"webhooks": {"nodes": nodes, "pageInfo": {"hasNextPage": false, "endCursor": null}}})
            }
            ("WebhookCreate", _) => {
                json!({"webhookCreate": {"success": true, "webhook": show(&self.make(&input["url"], &input["secret"], input))}})
            }
            ("WebhookUpdate", Some(at)) => {
                input["secret"].as_str()?.clone_into(&mut self.list[at].secret);
                json!({"webhookUpdate": {"success": true}})
            }
            ("WebhookDelete", Some(at)) => {
                self.list.remove(at);
                json!({"webhookDelete": {"success": true}})
            }
            _ => return None,
        };
        if self.forbidden {
            let refusal =
                json!({"errors": [{"message": "forbidden", "extensions": {"code": "FORBIDDEN", "type": "forbidden", "statusCode": 403}}]});
            return Some(Reply::json(403, &refusal));
        }
        Some(Reply::json(200, &json!({ "data": data })))
    }
}

fn gitea(hook: &Hook) -> Value {
    // The secret is not shown.
    json!({"id": hook.id, "type": "gitea", "active": true, "config": {"url": hook.url, "content_type": "json"}})
}

fn jira(hook: &Hook) -> Value {
    json!({"self": format!("https://acme.atlassian.net/rest/webhooks/1.0/webhook/{}", hook.id), "name": hook.body["name"], "url": hook.url,
        "filters": hook.body["filters"], "isSigned": true})
}
