//! The name of what a list showed of an issue: another one whenever it may be worth looking at again.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use crate::domain::tracker::RemoteIssue;

/// Trackers give moments in whole seconds, and a second change may follow within the same second.
const SETTLES: TimeDelta = TimeDelta::seconds(2);

/// `now` by the tracker's clock. A change of the last seconds gets another edition later, so that a
/// second change in the same second is seen.
#[must_use]
pub fn edition(remote: &RemoteIssue, now: DateTime<Utc>) -> String {
    let said = format!(
        "{:?}",
        (
            (&remote.title, &remote.body, remote.state, remote.close_reason, remote.priority, remote.kind),
            (&remote.labels, &remote.assignees, &remote.milestone, remote.due_on, remote.comments, &remote.at.place)
        )
    );
    let digest = Sha256::digest(said.as_bytes());
    let short = u64::from_be_bytes(digest[..8].try_into().unwrap_or_default());
    let fresh = if remote.updated_at + SETTLES > now { "~" } else { "" };
    format!("{:x}.{short:016x}{fresh}", remote.updated_at.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::StateName;
    use crate::domain::tracker::{Project, RemoteRef};

    #[test]
    fn it_changes_with_the_words_with_the_moment_and_once_more_when_the_moment_is_past() {
        let at = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let remote = RemoteIssue {
            at: RemoteRef { place: Project::default(), id: "1".to_owned(), key: "#1".to_owned(), url: None },
            title: "t".to_owned(),
            body: String::new(),
            state: StateName::Open,
            close_reason: None,
            priority: None,
            kind: None,
            labels: Vec::new(),
            assignees: Vec::new(),
            milestone: None,
            due_on: None,
            relations: None,
            comments: Some(0),
            created_at: at,
            updated_at: at,
            version: None,
            moved_away: false,
        };
        let later = at + TimeDelta::seconds(9);
        let first = edition(&remote, later);
        assert_eq!(first, edition(&remote, later + TimeDelta::days(3)));
        assert_ne!(first, edition(&remote, at + TimeDelta::seconds(1)), "what was only just changed is looked at again");
        assert_ne!(first, edition(&RemoteIssue { title: "u".to_owned(), ..remote.clone() }, later));
        assert_ne!(first, edition(&RemoteIssue { comments: Some(1), ..remote.clone() }, later));
        assert_ne!(first, edition(&RemoteIssue { updated_at: at + TimeDelta::seconds(1), ..remote }, later));
    }
}
