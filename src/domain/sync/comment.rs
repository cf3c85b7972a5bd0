//! The policy for a comment that was changed in the tracker. Pure: the push reads both sides, asks here, and writes.
//!
//! The comment rows of the tables in `docs/sync.md` ("How fields merge", "Conflicts") are the tests of this file.

use serde_json::json;

use super::merge::{FieldConflict, FieldVerdict, SidesChanged, by_owner, merged_text};
use super::{Binding, Conflict, ConflictCause, ConflictState, Owner, Resolution, Strategy};
use crate::domain::tracker::Field;

/// What becomes of the comment here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommentOutcome {
    Nothing,
    /// Both sides say the same, or the local text stands: the base moves to what was read. `sends`: the local text is sent.
    Agree {
        sends: bool,
    },
    /// The comment gets this text here. `sends`: the text is sent, too.
    Take {
        body: String,
        sends: bool,
    },
    /// A person must decide.
    Hold,
}

/// The outcome for a comment with these three sides, in the tracker's canonical form, and the
/// conflict if the text of one side would be lost. `plain` is the remote text in the form that our
/// store keeps.
#[must_use]
pub fn comment_outcome(
    binding: &Binding,
    open: Option<&Conflict>,
    [base, local, remote]: [&str; 3],
    plain: &str,
) -> (CommentOutcome, Option<FieldConflict>) {
    if remote == base {
        return (CommentOutcome::Nothing, None);
    }
    if local == remote {
        return (CommentOutcome::Agree { sends: false }, None);
    }
    let take = || CommentOutcome::Take { body: plain.to_owned(), sends: false };
    if let Some(Conflict { state: ConflictState::Decided, resolution: Some(resolution), .. }) = open {
        return match resolution {
            Resolution::External => (take(), None),
            Resolution::Local | Resolution::Other | Resolution::Agreed => (CommentOutcome::Agree { sends: true }, None),
        };
    }
    let owner = binding.owner_of(Field::Comment);
    let sides = SidesChanged { theirs_changed: true, ours_changed: local != base, equal: false };
    if owner == Owner::Shared
        && sides.ours_changed
        && let Some(body) = merged_text(base, local, remote)
    {
        return (CommentOutcome::Take { body, sends: true }, None);
    }
    // The times of two comments are not compared: `newer` counts as `external_wins`.
    let strategy = if binding.strategy == Strategy::Newer { Strategy::ExternalWins } else { binding.strategy };
    let (verdict, why) = by_owner(owner, strategy, sides, || true);
    let outcome = match verdict {
        FieldVerdict::Take => take(),
        FieldVerdict::Push => CommentOutcome::Agree { sends: true },
        FieldVerdict::Hold => CommentOutcome::Hold,
        FieldVerdict::Keep | FieldVerdict::Agree => CommentOutcome::Nothing,
    };
    let conflict = verdict.loses_words(sides).then(|| FieldConflict {
        field: Field::Comment,
        base: json!(base),
        ours: json!(local),
        theirs: json!(remote),
        resolution: verdict.resolution(),
        cause: ConflictCause::Diverged,
        why,
    });
    (outcome, conflict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::binding::BindingSpec;

    fn binding(owner: &str, strategy: &str) -> Binding {
        let spec = json!({"backend": "t0", "owner": "acme", "repo": "tools", "strategy": strategy, "fields": {"comment": owner}});
        let spec: BindingSpec = serde_json::from_value(spec).unwrap();
        spec.parse("tools").unwrap()
    }

    /// The outcome, and how each conflict is resolved: there is one at most.
    fn outcome(owner: &str, strategy: &str, sides: [&str; 3]) -> (CommentOutcome, Vec<Option<Resolution>>) {
        let (outcome, conflict) = comment_outcome(&binding(owner, strategy), None, sides, sides[2]);
        (outcome, conflict.iter().map(|conflict| conflict.resolution).collect())
    }

    fn take(body: &str, sends: bool) -> CommentOutcome {
        CommentOutcome::Take { body: body.to_owned(), sends }
    }

    #[test]
    fn one_changed_side_alone_wins_and_loses_nothing() {
        for strategy in Strategy::WORDS {
            assert_eq!(outcome("shared", strategy, ["a", "b", "a"]), (CommentOutcome::Nothing, vec![]));
            assert_eq!(outcome("shared", strategy, ["a", "a", "b"]), (take("b", false), vec![]));
            assert_eq!(outcome("shared", strategy, ["a", "b", "b"]), (CommentOutcome::Agree { sends: false }, vec![]));
            assert_eq!(outcome("shared", strategy, ["a\nb\nc", "A\nb\nc", "a\nb\nC"]), (take("A\nb\nC", true), vec![]));
        }
    }

    #[test]
    fn the_same_lines_go_by_owner_and_strategy_and_the_lost_text_is_on_record() {
        let conflict = ["a", "b", "c"];
        let ours = CommentOutcome::Agree { sends: true };
        let external = || vec![Some(Resolution::External)];
        let local = || vec![Some(Resolution::Local)];
        assert_eq!(outcome("shared", "external_wins", conflict), (take("c", false), external()));
        assert_eq!(outcome("shared", "newer", conflict), (take("c", false), external()));
        assert_eq!(outcome("shared", "local_wins", conflict), (ours.clone(), local()));
        assert_eq!(outcome("shared", "manual", conflict), (CommentOutcome::Hold, vec![None]));
        assert_eq!(outcome("external", "manual", conflict), (take("c", false), external()));
        assert_eq!(outcome("local", "manual", conflict), (ours.clone(), local()));
        assert_eq!(outcome("local", "manual", ["a", "a", "c"]), (ours, local()), "this side owns it: the remote text is kept on record");
    }
}
