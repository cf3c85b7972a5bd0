//! The parts of a two-way sync: how a text comes back, what changed since, where an issue is now,
//! who wrote what, and the tracker's time.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use issue_core::backend::{ChangesPage, ErrorKind, ListAsk};
use issue_core::domain::tracker::{Draft, Marker, RemoteComment, RemoteIssue, RemoteRef};

use super::{Bench, create};
use crate::support::sample;
use crate::support::sim::SimEdit;

const NASTY: &[&str] = &[
    "",
    "one line",
    "  indented\n\ttabbed",
    "a\nb\n\nc\n\n\n\nd",
    "windows\r\nlines \r\n\r\nand   spaces   ",
    "* star\n* star\n  * nested\n+ plus",
    "- item\n\n- apart\n\n  with a paragraph\n- last",
    "3. three\n7. seven",
    "> quoted\n> more\nlazy",
    "# Head #\nText\nSetext\n===",
    "```rust\nfn main() {}\n\n  let a = \"<b>\";\n```",
    "~~~\n```\n~~~",
    "```\nnever closed",
    "**bold** *slanted* __both__ ~~gone~~ `code` ``a ` b``",
    "[text](https://e.org/?a=1&b=2) <https://e.org> https://e.org/x_y_z.",
    "@ann @\u{200b}bob #12 OPS-7 !3 GH-4",
    "/close\n/assign @ann\n  /label ~x\n/\u{200b}close",
    "<b>html</b> &amp; &lt; & <!-- gone? --> <script>alert(1)</script>",
    "Ünïcode 漢字 🦀 e\u{301} \u{200f}rtl",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "- [ ] open\n- [x] done",
    "\\*not slanted\\* \\\\ \\# 1\\. x",
    "{code}x{code} {quote} h1. no bq. no [~ann] !img.png! ----",
    "***\n___\n---",
    "trailing back\\\nslash  \nbreak",
];

/// Two texts that a person sees as different, side by side.
const DIFFERENT: &[(&str, &str)] = &[
    ("one two", "onetwo"),
    ("a", "A"),
    ("a\nb", "a b"),
    ("a\nb", "a\n\nb"),
    ("**a**", "a"),
    ("`a`", "a"),
    ("- a", "a"),
    ("- a", "1. a"),
    ("> a", "a"),
    ("# a", "## a"),
    ("```\na\n```", "a"),
    ("```\na\n b\n```", "```\na\nb\n```"),
    ("[a](https://e.org)", "[a](https://e.com)"),
    ("- a\n  - b", "- a\n- b"),
    ("x @ann", "x ann"),
    ("1 < 2", "1 > 2"),
    ("&amp;", "&"),
];

async fn listed(bench: &Bench, since: Option<DateTime<Utc>>) -> Vec<RemoteIssue> {
    let (mut all, mut page) = (Vec::new(), None);
    loop {
        let ask = ListAsk { since, page: page.as_deref(), etag: None };
        let ChangesPage { items, next, .. } = bench.backend.list(&bench.place, &ask).await.unwrap();
        all.extend(items);
        page = next;
        if page.is_none() {
            return all;
        }
    }
}

async fn said(bench: &Bench, at: &RemoteRef) -> Vec<RemoteComment> {
    let (mut all, mut page) = (Vec::new(), None);
    loop {
        let listing = bench.backend.comments(at, page.as_deref()).await.unwrap();
        all.extend(listing.items);
        page = listing.next;
        if page.is_none() {
            return all;
        }
    }
}

/// An issue that a person created, as the list returns it.
async fn planted(bench: &Bench) -> RemoteIssue {
    bench.sim.plant_many(1);
    let all = listed(bench, None).await;
    assert_eq!(all.len(), 1, "{}", bench.what);
    all.into_iter().next().unwrap()
}

async fn read(bench: &Bench, at: &RemoteRef) -> RemoteIssue {
    bench.backend.read(at).await.unwrap().expect("it is there")
}

pub(super) async fn every_text_comes_back_in_the_form_that_it_was_sent_in(bench: &Bench) {
    let (backend, what) = (&bench.backend, &bench.what);
    for text in NASTY {
        let marker = Marker::new(sample::stamp().id, 1);
        let sent = format!("{text}\n\n---\n{marker}");
        let (_, draft, _) = bench.full();
        let draft = Draft { body: sent.clone(), milestone: None, ..draft };
        let at = create(&**backend, &bench.place, &draft, &marker).await.unwrap().at;
        assert_eq!(backend.canonical(&read(bench, &at).await.body), backend.canonical(&sent), "{what}");
        let said = backend.add_comment(&at, &sent).await.unwrap();
        assert_eq!(backend.canonical(&said.body), backend.canonical(&sent), "{what}");
        let once = backend.canonical(text);
        assert_eq!(backend.canonical(&once), once, "{what}: {text:?}");
        // Without what stands behind it, too.
        let bare = backend.canonical(&sent);
        assert!(bare.starts_with(once.trim_end()), "{what}: {text:?} is {once:?}, and in front of the marker {bare:?}");
    }
    for (one, other) in DIFFERENT {
        assert_ne!(backend.canonical(one), backend.canonical(other), "{what}");
    }
}

