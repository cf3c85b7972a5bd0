//! What a tracker does when all is well.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use issue_core::backend::ListAsk;
use issue_core::domain::base::text::fold;
use issue_core::domain::tracker::{AssigneeSupport, CarriedAs, Draft, DraftEdit, MilestoneSupport, ProjectField, RemoteIssue};
use issue_core::domain::{CloseReason, Issue, Kind, Priority, State, StateName};

use super::{Bench, create};
use crate::support::sample;

fn set(items: &[String]) -> BTreeSet<String> {
    items.iter().map(|item| fold(item)).collect()
}

/// Everything that the capabilities say is carried.
fn assert_holds(bench: &Bench, remote: &RemoteIssue, draft: &Draft) {
    let (can, what) = (&bench.terms.capabilities, &bench.what);
    assert_eq!(remote.title, draft.title, "{what}");
    assert_eq!(bench.backend.canonical(&remote.body), bench.backend.canonical(&draft.body), "{what}");
    assert_eq!(remote.state, draft.state, "{what}");
    if can.close_reasons {
        assert_eq!(remote.close_reason, draft.close_reason, "{what}");
    }
    if can.priority != CarriedAs::Not {
        assert_eq!(remote.priority, Some(draft.priority), "{what}");
    }
    if can.kind != CarriedAs::Not {
        assert_eq!(remote.kind, Some(draft.kind), "{what}");
    }
    if can.labels {
        assert_eq!(set(&remote.labels), set(&draft.labels), "{what}");
    }
    if can.assignees != AssigneeSupport::Not {
        assert_eq!(set(&remote.assignees), set(&draft.assignees), "{what}");
    }
    if can.milestones == MilestoneSupport::Made {
        assert_eq!(remote.milestone, draft.milestone, "{what}");
    }
    if can.due_dates {
        assert_eq!(remote.due_on, draft.due_on, "{what}");
    }
    assert!(can.optimistic_lock || remote.version.is_none(), "{what}: a version that no update is tied to");
}

/// Made, and everything that the creating request could not carry sent after it: as a push does it.
pub(super) async fn made(bench: &Bench, draft: &Draft, marker: &issue_core::domain::tracker::Marker) -> RemoteIssue {
    let created = create(&*bench.backend, &bench.place, draft, marker).await.unwrap();
    let edit = DraftEdit { before: &created.carried, after: draft };
    if !edit.is_empty() {
        bench.backend.update(&created.at, &edit, None).await.unwrap();
    }
    bench.backend.read(&created.at).await.unwrap().expect("it is there")
}

pub(super) async fn what_is_created_is_read_back_field_by_field(bench: &Bench) {
    let (_, draft, marker) = bench.full();
    let remote = made(bench, &draft, &marker).await;
    assert_holds(bench, &remote, &draft);
    assert_eq!(remote.at.place, bench.place);
    assert!(remote.at.url.as_deref().is_some_and(|url| url.starts_with("http")), "{:?}", remote.at);
    assert!(!remote.at.key.is_empty() && !remote.at.id.is_empty());
    assert_eq!(bench.sim.issues().len(), 1);
}

pub(super) async fn the_smallest_issue_is_enough(bench: &Bench) {
    let (fitted, marker) = bench.fitted(&Issue { id: issue_core::domain::IssueId(sample::stamp().id), ..sample::plain_issue() });
    let remote = made(bench, &fitted.draft, &marker).await;
    assert_holds(bench, &remote, &fitted.draft);
}

pub(super) async fn what_is_created_is_found_by_its_marker_at_once(bench: &Bench) {
    let (_, draft, marker) = bench.full();
    let before = sample::stamp().now;
    assert_eq!(bench.backend.find_by_marker(&bench.place, &marker, before).await.unwrap(), None);
    let remote = made(bench, &draft, &marker).await;
    let found = bench.backend.find_by_marker(&bench.place, &marker, before).await.unwrap();
    assert_eq!(found.map(|found| found.at), Some(remote.at), "{}", bench.what);
    for skew in [-540, 540] {
        bench.sim.skew(TimeDelta::seconds(skew));
        let (_, draft, marker) = bench.full();
        let before = sample::stamp().now;
        let created = create(&*bench.backend, &bench.place, &draft, &marker).await.unwrap();
        let found = bench.backend.find_by_marker(&bench.place, &marker, before).await.unwrap();
        assert_eq!(found.map(|found| found.at.id), Some(created.at.id), "{}: its clock is {skew} s ahead", bench.what);
    }
}

