//! Samples of deliveries, of the vendors and of our own: each let in with the right signature, refused with each fault, and understood; and the
//! webhooks themselves, registered once.
//!
//! A scheme is a line in [`SCHEMES`]: the folder of its samples, and how it signs. To add one: its line, and its arm in [`Scheme::sign`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use issue_core::backend::http::header::{HeaderMap, HeaderName, HeaderValue};
use issue_core::backend::{Backend, DeliveryRejected, ErrorKind, ParsedDelivery, WebhookDelivery};
use issue_core::domain::tracker::{Project, TrackerKind};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;

use super::samples::{self, Sample};
use super::{Bench, backend_of};
use crate::support::vendors;

pub(crate) const HOOK_SECRET: &str = "a-secret-of-the-webhook";
const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET: &str = "another-secret-of-a-webhook";

/// One way of signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    GitHub,
    Gitea,
    Forgejo,
    GitLabToken,
    GitLabSigned,
    Linear,
    JiraCloud,
    JiraDataCenter,
    AzureDevops,
}

const SCHEMES: &[Scheme] = &[
    Scheme::GitHub,
    Scheme::Gitea,
    Scheme::Forgejo,
    Scheme::GitLabToken,
    Scheme::GitLabSigned,
    Scheme::Linear,
    Scheme::JiraCloud,
    Scheme::JiraDataCenter,
    Scheme::AzureDevops,
];

type Headers = Vec<(&'static str, String)>;

impl Scheme {
    fn kind(self) -> TrackerKind {
        match self {
            Self::GitHub => TrackerKind::GitHub,
            Self::Gitea => TrackerKind::Gitea,
            Self::Forgejo => TrackerKind::Forgejo,
            Self::GitLabToken | Self::GitLabSigned => TrackerKind::GitLab,
            Self::Linear => TrackerKind::Linear,
            Self::JiraCloud | Self::JiraDataCenter => TrackerKind::Jira,
            Self::AzureDevops => TrackerKind::AzureDevops,
        }
    }

    fn backend(self) -> std::sync::Arc<dyn Backend> {
        let options = if self == Self::JiraDataCenter { vec![("deployment", "data_center".to_owned())] } else { Vec::new() };
        backend_of(self.kind(), options)
    }

    fn folder(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Gitea | Self::Forgejo => "gitea",
            Self::GitLabToken | Self::GitLabSigned => "gitlab",
            Self::Linear => "linear",
            Self::JiraCloud | Self::JiraDataCenter => "jira",
            Self::AzureDevops => "azure-devops",
        }
    }

    fn secret(self) -> &'static str {
        if self == Self::GitLabSigned { SIGNING_SECRET } else { HOOK_SECRET }
    }

    /// Another one of its form.
    fn other(self) -> &'static str {
        if self == Self::GitLabSigned { "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } else { OTHER_SECRET }
    }

    /// Whether what was signed cannot be changed: a password says nothing about the body.
    fn binds_the_body(self) -> bool {
        ![Self::GitLabToken, Self::AzureDevops].contains(&self)
    }

    fn signs_the_time(self) -> bool {
        [Self::GitLabSigned, Self::Linear].contains(&self)
    }

    /// The body as it is sent at that moment.
    fn body(self, sample: &[u8], now: DateTime<Utc>) -> Vec<u8> {
        if self != Self::Linear {
            return sample.to_vec();
        }
        // The samples are older than the moment that is signed in them today.
        let mut json: Value = serde_json::from_slice(sample).unwrap();
        json["webhookTimestamp"] = json!(now.timestamp_millis());
        json.to_string().into_bytes()
    }

    /// The headers that let it in, as the vendor makes them.
    pub(crate) fn sign(self, secret: &str, body: &[u8], now: DateTime<Utc>) -> Headers {
        let hex = || hex(&mac(secret.as_bytes(), body));
        match self {
            Self::GitHub => vec![("x-hub-signature-256", format!("sha256={}", hex()))],
            Self::Gitea => vec![("x-gitea-signature", hex())],
            Self::Forgejo => vec![("x-forgejo-signature", hex())],
            Self::GitLabToken => vec![("x-gitlab-token", secret.to_owned())],
            Self::GitLabSigned => {
                let key = secret.strip_prefix("whsec_").map_or_else(|| secret.as_bytes().to_vec(), |key| STANDARD.decode(key).unwrap());
                let time = now.timestamp().to_string();
                let signed = [b"msg_1.".as_slice(), time.as_bytes(), b".", body].concat();
                let signature = format!("v1,{}", STANDARD.encode(mac(&key, &signed)));
                vec![("webhook-id", "msg_1".to_owned()), ("webhook-timestamp", time), ("webhook-signature", signature)]
            }
            Self::Linear => vec![("linear-signature", hex())],
            Self::JiraCloud | Self::JiraDataCenter => vec![("x-hub-signature", format!("sha256={}", hex()))],
            Self::AzureDevops => vec![("authorization", format!("Basic {}", STANDARD.encode(format!("issue-core:{secret}"))))],
        }
    }

    /// The header in which the vendor names the event.
    pub(crate) fn event_header(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some("x-github-event"),
            Self::Gitea => Some("x-gitea-event"),
            Self::Forgejo => Some("x-forgejo-event"),
            Self::GitLabToken | Self::GitLabSigned => Some("x-gitlab-event"),
            Self::Linear | Self::JiraCloud | Self::JiraDataCenter | Self::AzureDevops => None,
        }
    }
}