pub(super) async fn what_a_person_changes_is_read_and_listed(bench: &Bench) {
    let before = planted(bench).await;
    let typed = "typed by hand\nin two lines & <more>\n\nand a paragraph";
    let person = *bench.sim.vendor(|vendor| vendor.people()).first().unwrap();
    bench.sim.skew(TimeDelta::seconds(10));
    let edit = SimEdit {
        title: Some("another title".to_owned()),
        body: Some(typed.to_owned()),
        closed: Some(true),
        add_label: Some("theirs".to_owned()),
        person: Some(person.to_owned()),
        ..SimEdit::default()
    };
    bench.sim.person_edits(&before.at.id, &edit);
    let now = read(bench, &before.at).await;
    assert_eq!((&*now.title, now.state), ("another title", issue_core::domain::StateName::Closed), "{}", bench.what);
    assert_eq!(bench.backend.canonical(&now.body), bench.backend.canonical(typed), "{}", bench.what);
    assert_eq!((&now.labels[..], &now.assignees[..]), (&["theirs".to_owned()][..], &[person.to_owned()][..]), "{}", bench.what);
    assert!(now.updated_at > before.updated_at && now.created_at == before.created_at, "{}", bench.what);
    bench.sim.person_edits(&before.at.id, &SimEdit { closed: Some(false), remove_label: edit.add_label, ..SimEdit::default() });
    let now = read(bench, &before.at).await;
    assert_eq!((now.state, now.labels.len()), (issue_core::domain::StateName::Open, 0), "{}", bench.what);
    let now = RemoteIssue { relations: None, ..now };
    assert_eq!(listed(bench, None).await, [now], "{}: the list tells the same as the issue, but for its relations", bench.what);
}

pub(super) async fn a_list_begins_with_the_moment_and_says_when_nothing_changed(bench: &Bench) {
    bench.sim.plant_many(3);
    let all = listed(bench, None).await;
    let newest = all.iter().map(|remote| remote.updated_at).max().unwrap();
    let inclusive = listed(bench, Some(newest)).await;
    assert!(inclusive.iter().any(|remote| remote.updated_at == newest), "{}: {newest}", bench.what);
    assert!(inclusive.len() < 3, "{}: {newest}", bench.what);
    let later = newest + TimeDelta::seconds(2);
    assert_eq!(listed(bench, Some(later)).await, [], "{}", bench.what);
    bench.sim.set_page_cap(Some(100));
    let ask = ListAsk { since: Some(newest), ..ListAsk::default() };
    let first = bench.backend.list(&bench.place, &ask).await.unwrap();
    assert_eq!(first.etag.is_some(), bench.sim.vendor(|vendor| vendor.has_etags()), "{}", bench.what);
    let Some(etag) = first.etag else { return };
    let ask = ListAsk { etag: Some(&etag), ..ask };
    bench.sim.traffic();
    let again = bench.backend.list(&bench.place, &ask).await.unwrap();
    assert_eq!(again, ChangesPage { etag: Some(etag.clone()), unchanged: true, ..ChangesPage::default() }, "{}", bench.what);
    let traffic = bench.sim.traffic();
    assert_eq!((traffic.requests, traffic.bytes), (1, 0), "{}", bench.what);
    bench.sim.skew(TimeDelta::seconds(10));
    bench.sim.person_comments(&all[0].at.id, "ann", "look");
    let changed = bench.backend.list(&bench.place, &ask).await.unwrap();
    assert!(!changed.unchanged && changed.etag.is_some_and(|now| now != etag), "{}", bench.what);
    assert!(changed.items.iter().any(|remote| remote.at == all[0].at), "{}", bench.what);
}

pub(super) async fn comments_are_counted_dated_and_have_authors(bench: &Bench) {
    let before = planted(bench).await;
    let id = before.at.id.clone();
    bench.sim.skew(TimeDelta::seconds(10));
    let first = bench.sim.person_comments(&id, "ann", "first");
    let second = bench.sim.person_comments(&id, "bob", "second");
    bench.backend.add_comment(&before.at, "ours").await.unwrap();
    let changed = listed(bench, Some(before.updated_at + TimeDelta::seconds(1))).await;
    assert_eq!(changed.len(), 1, "{}: a comment is a change", bench.what);
    assert!(changed[0].updated_at > before.updated_at, "{}", bench.what);
    assert!(changed[0].comments.is_none_or(|count| count == 3), "{}: {:?}", bench.what, changed[0].comments);
    assert_eq!(changed[0].comments, read(bench, &before.at).await.comments, "{}", bench.what);
    let told: Vec<_> = said(bench, &before.at).await.into_iter().map(|comment| (comment.author.unwrap(), comment.body)).collect();
    let expected = [("ann", "first"), ("bob", "second"), ("issue-bot", "ours")];
    assert_eq!(told, expected.map(|(author, text)| (author.to_owned(), text.to_owned())), "{}", bench.what);

    let between = read(bench, &before.at).await.updated_at;
    bench.sim.skew(TimeDelta::seconds(20));
    bench.sim.person_edits_comment(&id, &first, "first, better");
    assert!(read(bench, &before.at).await.updated_at > between, "{}: an edit of a comment is a change", bench.what);
    assert_eq!(listed(bench, Some(between + TimeDelta::seconds(1))).await.len(), 1, "{}", bench.what);
    let now = said(bench, &before.at).await;
    assert!(now[0].id == first && now[0].body == "first, better" && now[0].updated_at > now[0].created_at, "{}: {now:?}", bench.what);
    bench.sim.skew(TimeDelta::seconds(30));
    bench.sim.person_deletes_comment(&id, &second);
    assert!(said(bench, &before.at).await.iter().all(|comment| comment.id != second), "{}", bench.what);
    assert!(read(bench, &before.at).await.comments.is_none_or(|count| count == 2), "{}", bench.what);
}

