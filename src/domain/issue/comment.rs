//! A remark on an issue.

use chrono::{DateTime, Utc};

use crate::domain::base::id::{CommentId, IssueId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub id: CommentId,
    pub issue_id: IssueId,
    pub author: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub edited_at: Option<DateTime<Utc>>,
}

impl Comment {
    /// When it was last written: later with every edit.
    #[must_use]
    pub fn written_at(&self) -> DateTime<Utc> {
        self.edited_at.unwrap_or(self.created_at)
    }

    /// The name of this edition of it.
    #[must_use]
    pub fn edition(&self) -> String {
        self.written_at().timestamp_micros().to_string()
    }
}