fn mac(key: &[u8], body: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256>>::new_from_slice(key).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// At least so many of each, so that none goes missing unseen.
fn samples_of(scheme: Scheme) -> Vec<Sample> {
    let samples = samples::all(scheme.folder());
    assert!(samples.len() > 5, "{scheme:?}: {} samples", samples.len());
    samples
}

fn now() -> DateTime<Utc> {
    "2026-06-16T07:00:00Z".parse().unwrap()
}

fn hear(backend: &dyn Backend, headers: &Headers, body: &[u8], secrets: &[&str]) -> Result<ParsedDelivery, DeliveryRejected> {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(value.as_str()).unwrap())).collect();
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
    backend.hear(&WebhookDelivery { headers: &headers, body, now: now() }, &secrets)
}

/// The sample's own headers and those of its signature.
fn headers(scheme: Scheme, sample: &Sample, secret: &str, body: &[u8], at: DateTime<Utc>) -> Headers {
    let event = scheme.event_header().zip(sample.event.clone());
    scheme.sign(secret, body, at).into_iter().chain(event).collect()
}

fn each_sample(mut case: impl FnMut(Scheme, &dyn Backend, &Sample, &str)) {
    for scheme in SCHEMES {
        let backend = scheme.backend();
        for sample in samples_of(*scheme) {
            case(*scheme, &*backend, &sample, &format!("{scheme:?}, {}", sample.name));
        }
    }
}

#[test]
fn every_sample_is_let_in_with_the_right_signature_and_refused_with_each_fault() {
    each_sample(|scheme, backend, sample, what| {
        let (secret, body) = (scheme.secret(), scheme.body(&sample.body, now()));
        let right = headers(scheme, sample, secret, &body, now());
        let heard = hear(backend, &right, &body, &[secret]).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(!heard.delivery.is_empty() && !heard.event.is_empty(), "{what}");
        assert_eq!(hear(backend, &right, &body, &[scheme.other(), secret]).as_ref(), Ok(&heard), "{what}: the one before is taken too");

        assert_eq!(hear(backend, &right, &body, &[scheme.other()]), Err(DeliveryRejected::Refused), "{what}: wrong secret");
        assert_eq!(hear(backend, &right, &body, &[]), Err(DeliveryRejected::Refused), "{what}: no secret");
        let of_nothing = headers(scheme, sample, "", &body, now());
        assert_eq!(hear(backend, &of_nothing, &body, &[""]), Err(DeliveryRejected::Refused), "{what}: empty secret");
        for (missing, _) in scheme.sign(secret, &body, now()) {
            let rest: Headers = right.iter().filter(|(name, _)| *name != missing).cloned().collect();
            assert_eq!(hear(backend, &rest, &body, &[secret]), Err(DeliveryRejected::Refused), "{what}: without {missing}");
            let emptied: Headers = rest.into_iter().chain([(missing, String::new())]).collect();
            assert_eq!(hear(backend, &emptied, &body, &[secret]), Err(DeliveryRejected::Refused), "{what}: with an empty {missing}");
        }
        for end in [0, 1, body.len() / 2, body.len() - 1] {
            let cut = hear(backend, &right, &body[..end], &[secret]);
            let refused = if scheme.binds_the_body() {
                cut == Err(DeliveryRejected::Refused)
            } else {
                matches!(cut, Err(DeliveryRejected::Malformed(_)))
            };
            // What a password lets in may end in a line break less.
            assert!(
                refused || cut.is_ok() && body[end..].trim_ascii().is_empty() && !scheme.binds_the_body(),
                "{what}: truncated at {end}"
            );
        }
        if scheme.binds_the_body() {
            let mut other = body.clone();
            other[body.len() / 2] ^= 1;
            assert_eq!(hear(backend, &right, &other, &[secret]), Err(DeliveryRejected::Refused), "{what}: another body");
        }
        let form = [b"payload=", &*body].concat();
        let signed = headers(scheme, sample, secret, &form, now());
        assert!(matches!(hear(backend, &signed, &form, &[secret]), Err(DeliveryRejected::Malformed(_))), "{what}: form-encoded");
        if scheme.signs_the_time() {
            for away in [TimeDelta::minutes(-6), TimeDelta::minutes(6), TimeDelta::days(-3650)] {
                let old = scheme.body(&sample.body, now() + away);
                let signed = headers(scheme, sample, secret, &old, now() + away);
                assert_eq!(hear(backend, &signed, &old, &[secret]), Err(DeliveryRejected::Stale), "{what}: signed {away} away");
            }
        }
    });
}

