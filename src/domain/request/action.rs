//! What may be said when acting on an issue, types unchecked, and the same once every fault is ruled out.
//!
//! Every key is known or refused: a misspelt reason must not close an issue for another one. To add an act: its spec, its
//! `parse`, its use case.

use chrono::TimeDelta;
use serde::Deserialize;

use crate::domain::base::fault::Faults;
use crate::domain::base::input::Input;
use crate::domain::base::text;
use crate::domain::base::vocabulary::CloseReason;
use crate::domain::base::word::word;
use crate::domain::queue::message::MessageKind;
use crate::domain::request::edit::{IssuePatch, PatchSpec, UnknownKeys, refuse_unknown};

/// The longest claim, in seconds, and the length of a claim without `lease`.
pub const MAX_LEASE: i64 = 24 * 60 * 60;
pub const DEFAULT_LEASE: i64 = 15 * 60;

macro_rules! spec {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $(pub $field: $type,)*
            #[serde(flatten)]
            pub unknown: UnknownKeys,
        }
    };
}

spec! {
    /// For acts about which there is nothing to say.
    NoSpec {}
}
spec! {
    CloseSpec { reason: Input<String>, comment: Input<String> }
}
spec! {
    BlockSpec { reason: Input<String> }
}
spec! {
    RejectSpec { reason: Input<String> }
}
spec! {
    CommentSpec { body: Input<String> }
}
spec! {
    ClaimSpec { holder: Input<String>, lease_seconds: Input<i64> }
}
spec! {
    /// An approval, with the edit that makes the task acceptable.
    ApproveSpec { edit: Input<PatchSpec> }
}
spec! {
    /// Discards a message that is not needed any more.
    DiscardSpec { reason: Input<String> }
}
spec! {
    /// Which dead messages to try again.
    RetrySpec { kind: Input<String>, target: Input<String> }
}
spec! {
    /// The project for which a tracker shall send webhook deliveries.
    WebhookSpec { place: Input<String> }
}
spec! {
    ReleaseSpec { holder: Input<String> }
}

/// How an issue is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseIssue {
    pub reason: CloseReason,
    pub comment: Option<String>,
}

/// The holder of a claim, and its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimIssue {
    pub holder: Option<String>,
    pub lease: TimeDelta,
}

impl NoSpec {
    pub fn parse(self) -> Result<(), Faults> {
        finish((), &self.unknown, Faults::default())
    }
}

impl CloseSpec {
    pub fn parse(self) -> Result<CloseIssue, Faults> {
        let mut faults = Faults::default();
        let reason = word(self.reason, "/reason", &mut faults).unwrap_or(CloseReason::Completed);
        let comment = text::optional(self.comment, "/comment", text::COMMENT, &mut faults);
        finish(CloseIssue { reason, comment }, &self.unknown, faults)
    }
}

impl BlockSpec {
    pub fn parse(self) -> Result<String, Faults> {
        let mut faults = Faults::default();
        let reason = text::required(self.reason, "/reason", text::REASON, &mut faults);
        finish(reason, &self.unknown, faults)
    }
}

impl RejectSpec {
    pub fn parse(self) -> Result<String, Faults> {
        let mut faults = Faults::default();
        let reason = text::required(self.reason, "/reason", text::REASON, &mut faults);
        finish(reason, &self.unknown, faults)
    }
}

impl DiscardSpec {
    pub fn parse(self) -> Result<String, Faults> {
        let mut faults = Faults::default();
        let reason = text::required(self.reason, "/reason", text::REASON, &mut faults);
        finish(reason, &self.unknown, faults)
    }
}

impl WebhookSpec {
    pub fn parse(self) -> Result<Option<String>, Faults> {
        let mut faults = Faults::default();
        let place = text::optional(self.place, "/place", text::PLACE, &mut faults);
        finish(place, &self.unknown, faults)
    }
}

impl RetrySpec {
    pub fn parse(self) -> Result<(Option<MessageKind>, Option<String>), Faults> {
        let mut faults = Faults::default();
        let kind = word(self.kind, "/kind", &mut faults);
        let target = text::optional(self.target, "/target", text::TARGET, &mut faults);
        finish((kind, target), &self.unknown, faults)
    }
}

