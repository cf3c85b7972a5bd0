//! GitHub as an app: a private key makes a signed word, that makes a token, and a token does not last.

use issue_core::backend::client::{LineOptions, TrackerClient, Transport};
use issue_core::backend::http::{HttpClient, HttpLimits};
use issue_core::backend::{BackendOptions, ErrorKind, ListAsk, Secret};
use issue_core::boot;
use issue_core::clock::system_now;
use issue_core::domain::tracker::{LabelNames, TrackerKind, UserMap};

use super::TOTAL;
use crate::support::sim::{self, Sim};

/// The key of the unit tests. It belongs to no account.
fn key() -> String {
    let text = include_str!("../../../src/backend/github/app/test_key.txt");
    format!("-----BEGIN RSA PRIVATE KEY-----\n{text}-----END RSA PRIVATE KEY-----\n")
}

fn options(sim: &Sim, key: &str, options: &[(&str, &str)]) -> BackendOptions {
    crate::support::server::client();
    let limits = HttpLimits { connect: TOTAL, read: TOTAL, total: TOTAL, body: 4 << 20, idle: 4 };
    let secret = Secret::new(Some(key.into()));
    BackendOptions {
        name: "under-test".to_owned(),
        kind: TrackerKind::GitHub,
        line: TrackerClient::new(LineOptions {
            http: HttpClient::new(limits).unwrap(),
            base: sim.url.clone(),
            transport: Transport::Direct,
            secret,
            now: system_now,
        }),
        names: LabelNames::default(),
        users: UserMap::default(),
        options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        page_size: 50,
        webhook_user: "issue-core".to_owned(),
    }
}

#[tokio::test]
async fn an_app_makes_a_token_keeps_it_and_makes_another_when_it_is_no_longer_taken() {
    let sim = Sim::start(sim::github_app()).await;
    let backend = boot::tracker(options(&sim, &key(), &sim::APP)).unwrap();
    let project = sim.vendor(|vendor| vendor.place());
    for round in 0..3 {
        // The simulator accepts a token three times.
        for _ in 0..3 {
            backend.list(&project, &ListAsk::default()).await.unwrap();
        }
        let error = backend.list(&project, &ListAsk::default()).await.unwrap_err();
        assert_eq!(error.trouble, ErrorKind::Retry { after: None }, "round {round}: nobody is paused for a token that ran out: {error}");
    }
    let made = sim.recorded().into_iter().filter(|recorded| recorded.request.path.ends_with("/access_tokens")).count();
    assert_eq!(made, 3);
}

#[tokio::test]
async fn an_app_is_shown_its_name_and_where_it_may_file() {
    let sim = Sim::start(sim::github_app()).await;
    let backend = boot::tracker(options(&sim, &key(), &sim::APP)).unwrap();
    let project = sim.vendor(|vendor| vendor.place());
    let checked = backend.check(Some(&project)).await.unwrap();
    assert_eq!((checked.account.as_deref(), checked.missing), (Some("acme-tasks[bot]"), Vec::new()));
    let workspaces = backend.workspaces(None).await.unwrap().items;
    assert_eq!(workspaces.len(), 2, "{workspaces:?}");
}

#[tokio::test]
async fn an_app_with_a_wrong_key_or_a_wrong_number_is_paused_until_it_is_mended() {
    let sim = Sim::start(sim::github_app()).await;
    let project = sim.vendor(|vendor| vendor.place());
    let good = key();
    for (key, app) in [("no key", sim::APP), (good.as_str(), [("app_id", "1"), sim::APP[1]])] {
        let backend = boot::tracker(options(&sim, key, &app)).unwrap();
        let error = backend.list(&project, &ListAsk::default()).await.unwrap_err();
        assert_eq!(error.trouble, ErrorKind::Paused, "{error}");
        let checked = backend.check(Some(&project)).await.unwrap();
        assert!(checked.account.is_none() && checked.missing.len() == 1, "{checked:?}");
    }
    let elsewhere = boot::tracker(options(&sim, &key(), &[sim::APP[0], ("installation_id", "9")])).unwrap();
    assert_eq!(elsewhere.list(&project, &ListAsk::default()).await.unwrap_err().trouble, ErrorKind::Denied);
}

#[tokio::test]
async fn half_an_app_is_a_fault_of_the_settings() {
    let sim = Sim::start(sim::github_app()).await;
    for (half, named) in [([("app_id", "1")], "installation_id"), ([("installation_id", "1")], "app_id"), ([("app", "1")], "options.app:")]
    {
        let error = boot::tracker(options(&sim, "", &half)).err().unwrap();
        assert!(error.contains(named), "{error}");
    }
}
