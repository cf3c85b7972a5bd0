//! Rows on their way in: for each table one array of rows, of the types that the migrations call `incoming_…`.
//!
//! The order of the fields here is the order of the type's columns. A type is never altered: another column is a new type.

use sqlx::Arguments as _;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType, PgTypeInfo};
use sqlx::types::Json;
use sqlx::{Encode, Postgres, Type};

use crate::domain::Change;
use crate::store::batch::added;
use crate::store::fields::{CommentFields, EventFields, IssueFields, LinkFields, MessageFields, StoredHash};

/// A row as Postgres reads it: how many values, then each with its type, its length and its bytes.
struct IncomingRow<'b> {
    buffer: &'b mut PgArgumentBuffer,
    start: usize,
    values: u32,
}

impl<'b> IncomingRow<'b> {
    fn begin(buffer: &'b mut PgArgumentBuffer) -> Self {
        let start = buffer.len();
        buffer.extend_from_slice(&[0; 4]);
        Self { buffer, start, values: 0 }
    }

    fn add<'q, T: Encode<'q, Postgres> + Type<Postgres>>(&mut self, value: &T) -> Result<(), BoxDynError> {
        // All of them are built in, and known without asking the server.
        let oid = T::type_info().oid().ok_or("a value of a row is of a type that is not built in")?;
        self.buffer.extend_from_slice(&oid.0.to_be_bytes());
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&(-1_i32).to_be_bytes());
        if let IsNull::No = value.encode_by_ref(self.buffer)? {
            let length = i32::try_from(self.buffer.len() - at - 4)?;
            self.buffer[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
        self.values += 1;
        Ok(())
    }

    fn end(self) -> IsNull {
        self.buffer[self.start..self.start + 4].copy_from_slice(&self.values.to_be_bytes());
        IsNull::No
    }
}

/// Makes fields one row of a type.
macro_rules! rows {
    ($fields:ident as $name:literal { $($field:ident $(= $wrap:path)?),+ $(,)? }) => {
        impl Type<Postgres> for $fields<'_> {
            fn type_info() -> PgTypeInfo {
                PgTypeInfo::with_name($name)
            }
        }

        impl PgHasArrayType for $fields<'_> {
            fn array_type_info() -> PgTypeInfo {
                PgTypeInfo::array_of($name)
            }
        }

        impl Encode<'_, Postgres> for $fields<'_> {
            fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
                let mut row = IncomingRow::begin(buffer);
                $(row.add(&rows!(@value self.$field $(, $wrap)?))?;)+
                Ok(row.end())
            }
        }
    };
    (@value $value:expr) => { $value };
    (@value $value:expr, $wrap:path) => { $wrap($value) };
}

rows! {
    IssueFields as "incoming_issue" {
        id,
        title,
        description,
        state,
        blocked_reason,
        blocked_at,
        blocked_was_started,
        close_reason,
        closed_at,
        priority,
        kind,
        labels = Json,
        assignees = Json,
        milestone,
        due_on,
        target_repo,
        backend,
        url,
        source_type,
        source_id,
        triggering_event_id,
        activity_definition_id,
        review,
        review_reason,
        claimed_by,
        claimed_until,
        version,
        created_at,
        updated_at,
        archived_at,
        dedupe_key = bytes,
        fingerprint = bytes,
        relations = json,
    }
}

rows! {
    EventFields as "incoming_event" { issue_id, seq, id, kind, actor, at, trace, detail = Json }
}

rows! {
    CommentFields as "incoming_comment" { id, issue_id, author, body, created_at, edited_at }
}

rows! {
    MessageFields as "incoming_message" { kind, target, issue_id, event_seq, due_at, trace }
}

rows! {
    LinkFields as "incoming_link" {
        issue_id,
        backend,
        position,
        place = Json,
        state,
        intended_at,
        remote_id,
        remote_key,
        url,
        pushed = json,
        moved_from,
        origin,
        turns = json,
        heard,
        missing_at,
    }
}

fn json<T>(value: Option<T>) -> Option<Json<T>> {
    value.map(Json)
}

fn bytes(hash: Option<StoredHash<'_>>) -> Option<&[u8]> {
    hash.map(|hash| hash.0.as_slice())
}

/// What is written beside issues, old or new.
#[derive(Debug, Default)]
pub(super) struct IncomingChildren<'a> {
    pub(super) events: Vec<EventFields<'a>>,
    pub(super) comments: Vec<CommentFields<'a>>,
    pub(super) messages: Vec<MessageFields<'a>>,
}

impl IncomingChildren<'_> {
    pub(super) fn bind(self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        arguments.add(self.events)?;
        arguments.add(self.comments)?;
        arguments.add(self.messages)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.comments.is_empty() && self.messages.is_empty()
    }
}

pub(super) fn children<'a>(changes: &[&'a Change]) -> IncomingChildren<'a> {
    let changes = || changes.iter().copied();
    IncomingChildren {
        events: changes().flat_map(|change| &change.events).map(EventFields::from).collect(),
        comments: changes().flat_map(|change| &change.comments).filter_map(added).map(CommentFields::from).collect(),
        messages: changes().flat_map(|change| &change.messages).map(MessageFields::from).collect(),
    }
}