#[test]
fn every_sample_says_which_issue_it_is_about() {
    let (mut told, mut known): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    each_sample(|scheme, backend, sample, _| {
        let body = scheme.body(&sample.body, now());
        let heard = hear(backend, &headers(scheme, sample, scheme.secret(), &body, now()), &body, &[scheme.secret()]).unwrap();
        let hint = heard.hint.map_or_else(|| "nothing".to_owned(), |hint| format!("{} {} {}", hint.kind, hint.place, hint.remote_id));
        let line = format!("{}: {}: {hint}", sample.name, heard.event);
        // Whichever way it is signed, it says the same.
        if !told.contains(&line) {
            told.push(line);
        }
        known.extend(sample.says.as_ref().map(|says| format!("{}: {says}", sample.name)));
    });
    // GitHub's come from its package; all others of the vendors' own from the folder that may be absent.
    let is_here = |line: &&str| line.starts_with("github/") || vendors::specs().is_some();
    known.extend(HINTS.lines().filter(is_here).map(str::to_owned));
    let (more, less) = (told.iter().filter(|line| !known.contains(line)), known.iter().filter(|line| !told.contains(line)));
    assert_eq!((more.collect::<Vec<_>>(), less.collect::<Vec<_>>()), (vec![], vec![]));
}

/// By sample of the vendors: the event, and what it is about.
const HINTS: &str = include_str!("hints.txt");