pub(super) async fn a_marker_is_found_behind_many_pages_and_among_look_alikes(bench: &Bench) {
    let (_, draft, marker) = bench.full();
    let before = sample::stamp().now;
    bench.sim.vendor(|vendor| {
        vendor.plant("a quotation", &format!("> {marker}\n\nwhat is this?"), false, sample::stamp().now);
        vendor.plant("a mention", &format!("see {marker}"), false, sample::stamp().now);
        vendor.plant("a part", &format!("{marker}/2"), false, sample::stamp().now);
        vendor.plant("a pull request", marker.as_str(), true, sample::stamp().now);
    });
    assert_eq!(bench.backend.find_by_marker(&bench.place, &marker, before).await.unwrap(), None, "{}", bench.what);
    let created = create(&*bench.backend, &bench.place, &draft, &marker).await.unwrap();
    bench.sim.vendor(|vendor| (0..20).for_each(|n| vendor.plant(&format!("later {n}"), "x", false, sample::stamp().now)));
    let found = bench.backend.find_by_marker(&bench.place, &marker, before).await.unwrap();
    assert_eq!(found.map(|found| found.at.id), Some(created.at.id), "{}", bench.what);
}

pub(super) async fn an_update_changes_what_changed_and_can_be_sent_again(bench: &Bench) {
    let (issue, draft, marker) = bench.full();
    let remote = made(bench, &draft, &marker).await;
    let changes: [fn(&mut Issue); 9] = [
        |issue| "another title".clone_into(&mut issue.title),
        |issue| "another text\n\n@ann #12".clone_into(&mut issue.description),
        |issue| issue.priority = Priority::Low,
        |issue| issue.kind = Kind::Feature,
        |issue| issue.labels = vec!["sbom".to_owned(), "new".to_owned()],
        |issue| issue.assignees.truncate(1),
        |issue| issue.milestone = None,
        |issue| issue.due_on = None,
        |issue| issue.due_on = chrono::NaiveDate::from_ymd_opt(2028, 2, 29),
    ];
    let (mut issue, mut before) = (issue, draft);
    for (n, change) in changes.iter().enumerate() {
        change(&mut issue);
        let after = bench.fitted(&issue).0.draft;
        let edit = DraftEdit { before: &before, after: &after };
        let version = bench.backend.read(&remote.at).await.unwrap().unwrap().version;
        bench.backend.update(&remote.at, &edit, version.as_deref()).await.unwrap();
        bench.backend.update(&remote.at, &edit, None).await.unwrap();
        let now = bench.backend.read(&remote.at).await.unwrap().unwrap();
        assert_holds(bench, &now, &after);
        if version.is_some() && edit.body().is_some() {
            let stale = bench.backend.update(&remote.at, &DraftEdit { before: &after, after: &before }, version.as_deref()).await;
            assert_eq!(stale.unwrap_err().trouble, issue_core::backend::ErrorKind::Stale, "{} change {n}", bench.what);
        }
        before = after;
    }
    let sent = bench.sim.recorded().len();
    bench.backend.update(&remote.at, &DraftEdit { before: &before, after: &before }, None).await.unwrap();
    let recorded = bench.sim.recorded();
    assert!(
        recorded[sent..].iter().all(|recorded| !bench.sim.vendor(|vendor| vendor.writes(&recorded.request))),
        "{}: nothing changed",
        bench.what
    );
    assert_eq!(bench.sim.issues().len(), 1);
}