impl CommentSpec {
    pub fn parse(self) -> Result<String, Faults> {
        let mut faults = Faults::default();
        let body = text::required(self.body, "/body", text::COMMENT, &mut faults);
        finish(body, &self.unknown, faults)
    }
}

impl ClaimSpec {
    pub fn parse(self) -> Result<ClaimIssue, Faults> {
        let mut faults = Faults::default();
        let holder = text::optional(self.holder, "/holder", text::HOLDER, &mut faults);
        let seconds = text::typed(self.lease_seconds, "/lease_seconds", &mut faults).unwrap_or(DEFAULT_LEASE);
        if !(1..=MAX_LEASE).contains(&seconds) {
            faults.add("/lease_seconds", "out_of_range", format!("must be an integer from 1 to {MAX_LEASE}"));
        }
        finish(ClaimIssue { holder, lease: TimeDelta::seconds(seconds.clamp(1, MAX_LEASE)) }, &self.unknown, faults)
    }
}

impl ReleaseSpec {
    pub fn parse(self) -> Result<Option<String>, Faults> {
        let mut faults = Faults::default();
        let holder = text::optional(self.holder, "/holder", text::HOLDER, &mut faults);
        finish(holder, &self.unknown, faults)
    }
}

impl ApproveSpec {
    pub fn parse(self) -> Result<IssuePatch, Faults> {
        let mut faults = Faults::default();
        let edit = text::typed(self.edit, "/edit", &mut faults).map(|patch| patch.parse("/edit", &mut faults)).unwrap_or_default();
        finish(edit, &self.unknown, faults)
    }
}

fn finish<T>(value: T, unknown: &UnknownKeys, mut faults: Faults) -> Result<T, Faults> {
    refuse_unknown(unknown, "", &mut faults);
    faults.into_result(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes<T>(parsed: Result<T, Faults>) -> Vec<(String, &'static str)> {
        parsed.map_or_else(Faults::into_vec, |_| Vec::new()).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_not_said_has_a_sensible_meaning() {
        assert_eq!(CloseSpec::default().parse(), Ok(CloseIssue { reason: CloseReason::Completed, comment: None }));
        let claim = ClaimSpec::default().parse().unwrap();
        assert_eq!((claim.holder, claim.lease.num_seconds()), (None, 900));
        assert_eq!(read::<ApproveSpec>(r#"{"edit":null}"#).parse(), Ok(IssuePatch::default()));
    }

    #[test]
    fn every_fault_of_an_act_is_listed_and_no_key_is_ignored() {
        let at = |pointer: &str, code| (pointer.to_owned(), code);
        assert_eq!(codes(read::<NoSpec>(r#"{"reason":"x"}"#).parse()), [at("/reason", "unknown_field")]);
        assert_eq!(
            codes(read::<CloseSpec>(r#"{"reason":"done","comment":3,"resaon":"x"}"#).parse()),
            [at("/reason", "unknown_word"), at("/comment", "wrong_type"), at("/resaon", "unknown_field")]
        );
        assert_eq!(codes(BlockSpec::default().parse()), [at("/reason", "missing")]);
        assert_eq!(codes(read::<RejectSpec>(r#"{"reason":" "}"#).parse()), [at("/reason", "blank")]);
        assert_eq!(codes(read::<CommentSpec>(r#"{"body":"\n"}"#).parse()), [at("/body", "blank")]);
        for lease in ["0", "86401", "-1", "99999999999999999999"] {
            assert_eq!(codes(read::<ClaimSpec>(&format!(r#"{{"lease_seconds":{lease}}}"#)).parse()).len(), 1, "{lease}");
        }
        assert_eq!(codes(read::<ApproveSpec>(r#"{"edit":[1,{}]}"#).parse()), [at("/edit", "wrong_type")]);
        assert_eq!(
            codes(read::<ApproveSpec>(r#"{"edit":{"title":"","state":"open"}}"#).parse()),
            [at("/edit/title", "blank"), at("/edit/state", "read_only")]
        );
    }
}
