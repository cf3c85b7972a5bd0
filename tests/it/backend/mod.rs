//! The contract of `trait Backend`, asked of every tracker through its simulator, directly and through the proxy.
//!
//! Nothing here names a tracker: `sim::ALL` does. `ONLY_TRACKER=linear tests/run backend::cases` asks one kind. A case is a function of a
//! [`Bench`]; a new one is a line in [`cases!`] below.

mod contract;
mod crash;
mod deliveries;
mod description;
mod facts;
mod github_app;
mod graphql;
mod once;
mod push;
mod relations;
pub(crate) mod rig;
mod samples;
mod trouble;
mod two_ways;
pub(crate) mod webhooks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use issue_core::backend::client::{LineOptions, TrackerClient, Transport};
use issue_core::backend::http::{HttpClient, HttpLimits};
use issue_core::backend::{Backend, BackendError, BackendOptions, CreatedRemote, Secret};
use issue_core::boot;
use issue_core::clock::system_now;
use issue_core::domain::tracker::{
    BackendTerms, Draft, FittedDraft, LabelNames, Marker, Project, RelationTargets, TextRules, TrackerKind, UserMap, fit,
};
use issue_core::domain::{Issue, IssueId, Kind, Priority, State};

use crate::support::sample;
use crate::support::sim::{self, CONNECTION, SECRET, Sim};

/// One tracker under test, over one transport.
pub(super) struct Bench {
    pub sim: Sim,
    pub backend: Arc<dyn Backend>,
    pub place: Project,
    pub terms: BackendTerms,
    pub secret: Secret,
    pub what: String,
}

/// Prepares an issue and creates it, as the worker does.
pub(super) async fn create(
    backend: &dyn Backend,
    project: &Project,
    draft: &Draft,
    marker: &Marker,
) -> Result<CreatedRemote, BackendError> {
    backend.create(backend.prepare(project, draft, marker).await?).await
}

pub(super) const TOTAL: Duration = Duration::from_millis(400);

impl Bench {
    pub(super) async fn new(vendor: Box<dyn sim::Vendor>, proxied: bool) -> Self {
        crate::support::server::client();
        let (kind, project, options) = (vendor.kind(), vendor.place(), vendor.options());
        let sim = Sim::start(vendor).await;
        let limits = HttpLimits { connect: TOTAL, read: TOTAL, total: TOTAL, body: 4 << 20, idle: 4 };
        let transport = if proxied {
            Transport::Nango { base: sim.url.clone(), connection_id: CONNECTION.0.to_owned(), provider_config_key: CONNECTION.1.to_owned() }
        } else {
            Transport::Direct
        };
        let secret = Secret::new(Some(SECRET.into()));
        let line = TrackerClient::new(LineOptions {
            http: HttpClient::new(limits).unwrap(),
            base: sim.url.clone(),
            transport,
            secret: secret.clone(),
            now: system_now,
        });
        let (names, users) = (LabelNames::default(), UserMap::new([("*".to_owned(), "*".to_owned())]));
        let backend = boot::tracker(BackendOptions {
            name: "under-test".to_owned(),
            kind,
            line,
            names: names.clone(),
            users: users.clone(),
            options: options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
            page_size: 50,
            webhook_user: "issue-core".to_owned(),
        })
        .unwrap();
        let capabilities = backend.capabilities().clone();
        let text =
            TextRules { markup: capabilities.markup, allow_mentions: false, allow_references: false, limit: capabilities.body_limit };
        let terms = BackendTerms { capabilities, names, users, text };
        Self { sim, backend, place: project, terms, secret, what: format!("{kind}, {}", if proxied { "proxied" } else { "direct" }) }
    }

    /// What is sent for the issue, and its marker.
    pub(super) fn fitted(&self, issue: &Issue) -> (FittedDraft, Marker) {
        (fit(issue, &self.terms, &RelationTargets::of("t0")), Marker::new(issue.id.0, 1))
    }

    /// An issue with something in every field that the tracker can hold, and its draft.
    pub(super) fn full(&self) -> (Issue, Draft, Marker) {
        let people = self.sim.vendor(|vendor| vendor.people());
        let issue = Issue {
            // Fresh: a tracker may take it as its own.
            id: IssueId(sample::stamp().id),
            title: "Ünïcode \"title\" <b>".to_owned(),
            description: "line one\n\n- a list\n- **bold** and `code`\n\nend".to_owned(),
            state: State::Open,
            priority: Priority::High,
            kind: Kind::Bug,
            labels: vec!["sbom".to_owned(), "needs a key".to_owned()],
            assignees: people.iter().take(2).map(|name| (*name).to_owned()).collect(),
            milestone: Some("v1".to_owned()),
            due_on: chrono::NaiveDate::from_ymd_opt(2027, 2, 28),
            ..sample::plain_issue()
        };
        let (fitted, marker) = self.fitted(&issue);
        (issue, fitted.draft, marker)
    }
}