#[test]
fn a_signing_key_is_never_taken_as_a_token() {
    let backend = Scheme::GitLabToken.backend();
    let (body, shown) = (br#"{"object_kind": "push"}"#, vec![("x-gitlab-token", SIGNING_SECRET.to_owned())]);
    assert_eq!(hear(&*backend, &shown, body, &[SIGNING_SECRET]), Err(DeliveryRejected::Refused));
}

#[test]
fn the_configured_kind_decides_which_headers_are_read() {
    let body = br#"{"action": "opened", "issue": {"number": 1}}"#;
    for (scheme, signer) in [(Scheme::Gitea, Scheme::Forgejo), (Scheme::Forgejo, Scheme::Gitea), (Scheme::Gitea, Scheme::GitHub)] {
        assert_eq!(hear(&*scheme.backend(), &signer.sign(HOOK_SECRET, body, now()), body, &[HOOK_SECRET]), Err(DeliveryRejected::Refused));
    }
}

#[test]
fn a_delivery_is_named_by_its_vendor_or_by_its_body() {
    let (scheme, body) = (Scheme::GitHub, br#"{"zen": "x"}"#);
    let with = |name: Option<&str>| {
        let named = name.map(|name| ("x-github-delivery", name.to_owned()));
        let headers: Headers = scheme.sign(HOOK_SECRET, body, now()).into_iter().chain(named).collect();
        hear(&*scheme.backend(), &headers, body, &[HOOK_SECRET]).unwrap().delivery
    };
    assert_eq!(with(Some("72d3162e")), "72d3162e");
    assert_eq!(with(None).len(), 64);
    assert_eq!(with(Some(&"x".repeat(5000))), with(None), "nobody gives such a name");
}

#[test]
fn deliveries_about_pull_requests_or_deletions_are_recognised() {
    let hint = |scheme: Scheme, event: &str, body: &Value| {
        let body = body.to_string().into_bytes();
        let event = scheme.event_header().map(|name| (name, event.to_owned()));
        let headers: Headers = scheme.sign(HOOK_SECRET, &body, now()).into_iter().chain(event).collect();
        let hint = hear(&*scheme.backend(), &headers, &body, &[HOOK_SECRET]).unwrap().hint;
        hint.map(|hint| format!("{} {}", hint.kind, hint.remote_id))
    };
    let deleted = json!({"action": "deleted", "issue": {"number": 4, "pull_request": null}});
    let of_pull = json!({"action": "opened", "issue": {"number": 4, "pull_request": {"merged": false}}});
    for (scheme, kind) in [(Scheme::GitHub, "github"), (Scheme::Gitea, "gitea"), (Scheme::Forgejo, "forgejo")] {
        assert_eq!(hint(scheme, "issues", &deleted).as_deref(), Some("deleted 4"), "{kind}");
        assert_eq!(hint(scheme, "issues", &of_pull), None, "{kind}");
        assert_eq!(hint(scheme, "push", &deleted), None, "{kind}");
    }
    assert_eq!(hint(Scheme::Gitea, "issue_comment", &json!({"is_pull": true, "issue": {"number": 4}})), None);
    let gone = json!({"eventType": "workitem.deleted", "resource": {"id": 7}});
    assert_eq!(hint(Scheme::AzureDevops, "", &gone).as_deref(), Some("deleted 7"));
    let note = json!({"object_kind": "note", "object_attributes": {"noteable_type": "MergeRequest"}, "issue": {"iid": 1}});
    assert_eq!(hint(Scheme::GitLabToken, "Note Hook", &note), None);
}

/// JSON of the keys that the vendors use, with any value behind each.
fn bodies() -> impl Strategy<Value = Value> {
    const KEYS: &[&str] = &[
        "action",
        "comment",
        "data",
        "eventType",
        "fields",
        "id",
        "iid",
        "is_pull",
        "issue",
        "issueId",
        "key",
        "login",
        "name",
        "number",
        "object_attributes",
        "object_kind",
        "owner",
        "path_with_namespace",
        "project",
        "pull_request",
        "repository",
        "resource",
        "revision",
        "self",
        "System.TeamProject",
        "team",
        "type",
        "webhookEvent",
        "webhookTimestamp",
        "workItemId",
        "noteable_type",
    ];
    const WORDS: &[&str] = &[
        "Issue",
        "issue",
        "note",
        "Comment",
        "remove",
        "deleted",
        "workitem.updated",
        "jira:issue_deleted",
        "comment_created",
        "/issue/",
        "-",
        "/",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(WORDS).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(prop::sample::select(KEYS), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

/// Made once: a client takes its time.
fn backends() -> &'static [(Scheme, std::sync::Arc<dyn Backend>)] {
    static ALL: std::sync::OnceLock<Vec<(Scheme, std::sync::Arc<dyn Backend>)>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| SCHEMES.iter().map(|scheme| (*scheme, scheme.backend())).collect())
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(json in bodies(), raw: Vec<u8>, event in "issues|issue_comment|\\PC{0,20}", shown in "[ -~]{0,40}") {
        for (scheme, backend) in backends() {
            for body in [json.to_string().into_bytes(), raw.clone()] {
                let event = scheme.event_header().zip(HeaderValue::try_from(event.as_str()).ok().map(|_| event.clone()));
                let signed: Headers = scheme.sign(scheme.secret(), &body, now()).into_iter().chain(event).collect();
                _ = hear(&**backend, &signed, &body, &[scheme.secret()]);
                let nonsense: Headers = signed.into_iter().map(|(name, _)| (name, shown.clone())).collect();
                prop_assert!(hear(&**backend, &nonsense, &body, &[scheme.secret()]).is_err());
            }
        }
    }
}

fn of(text: &str) -> SecretString {
    text.into()
}

/// How many one registration makes.
fn per_place(bench: &Bench) -> usize {
    if bench.backend.kind() == TrackerKind::AzureDevops { 5 } else { 1 }
}

pub(super) fn takes_none(bench: &Bench) -> bool {
    bench.backend.kind() == TrackerKind::Jira
        && bench.sim.vendor(|vendor| vendor.options()).contains(&("deployment", "data_center".to_owned()))
}

pub(super) async fn registering_again_leaves_one_webhook_with_the_new_secret(bench: &Bench) {
    let url = "https://issues.example.org/webhooks/t0";
    let add = async |project: &Project, secret: &str| bench.backend.add_webhook(project, url, &of(secret)).await;
    if takes_none(bench) {
        let refused = add(&bench.place, HOOK_SECRET).await.unwrap_err();
        assert_eq!(refused.trouble, ErrorKind::Fail);
        assert!(refused.message.contains("System, WebHooks"), "{}", refused.message);
        return;
    }
    let first = add(&bench.place, HOOK_SECRET).await.unwrap();
    assert!(first.made);
    assert_eq!(first.ids.len(), per_place(bench));
    // Another client's hook stays.
    bench.sim.hooks(|hooks| {
        let mut other = hooks.list[0].clone();
        (other.id, other.url) = (4711, "https://other.example.org".to_owned());
        for pointer in ["/url", "/config/url", "/consumerInputs/url"] {
            if let Some(value) = other.body.pointer_mut(pointer) {
                *value = json!(other.url);
            }
        }
        hooks.list.push(other);
    });
    let again = add(&bench.place, OTHER_SECRET).await.unwrap();
    assert!(!again.made);
    let ours = bench.sim.hooks(|hooks| hooks.list.iter().filter(|hook| hook.url == url).cloned().collect::<Vec<_>>());
    assert_eq!(ours.len(), per_place(bench), "{ours:?}");
    assert!(ours.iter().all(|hook| hook.secret == OTHER_SECRET), "{ours:?}");
    assert!(bench.sim.hooks(|hooks| hooks.list.iter().any(|hook| hook.id == 4711 && hook.secret == HOOK_SECRET)));
}

pub(super) async fn without_the_permission_to_register_the_answer_says_what_to_do_by_hand(bench: &Bench) {
    bench.sim.hooks(|hooks| hooks.forbidden = true);
    let refused = bench.backend.add_webhook(&bench.place, "https://issues.example.org/webhooks/t0", &of(HOOK_SECRET)).await.unwrap_err();
    assert_eq!(refused.trouble, ErrorKind::Fail, "{}", refused.message);
    assert!(refused.message.contains("webhook_secret"), "{}", refused.message);
    assert!(!refused.message.contains(HOOK_SECRET));
}

#[tokio::test]
async fn a_failed_delivery_of_github_is_asked_for_again_once() {
    let github = crate::support::sim::ALL.iter().map(|vendor| vendor()).find(|vendor| vendor.kind() == TrackerKind::GitHub).unwrap();
    let bench = Bench::new(github, false).await;
    let url = "https://issues.example.org/webhooks/t0";
    bench.backend.add_webhook(&bench.place, url, &of(HOOK_SECRET)).await.unwrap();
    let attempt = |id: i64, guid: &str, minutes: i64, status: i64| json!({"id": id, "guid": guid, "delivered_at": now() - TimeDelta::minutes(minutes), "status_code": status, "redelivery": false});
    // Newest first: one mended since, one that failed twice, one that went well, one from before.
    let attempts = vec![
        attempt(6, "a", 1, 202),
        attempt(5, "b", 2, 503),
        attempt(4, "b", 3, 502),
        attempt(3, "a", 4, 500),
        attempt(2, "c", 5, 200),
        attempt(1, "d", 90, 500),
    ];
    bench.sim.hooks(|hooks| hooks.deliveries = attempts);
    let since = now() - Duration::from_hours(1);
    assert_eq!(bench.backend.redeliver(&bench.place, url, since).await.unwrap(), 1);
    assert_eq!(bench.sim.hooks(|hooks| hooks.asked_again.clone()), ["5"]);
    assert_eq!(bench.backend.redeliver(&bench.place, "https://other.example.org", since).await.unwrap(), 0);
}
