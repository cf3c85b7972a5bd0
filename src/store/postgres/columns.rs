//! Rows on their way in, as one array for each column: the arguments of `unnest`.
//!
//! The order of the fields here is the order of the parameters in the statements of [`super::commit`].

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::Related;
use crate::domain::event::Detail;
use crate::store::fields::{CommentFields, EventFields, Hash, IssueFields, MessageFields};

type Moment = DateTime<Utc>;

/// A struct of arrays, filled row by row and handed over column by column.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident of $row:ident { $($field:ident: $type:ty $(= $wrap:path)?),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> { $($field: Vec<$type>),+ }

        impl<'a> FromIterator<$row<'a>> for $name<'a> {
            fn from_iter<I: IntoIterator<Item = $row<'a>>>(rows: I) -> Self {
                let mut columns = Self::default();
                for row in rows {
                    $(columns.$field.push(columns!(@value row.$field $(, $wrap)?));)+
                }
                columns
            }
        }

        impl $name<'_> {
            pub(super) fn bind(self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
                $(arguments.add(self.$field)?;)+
                Ok(())
            }

            pub(super) fn is_empty(&self) -> bool {
                columns!(@first self $($field)+).is_empty()
            }
        }
    };
    (@value $value:expr) => { $value };
    (@value $value:expr, $wrap:path) => { $wrap($value) };
    (@first $self:ident $first:ident $($rest:ident)*) => { $self.$first };
}

columns! {
    IssueColumns of IssueFields {
        id: Uuid,
        title: &'a str,
        description: &'a str,
        state: &'static str,
        blocked_reason: Option<&'a str>,
        blocked_at: Option<Moment>,
        blocked_was_started: Option<bool>,
        close_reason: Option<&'static str>,
        closed_at: Option<Moment>,
        priority: &'static str,
        kind: &'static str,
        labels: Json<&'a [String]> = Json,
        assignees: Json<&'a [String]> = Json,
        milestone: Option<&'a str>,
        due_on: Option<NaiveDate>,
        target_repo: Option<&'a str>,
        backend: &'a str,
        url: Option<&'a str>,
        source_type: Option<&'static str>,
        source_id: Option<&'a str>,
        triggering_event_id: Option<&'a str>,
        activity_definition_id: Option<&'a str>,
        review: &'static str,
        review_reason: Option<&'a str>,
        claimed_by: Option<&'a str>,
        claimed_until: Option<Moment>,
        version: i64,
        created_at: Moment,
        updated_at: Moment,
        archived_at: Option<Moment>,
        dedupe_key: Option<&'a [u8; 32]> = bytes,
        fingerprint: Option<&'a [u8; 32]> = bytes,
        relations: Option<Json<&'a [Related]>> = json,
    }
}

columns! {
    EventColumns of EventFields {
        issue_id: Uuid,
        seq: i64,
        id: Uuid,
        kind: &'static str,
        actor: &'a str,
        at: Moment,
        trace: Option<&'a str>,
        detail: Json<&'a Detail> = Json,
    }
}

columns! {
    CommentColumns of CommentFields {
        id: Uuid,
        issue_id: Uuid,
        author: &'a str,
        body: &'a str,
        created_at: Moment,
        edited_at: Option<Moment>,
    }
}

columns! {
    MessageColumns of MessageFields {
        kind: &'static str,
        target: &'a str,
        issue_id: Uuid,
        event_seq: i64,
        due_at: Moment,
        trace: Option<&'a str>,
    }
}

fn json(relations: Option<&[Related]>) -> Option<Json<&[Related]>> {
    relations.map(Json)
}

fn bytes(hash: Option<Hash<'_>>) -> Option<&[u8; 32]> {
    hash.map(|hash| hash.0)
}

/// What is written beside an issue.
#[derive(Debug, Default)]
pub(super) struct Children<'a> {
    pub(super) events: EventColumns<'a>,
    pub(super) comments: CommentColumns<'a>,
    pub(super) messages: MessageColumns<'a>,
}

impl Children<'_> {
    pub(super) fn bind(self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        self.events.bind(arguments)?;
        self.comments.bind(arguments)?;
        self.messages.bind(arguments)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.comments.is_empty() && self.messages.is_empty()
    }
}