pub(super) async fn what_others_put_in_stays(bench: &Bench) {
    let (mut issue, draft, marker) = bench.full();
    issue.assignees.truncate(1);
    let draft = Draft { assignees: bench.fitted(&issue).0.draft.assignees, ..draft };
    let remote = made(bench, &draft, &marker).await;
    let id = bench.sim.issues()[0].id.clone();
    let person = *bench.sim.vendor(|vendor| vendor.people()).last().unwrap();
    bench.sim.vendor(|vendor| vendor.meddle(&id, "theirs", person));
    "another title".clone_into(&mut issue.title);
    issue.labels = vec!["new".to_owned()];
    let after = bench.fitted(&issue).0.draft;
    bench.backend.update(&remote.at, &DraftEdit { before: &draft, after: &after }, None).await.unwrap();
    let seen = &bench.sim.issues()[0];
    if bench.terms.capabilities.labels {
        assert!(seen.labels.contains(&"theirs".to_owned()), "{}: {seen:?}", bench.what);
        assert!(seen.labels.contains(&"new".to_owned()) && !seen.labels.contains(&"sbom".to_owned()), "{}: {seen:?}", bench.what);
    }
    if bench.terms.capabilities.assignees == AssigneeSupport::Many {
        assert!(seen.people.contains(&person.to_owned()), "{}: {seen:?}", bench.what);
    }
}

pub(super) async fn every_state_is_reached_and_read_back(bench: &Bench) {
    let at = sample::at(0);
    let blocked = State::Blocked { reason: "waits".to_owned(), since: at, was_started: false };
    let closed = |reason| State::Closed { reason, at };
    let states = [
        State::InProgress,
        blocked,
        State::Open,
        closed(CloseReason::Completed),
        State::Open,
        closed(CloseReason::NotPlanned),
        State::InProgress,
    ];
    // Born in each, too.
    for state in states.iter().cloned() {
        let (mut issue, ..) = bench.full();
        issue.state = state;
        let (fitted, marker) = bench.fitted(&issue);
        let remote = made(bench, &fitted.draft, &marker).await;
        assert_holds(bench, &remote, &fitted.draft);
    }
    let (mut issue, mut before, marker) = bench.full();
    let remote = made(bench, &before, &marker).await;
    for state in states {
        issue.state = state;
        let after = bench.fitted(&issue).0.draft;
        bench.backend.update(&remote.at, &DraftEdit { before: &before, after: &after }, None).await.unwrap();
        let now = bench.backend.read(&remote.at).await.unwrap().unwrap();
        assert_holds(bench, &now, &after);
        let there = bench.sim.issues().into_iter().find(|there| there.title == now.title && bench.sim.issues().last() == Some(there));
        assert_eq!(there.map(|there| there.closed), Some(after.state == StateName::Closed), "{}", bench.what);
        before = after;
    }
}

