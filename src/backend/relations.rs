//! Relations on their way to a tracker: what of a change is still to be done, and what becomes of one that is not taken there.
//!
//! It knows no tracker: what a relation is called there and how it is made is in each one's own `relations.rs`.

use super::{BackendError, ErrorKind};
use crate::domain::tracker::{RemoteRelation, SetChange, has};

/// What of the change is still to be put in, where these are there already.
pub fn missing<'a>(change: &'a SetChange<RemoteRelation>, there: &'a [RemoteRelation]) -> impl Iterator<Item = &'a RemoteRelation> {
    change.add.iter().filter(|relation| !has(there, relation))
}

/// `None` for one that is refused: the other issue is not there, the two may not be related, the
/// edition has no such relation. It would be refused again, and nothing else should wait for it;
/// the next read shows that it is not there. A failure that may end by itself stays an error.
pub fn unless_refused<T>(relation: &RemoteRelation, done: Result<T, BackendError>) -> Result<Option<T>, BackendError> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) => match error.trouble {
            ErrorKind::Denied | ErrorKind::Fail => {
                tracing::warn!(relation = %relation.relation, key = %relation.key, why = %error, "a relation was passed over");
                Ok(None)
            }
            ErrorKind::Retry { .. } | ErrorKind::Limited { .. } | ErrorKind::Paused | ErrorKind::Stale | ErrorKind::Unknown => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::issue::relation::Relation;

    #[test]
    fn a_refused_relation_is_skipped_and_a_transient_failure_is_an_error() {
        let relation = RemoteRelation { relation: Relation::Blocks, key: "OPS-7".to_owned() };
        let told = |trouble| unless_refused::<()>(&relation, Err(BackendError::new(trouble, "x")));
        assert_eq!(unless_refused(&relation, Ok(7)), Ok(Some(7)));
        assert_eq!((told(ErrorKind::Denied), told(ErrorKind::Fail)), (Ok(None), Ok(None)));
        for trouble in [ErrorKind::Retry { after: None }, ErrorKind::Unknown, ErrorKind::Paused, ErrorKind::Stale] {
            assert!(told(trouble).is_err(), "{trouble:?}");
        }
    }

    #[test]
    fn what_is_there_already_is_not_missing() {
        let one = |key: &str| RemoteRelation { relation: Relation::Blocks, key: key.to_owned() };
        let change = SetChange { add: vec![one("OPS-7"), one("OPS-8")], remove: Vec::new() };
        let there = [one("ops-7"), RemoteRelation { relation: Relation::Relates, key: "OPS-8".to_owned() }];
        assert_eq!(missing(&change, &there).collect::<Vec<_>>(), [&one("OPS-8")]);
    }
}
