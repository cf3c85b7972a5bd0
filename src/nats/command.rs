//! What a message asks for. Pure: a subject, headers and bytes in; a command out, or why it can never be one.

use async_nats::HeaderMap;

use super::header;
use super::verdict::DeathReason;
use crate::domain::base::input::Input;
use crate::domain::{CreateIssue, Faults, TaskSpec};

/// A task as it came, before its meaning is checked.
#[derive(Debug, PartialEq, Eq)]
pub struct TaskCommand<'a> {
    pub spec: TaskSpec,
    pub idempotency_key: Option<&'a str>,
    pub traceparent: Option<&'a str>,
}

/// The repository a subject names: all that follows the verb, dots too.
pub fn repo<'a>(prefix: &str, subject: &'a str) -> &'a str {
    let after = |verb: &str| subject.strip_prefix(prefix)?.strip_prefix(verb);
    after(".create.").unwrap_or(subject)
}

/// The subject for the answer, if the sender wants one. A stream does not keep the subject a
/// message was published with, so it comes in a header.
pub fn reply_to<'a>(headers: Option<&'a HeaderMap>, allowed: &str) -> Option<&'a str> {
    let subject = header::value(headers, header::REPLY_TO)?;
    let is_plain = subject.split('.').all(|token| !token.is_empty() && !["*", ">"].contains(&token))
        && subject.bytes().all(|b| b.is_ascii_graphic())
        && subject.len() <= 256;
    if subject.starts_with(allowed) && is_plain {
        return Some(subject);
    }
    tracing::warn!("a task asks for its answer on a subject that is not allowed (nats.reply_prefix); it gets none");
    None
}

/// Reads the body as HTTP does, and joins subject and body.
pub fn read<'a>(repo: &str, headers: Option<&'a HeaderMap>, body: &[u8]) -> Result<TaskCommand<'a>, DeathReason> {
    // Serde would read an array into a struct field by field; no sender means that.
    if let Some(found) = body.iter().find(|b| !b.is_ascii_whitespace()).filter(|b| b"[\"-0123456789tfn".contains(b)) {
        let message = format!("must be a JSON object, this begins with {:?}", char::from(*found));
        return Err(DeathReason::invalid(Faults::one("", "wrong_type", message)));
    }
    let mut spec: TaskSpec = serde_json::from_slice(body).map_err(|error| DeathReason::malformed(&error))?;
    let named = match &spec.target_repo {
        Input::Absent | Input::Null => None,
        Input::Value(text) => Some(text.trim()).filter(|text| !text.is_empty()),
        // Reported with every other wrong type.
        Input::WrongType(_) => Some(repo),
    };
    match named {
        None => spec.target_repo = Input::Value(repo.to_owned()),
        Some(named) if named != repo => return Err(contradiction(repo, named, spec.clone())),
        Some(_) => {}
    }
    Ok(TaskCommand {
        spec,
        idempotency_key: header::value(headers, header::IDEMPOTENCY_KEY),
        traceparent: header::value(headers, header::TRACEPARENT),
    })
}

fn contradiction(repo: &str, named: &str, spec: TaskSpec) -> DeathReason {
    let mut faults = CreateIssue::parse(spec).err().unwrap_or_default();
    let named: String = named.chars().take(100).collect();
    faults.add("/target_repo", "contradiction", format!("is {named:?}, but the subject names {repo:?}"));
    DeathReason::invalid(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (&'static str, Vec<(String, &'static str)>);

    fn read_body(repo: &str, body: &str) -> Result<TaskSpec, Told> {
        read(repo, None, body.as_bytes())
            .map(|command| command.spec)
            .map_err(|dead| (dead.code, dead.errors.into_iter().map(|fault| (fault.pointer, fault.code)).collect()))
    }

    #[test]
    fn the_subject_gives_the_repository_dots_and_all() {
        assert_eq!(repo("act.tasks", "act.tasks.create.activity-core"), "activity-core");
        assert_eq!(repo("act.tasks", "act.tasks.create.a.b.c"), "a.b.c");
        assert_eq!(repo("act", "act.create.create.x"), "create.x");
    }

    #[test]
    fn a_body_without_a_repository_takes_the_subjects_and_another_is_refused() {
        for body in [
            r#"{"title":"t"}"#,
            r#"{"title":"t","target_repo":null}"#,
            r#"{"title":"t","target_repo":" "}"#,
            r#"{"title":"t","target_repo":"a.b"}"#,
        ] {
            assert_eq!(read_body("a.b", body).unwrap().target_repo, Input::Value("a.b".to_owned()), "{body}");
        }
        let at = |pointer: &str, code| (pointer.to_owned(), code);
        assert_eq!(read_body("a", r#"{"title":"t","target_repo":"b"}"#), Err(("invalid", vec![at("/target_repo", "contradiction")])));
        let both = Err(("invalid", vec![at("/title", "blank"), at("/target_repo", "contradiction")]));
        assert_eq!(read_body("a", r#"{"title":"","target_repo":"b"}"#), both);
        assert_eq!(read_body("a", r#"{"target_repo":7}"#).unwrap().target_repo, Input::WrongType("a number"));
    }

    #[test]
    fn what_is_no_json_object_is_dead() {
        for body in ["", "{", "{]", "\u{feff}{}", "{\"title\":\"\\ud800\"}"] {
            assert_eq!(read_body("a", body), Err(("malformed", vec![])), "{body:?}");
        }
        for body in ["[]", "\"t\"", "7", "null", "true", " [\"a\"]"] {
            assert_eq!(read_body("a", body), Err(("invalid", vec![(String::new(), "wrong_type")])), "{body:?}");
        }
    }

    #[test]
    fn only_an_inbox_is_answered() {
        let asked = |subject: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("reply-to", subject);
            reply_to(Some(&headers), "_INBOX.").map(str::to_owned)
        };
        assert_eq!(asked("_INBOX.abc.1"), Some("_INBOX.abc.1".to_owned()));
        for bad in ["", "act.tasks.create.x", "$JS.API.STREAM.DELETE.TASKS", "_INBOX.", "_INBOX.>", "_INBOX.a b", "_INBOX.*", "_INBOX..a"] {
            assert_eq!(asked(bad), None, "{bad:?}");
        }
        assert_eq!(reply_to(None, "_INBOX."), None);
    }
}