/// A tracker that is never asked anything.
pub(super) fn backend_of(kind: TrackerKind, options: Vec<(&'static str, String)>) -> Arc<dyn Backend> {
    crate::support::server::client();
    let limits = HttpLimits { connect: TOTAL, read: TOTAL, total: TOTAL, body: 4 << 20, idle: 4 };
    let (http, secret) = (HttpClient::new(limits).unwrap(), Secret::new(Some(SECRET.into())));
    let line = TrackerClient::new(LineOptions {
        http,
        base: "http://127.0.0.1:9".to_owned(),
        transport: Transport::Direct,
        secret,
        now: system_now,
    });
    let options = options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (name, names, users) = ("under-test".to_owned(), LabelNames::default(), UserMap::default());
    boot::tracker(BackendOptions { name, kind, line, names, users, options, page_size: 50, webhook_user: "issue-core".to_owned() }).unwrap()
}

/// Each case for every tracker, directly and through the proxy.
macro_rules! cases {
    ($($case:path as $name:ident),+ $(,)?) => {
        mod cases {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                for vendor in sim::ALL.iter().filter(|vendor| sim::is_chosen(vendor().kind())) {
                    for proxied in [false, true] {
                        let bench = Bench::new(vendor(), proxied).await;
                        println!("{}", bench.what);
                        $case(&bench).await;
                        assert_eq!(bench.sim.faults(), [""; 0], "{}", bench.what);
                    }
                }
            })+
        }
    };
}

cases!(
    contract::what_is_created_is_read_back_field_by_field as what_is_created_is_read_back_field_by_field,
    contract::the_smallest_issue_is_enough as the_smallest_issue_is_enough,
    contract::what_is_created_is_found_by_its_marker_at_once as what_is_created_is_found_by_its_marker_at_once,
    contract::a_marker_is_found_behind_many_pages_and_among_look_alikes as a_marker_is_found_behind_many_pages_and_among_look_alikes,
    contract::an_update_changes_what_changed_and_can_be_sent_again as an_update_changes_what_changed_and_can_be_sent_again,
    contract::what_others_put_in_stays as what_others_put_in_stays,
    contract::every_state_is_reached_and_read_back as every_state_is_reached_and_read_back,
    contract::comments_are_added_found_edited_and_taken_away as comments_are_added_found_edited_and_taken_away,
    contract::every_page_of_every_list_is_given as every_page_of_every_list_is_given,
    contract::discovery_shows_where_to_file as discovery_shows_where_to_file,
    contract::a_check_answers_the_account_and_what_is_missing as a_check_answers_the_account_and_what_is_missing,
    trouble::a_lost_answer_to_a_creation_is_unknown_and_nothing_else_is as a_lost_answer_to_a_creation_is_unknown_and_nothing_else_is,
    trouble::every_request_of_a_creation_may_fail_and_the_error_is_true as every_request_of_a_creation_may_fail_and_the_error_is_true,
    trouble::each_refusal_means_what_it_means as each_refusal_means_what_it_means,
    trouble::a_broken_page_is_never_an_absence as a_broken_page_is_never_an_absence,
    trouble::another_secret_is_used_from_the_next_call_on as another_secret_is_used_from_the_next_call_on,
    webhooks::registering_again_leaves_one_webhook_with_the_new_secret as registering_again_leaves_one_webhook_with_the_new_secret,
    webhooks::without_the_permission_to_register_the_answer_says_what_to_do_by_hand
        as without_the_permission_to_register_the_answer_says_what_to_do_by_hand,
    trouble::no_error_shows_the_secret as no_error_shows_the_secret,
    two_ways::every_text_comes_back_in_the_form_that_it_was_sent_in as every_text_comes_back_in_the_form_that_it_was_sent_in,
    two_ways::what_a_person_changes_is_read_and_listed as what_a_person_changes_is_read_and_listed,
    two_ways::a_list_begins_with_the_moment_and_says_when_nothing_changed as a_list_begins_with_the_moment_and_says_when_nothing_changed,
    two_ways::comments_are_counted_dated_and_have_authors as comments_are_counted_dated_and_have_authors,
    two_ways::an_issue_is_followed_to_where_it_is_now as an_issue_is_followed_to_where_it_is_now,
    two_ways::what_is_gone_is_absent_and_differs_from_what_is_forbidden as what_is_gone_is_absent_and_differs_from_what_is_forbidden,
    relations::each_relation_is_put_in_read_from_both_sides_and_taken_out as each_relation_is_put_in_read_from_both_sides_and_taken_out,
    relations::relations_follow_a_creation_and_what_people_relate_stays as relations_follow_a_creation_and_what_people_relate_stays,
    relations::another_parent_takes_the_place_of_the_first as another_parent_takes_the_place_of_the_first,
    relations::what_cannot_be_related_holds_up_nothing as what_cannot_be_related_holds_up_nothing,
    relations::many_relations_are_all_read_and_cost_no_more_than_one as many_relations_are_all_read_and_cost_no_more_than_one,
    relations::a_request_that_is_lost_leaves_nothing_undone_and_nothing_doubled
        as a_request_that_is_lost_leaves_nothing_undone_and_nothing_doubled,
    relations::a_concurrent_write_is_reported_before_any_relation_is_sent as a_concurrent_write_is_reported_before_any_relation_is_sent,
    two_ways::the_other_clock_is_known_from_its_answers as the_other_clock_is_known_from_its_answers,
    two_ways::long_lists_are_read_in_long_pages_and_in_order as long_lists_are_read_in_long_pages_and_in_order,
    two_ways::a_late_list_catches_up_and_an_issue_is_never_late as a_late_list_catches_up_and_an_issue_is_never_late,
);
