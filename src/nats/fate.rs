//! What becomes of a message once the use case has answered. Pure.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::app::{Accepted, AppError};
use crate::domain::{Fault, Faults};

/// How a message ends, for now or for good.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// There is an issue for it: acknowledge.
    Accepted(Accepted),
    /// A passing fault: come again after this.
    Again { after: Duration, reason: String },
    /// It can never be accepted, or failed too often: to the dead subject.
    Dead(Dead),
}

/// Why a message is dead, in the words of a problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dead {
    pub code: &'static str,
    pub detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// The answer to an accepted task, the same as over HTTP.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    issue_id: Uuid,
    issue_url: Option<&'a str>,
    backend: &'a str,
}

impl<'a> Answer<'a> {
    pub fn of(accepted: &'a Accepted) -> Self {
        Self { issue_id: accepted.id.0, issue_url: accepted.url.as_deref(), backend: &accepted.backend }
    }
}

impl Dead {
    pub fn malformed(error: &serde_json::Error) -> Self {
        Self { code: "malformed", detail: format!("the body is not the JSON object expected: {error}"), errors: Vec::new() }
    }

    pub fn invalid(faults: Faults) -> Self {
        Self::of(AppError::Invalid(faults))
    }

    fn of(error: AppError) -> Self {
        let (code, detail) = (error.code(), error.public());
        let errors = if let AppError::Invalid(faults) = error { faults.into_vec() } else { Vec::new() };
        Self { code, detail, errors }
    }

    /// It was delivered more often than allowed: it kept failing, or it kept taking the process down with it.
    pub fn exhausted(deliveries: i64, last: &str) -> Self {
        Self { code: "retries_exhausted", detail: format!("failed {deliveries} times, the last time because: {last}"), errors: Vec::new() }
    }
}

/// How often and how fast a message may come again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub deliveries: i64,
    pub delay: Duration,
    pub longest: Duration,
}

impl Patience {
    /// A message that came more often than it may: something never let us finish.
    pub fn is_over(self, delivered: i64) -> bool {
        delivered > self.deliveries
    }

    fn pause(self, delivered: i64) -> Duration {
        let doublings = u32::try_from(delivered - 1).unwrap_or(0).min(20);
        self.delay.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// The fate of a message that was delivered this often.
pub fn of(result: Result<Accepted, AppError>, delivered: i64, patience: Patience) -> Fate {
    let error = match result {
        Ok(accepted) => return Fate::Accepted(accepted),
        Err(error) => error,
    };
    // A defect of our store may be mended before the message's last attempt; what the message itself says wrong is not.
    let may_pass = error.is_transient() || matches!(error, AppError::Store(_));
    if !may_pass {
        return Fate::Dead(Dead::of(error));
    }
    if delivered >= patience.deliveries {
        return Fate::Dead(Dead::exhausted(delivered, &error.public()));
    }
    Fate::Again { after: patience.pause(delivered), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IssueId, IssueNumber};

    const PATIENCE: Patience = Patience { deliveries: 5, delay: Duration::from_secs(1), longest: Duration::from_secs(6) };

    #[test]
    fn a_passing_fault_comes_again_ever_later_until_it_came_often_enough() {
        let pauses: Vec<_> = (1..5)
            .map(|delivered| match of(Err(AppError::Overloaded), delivered, PATIENCE) {
                Fate::Again { after, .. } => after.as_secs(),
                other @ (Fate::Accepted(_) | Fate::Dead(_)) => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 6]);
        let Fate::Dead(dead) = of(Err(AppError::Overloaded), 5, PATIENCE) else { panic!("the last attempt") };
        assert_eq!(dead.code, "retries_exhausted");
        assert!(!PATIENCE.is_over(5) && PATIENCE.is_over(6));
        assert!(matches!(of(Err(AppError::Overloaded), i64::MAX, Patience { deliveries: i64::MAX, ..PATIENCE }), Fate::Dead(_)));
    }

    #[test]
    fn what_can_never_be_accepted_is_dead_at_once_with_every_fault() {
        let faults = Faults::one("/title", "blank", "must not be blank");
        let Fate::Dead(dead) = of(Err(AppError::Invalid(faults)), 1, PATIENCE) else { panic!("dead") };
        assert_eq!((dead.code, dead.errors.len()), ("invalid", 1));
        let Fate::Dead(dead) = of(Err(AppError::KeyReused), 1, PATIENCE) else { panic!("dead") };
        assert_eq!(dead.code, "idempotency_key_reused");
    }

    #[test]
    fn an_accepted_task_is_answered_like_over_http() {
        let accepted = Accepted {
            id: IssueId(Uuid::from_u128(1)),
            number: IssueNumber(1),
            url: None,
            backend: "sqlite".to_owned(),
            replayed: false,
            losses: Vec::new(),
            expected_at: None,
            on_its_way: false,
        };
        let answer = serde_json::to_string(&Answer::of(&accepted)).unwrap();
        assert_eq!(answer, r#"{"issue_id":"00000000-0000-0000-0000-000000000001","issue_url":null,"backend":"sqlite"}"#);
        assert!(matches!(of(Ok(accepted), 1, PATIENCE), Fate::Accepted(_)));
    }
}
