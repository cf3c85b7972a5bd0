//! A task as JSON: alone, or as one item of a batch.
//!
//! With `Prefer: handling=strict` a key that no field reads is a fault, so that a misspelt one does not get lost.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::{JsonBytes, first, read};
use super::prefer::Preferences;
use super::problem::Problem;
use crate::app::{AppError, BatchTask};
use crate::domain::base::input::Input;
use crate::domain::{CreateIssue, Faults, TaskSpec};

/// The body of a creation.
#[derive(Debug)]
pub struct TaskBody(pub TaskSpec);

impl<S: Send + Sync> FromRequest<S> for TaskBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let strict = Preferences::read(request.headers()).is_strict();
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        let spec: TaskSpec = read(&bytes)?;
        let faults = if strict { unknown_keys(&bytes, TaskSpec::KEYS) } else { Faults::default() };
        if faults.is_empty() {
            return Ok(Self(spec));
        }
        // Beside every other fault, as always.
        let mut all = CreateIssue::parse(spec).err().unwrap_or_default();
        all.extend(faults);
        Err(AppError::Invalid(all).into())
    }
}

/// The key of an item that no task has.
const IDEMPOTENCY_KEY: &str = "idempotency_key";

#[derive(Deserialize)]
struct KeyOnly {
    #[serde(default)]
    idempotency_key: Input<String>,
}

/// One item of a batch. Read twice, because a flattened struct would copy every value on its way.
pub fn batch_task(json: &str, strict: bool) -> Result<BatchTask, Faults> {
    if first(json.as_bytes()) != Some(b'{') {
        return Err(Faults::one("", "wrong_type", "must be a JSON object"));
    }
    let malformed = |error: serde_json::Error| Faults::one("", "malformed", format!("is not the JSON object expected: {error}"));
    let spec: TaskSpec = serde_json::from_str(json).map_err(malformed)?;
    let KeyOnly { idempotency_key } = serde_json::from_str(json).map_err(malformed)?;
    if strict {
        let known: Vec<&str> = TaskSpec::KEYS.iter().copied().chain([IDEMPOTENCY_KEY]).collect();
        let faults = unknown_keys(json.as_bytes(), &known);
        if !faults.is_empty() {
            let mut all = CreateIssue::parse(spec).err().unwrap_or_default();
            all.extend(faults);
            return Err(all);
        }
    }
    Ok(BatchTask { spec, idempotency_key })
}

/// The keys of a JSON object that are not known.
pub fn unknown_keys(json: &[u8], known: &[&str]) -> Faults {
    let keys: BTreeMap<String, &RawValue> = serde_json::from_slice(json).unwrap_or_default();
    let mut faults = Faults::default();
    for key in keys.keys().filter(|key| !known.contains(&key.as_str())) {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        faults.add(pointer, "unknown_field", "is not known here, and handling=strict was asked for");
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_is_no_task_is_its_own_fault() {
        for (json, code) in [("[1]", "wrong_type"), (" null", "wrong_type"), (r#"{"title":"a","title":"b"}"#, "malformed")] {
            assert_eq!(batch_task(json, false).unwrap_err().into_vec()[0].code, code, "{json}");
        }
        let task = batch_task(r#"{"title":"a","idempotency_key":"k","other":1}"#, false).unwrap();
        assert_eq!((task.spec.title, task.idempotency_key), (Input::Value("a".into()), Input::Value("k".into())));
    }

    #[test]
    fn strictly_read_an_unknown_key_is_listed_beside_every_other_fault() {
        let faults = batch_task(r#"{"titel":"a","a/b~c":1,"idempotency_key":"k"}"#, true).unwrap_err().into_vec();
        let told: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(told, [("/title", "missing"), ("/a~1b~0c", "unknown_field"), ("/titel", "unknown_field")]);
    }
}
