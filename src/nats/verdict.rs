//! What becomes of a message once the use case has answered. Pure.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::app::{AcceptedTask, AppError};
use crate::domain::{Fault, Faults};

/// How a message ends, for now or for good.
#[derive(Debug, PartialEq, Eq)]
pub enum TaskVerdict {
    /// There is an issue for it: acknowledge.
    Accepted(AcceptedTask),
    /// A passing fault: come again after this.
    Again { after: Duration, reason: String },
    /// It can never be accepted, or failed too often: to the dead subject.
    Dead(DeathReason),
}

/// Why a message is dead, in the form of a problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeathReason {
    pub code: &'static str,
    pub detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// The answer to an accepted task, the same as over HTTP.
#[derive(Debug, Serialize)]
pub struct TaskReply<'a> {
    issue_id: Uuid,
    issue_url: Option<&'a str>,
    backend: &'a str,
}

impl<'a> TaskReply<'a> {
    pub fn of(accepted: &'a AcceptedTask) -> Self {
        Self { issue_id: accepted.id.0, issue_url: accepted.url.as_deref(), backend: &accepted.backend }
    }
}

impl DeathReason {
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
pub struct RedeliveryRules {
    pub deliveries: i64,
    pub delay: Duration,
    pub longest: Duration,
}

impl RedeliveryRules {
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
pub fn of(result: Result<AcceptedTask, AppError>, delivered: i64, patience: RedeliveryRules) -> TaskVerdict {
    let error = match result {
        Ok(accepted) => return TaskVerdict::Accepted(accepted),
        Err(error) => error,
    };
    // A defect of our store may be mended before the message's last attempt; what the message itself says wrong is not.
    let may_pass = error.is_transient() || matches!(error, AppError::Store(_));
    if !may_pass {
        return TaskVerdict::Dead(DeathReason::of(error));
    }
    if delivered >= patience.deliveries {
        return TaskVerdict::Dead(DeathReason::exhausted(delivered, &error.public()));
    }
    TaskVerdict::Again { after: patience.pause(delivered), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IssueId, IssueNumber};

    const PATIENCE: RedeliveryRules = RedeliveryRules { deliveries: 5, delay: Duration::from_secs(1), longest: Duration::from_secs(6) };

    #[test]
    fn a_passing_fault_comes_again_ever_later_until_it_came_often_enough() {
        let pauses: Vec<_> = (1..5)
            .map(|delivered| match of(Err(AppError::Overloaded), delivered, PATIENCE) {
                TaskVerdict::Again { after, .. } => after.as_secs(),
                other @ (TaskVerdict::Accepted(_) | TaskVerdict::Dead(_)) => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 6]);
        let TaskVerdict::Dead(dead) = of(Err(AppError::Overloaded), 5, PATIENCE) else { panic!("the last attempt") };
        assert_eq!(dead.code, "retries_exhausted");
        assert!(!PATIENCE.is_over(5) && PATIENCE.is_over(6));
        assert!(matches!(
            of(Err(AppError::Overloaded), i64::MAX, RedeliveryRules { deliveries: i64::MAX, ..PATIENCE }),
            TaskVerdict::Dead(_)
        ));
    }

    #[test]
    fn what_can_never_be_accepted_is_dead_at_once_with_every_fault() {
        let faults = Faults::one("/title", "blank", "must not be blank");
        let TaskVerdict::Dead(dead) = of(Err(AppError::Invalid(faults)), 1, PATIENCE) else { panic!("dead") };
        assert_eq!((dead.code, dead.errors.len()), ("invalid", 1));
        let TaskVerdict::Dead(dead) = of(Err(AppError::KeyReused), 1, PATIENCE) else { panic!("dead") };
        assert_eq!(dead.code, "idempotency_key_reused");
    }

    #[test]
    fn an_accepted_task_is_answered_like_over_http() {
        let accepted = AcceptedTask {
            id: IssueId(Uuid::from_u128(1)),
            number: IssueNumber(1),
            url: None,
            backend: "sqlite".to_owned(),
            replayed: false,
            losses: Vec::new(),
            expected_at: None,
            on_its_way: false,
        };
        let answer = serde_json::to_string(&TaskReply::of(&accepted)).unwrap();
        assert_eq!(answer, r#"{"issue_id":"00000000-0000-0000-0000-000000000001","issue_url":null,"backend":"sqlite"}"#);
        assert!(matches!(of(Ok(accepted), 1, PATIENCE), TaskVerdict::Accepted(_)));
    }
}
