//! The fields of links, as the statements take them.

use serde::Serialize;
use uuid::Uuid;

use chrono::{DateTime, Utc};

use super::optional_moment;
use crate::domain::tracker::FieldFlips;
use crate::domain::tracker::{CommentLink, CommentLinkWrite, Draft, Link, Project};

#[derive(Debug, Serialize)]
pub(in crate::store) struct LinkFields<'a> {
    pub(in crate::store) issue_id: Uuid,
    pub(in crate::store) backend: &'a str,
    pub(in crate::store) position: i16,
    pub(in crate::store) place: &'a Project,
    pub(in crate::store) state: &'static str,
    #[serde(serialize_with = "optional_moment")]
    pub(in crate::store) intended_at: Option<DateTime<Utc>>,
    pub(in crate::store) remote_id: Option<&'a str>,
    pub(in crate::store) remote_key: Option<&'a str>,
    pub(in crate::store) url: Option<&'a str>,
    /// The base, in the column of its older name.
    pub(in crate::store) pushed: Option<&'a Draft>,
    pub(in crate::store) moved_from: Option<&'a str>,
    pub(in crate::store) origin: &'static str,
    pub(in crate::store) turns: Option<&'a FieldFlips>,
    pub(in crate::store) heard: Option<&'a str>,
    #[serde(serialize_with = "optional_moment")]
    pub(in crate::store) missing_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
pub(in crate::store) struct CommentLinkFields<'a> {
    issue_id: Uuid,
    backend: &'a str,
    subject: Uuid,
    part: u16,
    /// `None`: the row goes.
    state: Option<&'static str>,
    #[serde(serialize_with = "optional_moment")]
    intended_at: Option<DateTime<Utc>>,
    remote_id: Option<&'a str>,
    pushed: Option<&'a str>,
    base: Option<&'a str>,
    origin: Option<&'static str>,
}

impl<'a> From<&'a Link> for LinkFields<'a> {
    fn from(link: &'a Link) -> Self {
        let remote = link.remote.as_ref();
        Self {
            issue_id: link.issue_id.0,
            backend: &link.backend,
            position: link.position,
            place: &link.place,
            state: link.state.as_str(),
            intended_at: link.intended_at,
            remote_id: remote.map(|remote| remote.id.as_str()),
            remote_key: remote.map(|remote| remote.key.as_str()),
            url: remote.and_then(|remote| remote.url.as_deref()),
            pushed: link.base.as_ref(),
            moved_from: link.moved_from.as_deref(),
            origin: link.origin.as_str(),
            turns: (!link.turns.is_empty()).then_some(&link.turns),
            heard: link.heard.as_deref(),
            missing_at: link.missing_at,
        }
    }
}

impl<'a> CommentLinkFields<'a> {
    pub(in crate::store) fn of(write: &'a CommentLinkWrite) -> Self {
        match write {
            CommentLinkWrite::Set(link) => Self::set(link),
            CommentLinkWrite::Remove { issue_id, backend, slot } => Self {
                issue_id: issue_id.0,
                backend,
                subject: slot.subject,
                part: slot.part,
                state: None,
                intended_at: None,
                remote_id: None,
                pushed: None,
                base: None,
                origin: None,
            },
        }
    }

    fn set(link: &'a CommentLink) -> Self {
        Self {
            issue_id: link.issue_id.0,
            backend: &link.backend,
            subject: link.slot.subject,
            part: link.slot.part,
            state: Some(link.state.as_str()),
            intended_at: link.intended_at,
            remote_id: link.remote_id.as_deref(),
            pushed: link.pushed.as_deref(),
            base: link.base.as_deref(),
            origin: Some(link.origin.as_str()),
        }
    }

    pub(in crate::store) const fn stays(&self) -> bool {
        self.state.is_some()
    }
}