pub(super) async fn comments_are_added_found_edited_and_taken_away(bench: &Bench) {
    if !bench.terms.capabilities.comments {
        return;
    }
    let (_, draft, marker) = bench.full();
    let at = made(bench, &draft, &marker).await.at;
    let since = sample::stamp().now;
    let marker = issue_core::domain::tracker::Marker::new(sample::stamp().id, 1);
    assert_eq!(bench.backend.find_comment(&at, &marker, since).await.unwrap(), None);
    let text = format!("**ann:**\n\nfirst\n\n---\n{marker}");
    let added = bench.backend.add_comment(&at, &text).await.unwrap();
    for n in 0..12 {
        bench.backend.add_comment(&at, &format!("> {marker}\n\nno {n}")).await.unwrap();
    }
    let found = bench.backend.find_comment(&at, &marker, since).await.unwrap().expect("just added");
    assert_eq!(found.id, added.id, "{}", bench.what);
    assert!(marker.is_in(&found.body), "{}: {}", bench.what, found.body);
    let mut listed = Vec::new();
    let mut page = None;
    loop {
        let listing = bench.backend.comments(&at, page.as_deref()).await.unwrap();
        listed.extend(listing.items.into_iter().map(|comment| comment.id));
        page = listing.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!((listed.len(), &listed[0]), (13, &added.id), "{}", bench.what);
    if bench.terms.capabilities.comment_edits {
        assert!(bench.backend.edit_comment(&at, &added.id, &text.replace("first", "second")).await.unwrap());
        let now = bench.sim.issues()[0].comments[0].text.clone();
        assert!(now.contains("second") && !now.contains("first"), "{}: {now}", bench.what);
    }
    if bench.terms.capabilities.comment_deletes {
        bench.backend.delete_comment(&at, &added.id).await.unwrap();
        bench.backend.delete_comment(&at, &added.id).await.unwrap();
        assert_eq!(bench.sim.issues()[0].comments.len(), 12, "{}", bench.what);
        assert!(!bench.backend.edit_comment(&at, &added.id, "x").await.unwrap(), "{}: it is gone", bench.what);
    }
}

pub(super) async fn every_page_of_every_list_is_given(bench: &Bench) {
    bench.sim.vendor(|vendor| {
        (0..25).for_each(|n| vendor.plant(&format!("issue {n}"), "x", false, sample::stamp().now - TimeDelta::hours(2)));
        (0..3).for_each(|n| vendor.plant(&format!("pull {n}"), "x", true, sample::stamp().now));
        (0..7).for_each(|n| vendor.plant(&format!("recent {n}"), "x", false, sample::stamp().now));
    });
    for (since, expected) in [(None, 32), (Some(sample::stamp().now - TimeDelta::hours(1)), 7)] {
        let (mut titles, mut page, mut pages) = (BTreeSet::new(), None, 0);
        loop {
            let listing = bench.backend.list(&bench.place, &ListAsk { since, page: page.as_deref(), etag: None }).await.unwrap();
            titles.extend(listing.items.into_iter().map(|remote| remote.title));
            page = listing.next;
            pages += 1;
            assert!(pages < 100, "{}: the list does not end", bench.what);
            if page.is_none() {
                break;
            }
        }
        assert_eq!(titles.len(), expected, "{} since {since:?}: {titles:?}", bench.what);
        assert!(titles.iter().all(|title| !title.starts_with("pull")), "{}", bench.what);
    }
}

pub(super) async fn discovery_shows_where_to_file(bench: &Bench) {
    let mut projects = Vec::new();
    let mut page = None;
    loop {
        let workspaces = bench.backend.workspaces(page.as_deref()).await.unwrap();
        for workspace in workspaces.items {
            let mut page = None;
            loop {
                let resources = bench.backend.resources(&workspace.id, page.as_deref()).await.unwrap();
                projects.extend(resources.items.into_iter().map(|resource| (resource.place, resource.id)));
                page = resources.next;
                if page.is_none() {
                    break;
                }
            }
        }
        page = workspaces.next;
        if page.is_none() {
            break;
        }
    }
    assert!(projects.iter().any(|(project, _)| *project == bench.place), "{}: {projects:?}", bench.what);
    let unique: BTreeSet<_> = projects.iter().collect();
    assert_eq!(unique.len(), projects.len(), "{}: {projects:?}", bench.what);
    assert!(projects.len() > 1, "{}: a list with more than one page", bench.what);
}

pub(super) async fn a_check_answers_the_account_and_what_is_missing(bench: &Bench) {
    let checked = bench.backend.check(Some(&bench.place)).await.unwrap();
    assert!(checked.account.is_some() && checked.missing.is_empty(), "{}: {checked:?}", bench.what);
    let mut nowhere = bench.place.clone();
    for field in bench.backend.needs() {
        match field {
            ProjectField::Owner => {}
            ProjectField::Repo => "nowhere".clone_into(&mut nowhere.repo),
            ProjectField::Project => "NOWHERE".clone_into(&mut nowhere.project),
        }
    }
    assert_eq!(bench.backend.check(Some(&nowhere)).await.unwrap().missing.len(), 1, "{}", bench.what);
    bench.secret.replace(Some("wrong".into()));
    let checked = bench.backend.check(None).await.unwrap();
    assert!(checked.account.is_none() && !checked.missing.is_empty(), "{}: {checked:?}", bench.what);
}