pub(super) async fn an_issue_is_followed_to_where_it_is_now(bench: &Bench) {
    let before = planted(bench).await;
    let (project, id) = bench.sim.moves(&before.at.id);
    let now = read(bench, &before.at).await;
    assert_eq!((&now.at.place, &now.at.id), (&project, &id), "{}", bench.what);
    assert!(!now.moved_away && now.title == before.title, "{}: {now:?}", bench.what);
    assert_eq!(read(bench, &now.at).await, now, "{}: its new address is good", bench.what);
    bench.backend.add_comment(&now.at, "still here").await.unwrap();
    assert_eq!(said(bench, &now.at).await.len(), 1, "{}", bench.what);
    let left = listed(bench, None).await;
    assert!(left.iter().all(|remote| remote.moved_away || remote.at.place == project), "{}: {left:?}", bench.what);
}

pub(super) async fn what_is_gone_is_absent_and_differs_from_what_is_forbidden(bench: &Bench) {
    bench.sim.plant_many(3);
    let all = listed(bench, None).await;
    bench.sim.removes(&all[0].at.id);
    assert_eq!(bench.backend.read(&all[0].at).await.unwrap(), None, "{}", bench.what);
    let told = bench.sim.forbid(&all[1].at.id);
    match bench.backend.read(&all[1].at).await {
        Ok(found) => assert!(found.is_none() && !told, "{}", bench.what),
        Err(error) => assert!(error.trouble == ErrorKind::Denied && told, "{}: {error}", bench.what),
    }
    let left: Vec<_> = listed(bench, None).await.into_iter().map(|remote| remote.at).collect();
    assert_eq!(left, [all[2].at.clone()], "{}", bench.what);
    bench.sim.plant_many(1);
    let ids: BTreeSet<_> = listed(bench, None).await.into_iter().map(|remote| remote.at.id).collect();
    assert!(ids.len() == 2 && !ids.contains(&all[0].at.id), "{}: a name is given once", bench.what);
}

pub(super) async fn the_other_clock_is_known_from_its_answers(bench: &Bench) {
    assert_eq!(bench.backend.clock_ahead(), TimeDelta::zero(), "{}: nothing is known yet", bench.what);
    for skew in [0, 300, -7_200, 0] {
        bench.sim.skew(TimeDelta::seconds(skew));
        bench.backend.list(&bench.place, &ListAsk::default()).await.unwrap();
        let off = (bench.backend.clock_ahead() - TimeDelta::seconds(skew)).abs();
        assert!(off <= TimeDelta::seconds(2), "{}: {off} beside {skew}", bench.what);
    }
}

pub(super) async fn long_lists_are_read_in_long_pages_and_in_order(bench: &Bench) {
    const COUNT: usize = 230;
    bench.sim.set_page_cap(Some(100));
    bench.sim.plant_many(COUNT);
    bench.sim.traffic();
    let all = listed(bench, None).await;
    let traffic = bench.sim.traffic();
    let ids: BTreeSet<_> = all.iter().map(|remote| &remote.at.id).collect();
    assert_eq!(ids.len(), COUNT, "{}", bench.what);
    // Pages of fifty as asked for, each in two requests at most, and one that may be empty.
    assert!(traffic.requests <= 2 * (COUNT / 50 + 2), "{}: {traffic:?}", bench.what);
    let since = all.iter().map(|remote| remote.updated_at).max().unwrap() - TimeDelta::seconds(9);
    bench.sim.traffic();
    assert!((10..=11).contains(&listed(bench, Some(since)).await.len()), "{}", bench.what);
    assert!(bench.sim.traffic().requests <= 2, "{}: little news costs little", bench.what);
}

pub(super) async fn a_late_list_catches_up_and_an_issue_is_never_late(bench: &Bench) {
    let before = planted(bench).await;
    bench.sim.late(3);
    listed(bench, None).await;
    bench.sim.skew(TimeDelta::seconds(10));
    bench.sim.person_edits(&before.at.id, &SimEdit { title: Some("changed".to_owned()), ..SimEdit::default() });
    assert_eq!(read(bench, &before.at).await.title, "changed", "{}", bench.what);
    for _ in 0..4 {
        if listed(bench, Some(before.updated_at)).await.iter().any(|remote| remote.title == "changed") {
            return;
        }
    }
    panic!("{}: the change never came", bench.what);
}
