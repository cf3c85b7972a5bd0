//! How an issue is named on the line: by number, id, the beginning of its id, or its key in a tracker.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::api::{ApiAnswer, IssueApi, with_query};
use super::error::CliError;
use super::wire::Issue;

/// The form of a name, without a request.
#[derive(Debug, PartialEq, Eq)]
enum NameShape {
    /// A number or a whole id: the API takes it as it is.
    Direct(String),
    /// The beginning of an id, in lower case.
    Prefix(String),
    /// `gitea:owner/repo#12` or `PROJ-7`.
    Tracker,
    Unknown,
}

impl NameShape {
    fn of(text: &str) -> Self {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let is = |test: fn(&u8) -> bool, text: &str| !text.is_empty() && text.bytes().all(|byte| test(&byte));
        // No number begins with a nought, and every id does, until the year 2527.
        if is(u8::is_ascii_digit, digits) && !digits.starts_with('0') {
            return Self::Direct(digits.to_owned());
        }
        if is_tracker_key(text) {
            return Self::Tracker;
        }
        if text.len() <= 36 && is(|byte| byte.is_ascii_hexdigit() || *byte == b'-', text) && !text.starts_with('-') {
            let text = text.to_lowercase();
            return if text.len() == 36 { Self::Direct(text) } else { Self::Prefix(text) };
        }
        Self::Unknown
    }
}

/// `owner/repo#12`, `PROJ-7`, or one of them behind a backend's name. A dash where every id has its first one is an id's.
fn is_tracker_key(text: &str) -> bool {
    let key = text.split_once(':').map_or(text, |(_, key)| key);
    let is_key = |(project, number): (&str, &str)| {
        let plain = !project.is_empty() && project.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        plain && digits && project.len() != 8 && project.starts_with(|c: char| c.is_ascii_uppercase())
    };
    text.contains(':') || key.find(['#', '!']).is_some_and(|at| at > 0) || key.rsplit_once('-').is_some_and(is_key)
}

/// The issue of that name as the API shows it.
pub(super) async fn find(api: &IssueApi, name: &str) -> Result<ApiAnswer, CliError> {
    match NameShape::of(name) {
        NameShape::Direct(id) => match api.get(&format!("/issues/{id}")).await {
            Err(CliError::Problem(problem)) if problem.status == 404 => Err(missing(api, name).await),
            answer => answer,
        },
        NameShape::Prefix(prefix) => api.get(&format!("/issues/{}", by_prefix(api, &prefix).await?)).await,
        NameShape::Tracker => api.get(&format!("/issues/{}", by_tracker_key(api, name).await?)).await,
        NameShape::Unknown => Err(missing(api, name).await),
    }
}

/// The id under which the API knows it.
pub(super) async fn resolve(api: &IssueApi, name: &str) -> Result<String, CliError> {
    match NameShape::of(name) {
        // The API resolves it.
        NameShape::Direct(id) => Ok(id),
        NameShape::Prefix(_) | NameShape::Tracker | NameShape::Unknown => Ok(find(api, name).await?.json::<Issue>()?.id),
    }
}

/// The id of that name, where nothing else will do.
pub(super) async fn resolve_id(api: &IssueApi, name: &str) -> Result<String, CliError> {
    Ok(find(api, name).await?.json::<Issue>()?.id)
}

async fn by_tracker_key(api: &IssueApi, key: &str) -> Result<String, CliError> {
    let found: Value = api.post("/issues/lookup", &json!({ "tracker_keys": [key] })).await?.json()?;
    let issues = found["tracker_keys"][0]["issues"].as_array().cloned().unwrap_or_default();
    match issues.as_slice() {
        [] => Err(CliError::NotFound(format!("no issue here is linked to {key}; `issue search` finds issues by their text"))),
        [only] => Ok(only["issue_id"].as_str().unwrap_or_default().to_owned()),
        several => {
            let line = |issue: &Value| {
                let text = |field: &str| super::table::one_line(issue[field].as_str().unwrap_or_default());
                format!("  #{} {} ({}, {})", issue["number"], text("title"), text("backend"), text("issue_id"))
            };
            let lines = several.iter().map(line).collect::<Vec<_>>().join("\n");
            Err(CliError::usage(format!("{key} is the name of more than one issue; name the backend too, as in BACKEND:{key}\n{lines}")))
        }
    }
}

async fn by_prefix(api: &IssueApi, prefix: &str) -> Result<String, CliError> {
    let query = vec![("id_prefix", prefix.replace('-', "")), ("archived", "any".to_owned())];
    let found: Vec<Issue> = parsed(&api.items("/issues", &query, 3).await?.items)?;
    match found.as_slice() {
        [] => Err(missing(api, prefix).await),
        [only] => Ok(only.id.clone()),
        several => Err(CliError::usage(format!("{prefix} is the beginning of more than one id:\n{}", shortlist(several)))),
    }
}

pub(super) fn parsed<T: serde::de::DeserializeOwned>(items: &[Box<RawValue>]) -> Result<Vec<T>, CliError> {
    items
        .iter()
        .map(|raw| serde_json::from_str(raw.get()))
        .collect::<Result<_, _>>()
        .map_err(|error| CliError::Failed(format!("an item cannot be read: {error}")))
}

/// What to say of a name that names nothing: with what may have been meant.
async fn missing(api: &IssueApi, name: &str) -> CliError {
    let near = near(api, name).await.unwrap_or_default();
    if let (NameShape::Direct(number), Some(newest)) = (NameShape::of(name), near.first())
        && number.len() < 36
    {
        return CliError::NotFound(format!("there is no issue #{number}; the newest is #{}", newest.number));
    }
    let hint = if near.is_empty() { "`issue list` shows what there is".to_owned() } else { format!("did you mean\n{}", shortlist(&near)) };
    CliError::NotFound(format!("there is no issue {name}; {hint}"))
}

/// Issues that contain these words, or whose name differs little.
async fn near(api: &IssueApi, name: &str) -> Result<Vec<Issue>, CliError> {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2).collect::<Vec<_>>().join(" ");
    if NameShape::of(name) == NameShape::Unknown && !words.is_empty() {
        let query = vec![("q", words), ("limit", "3".to_owned())];
        let found: super::api::ApiPage = api.get(&with_query("/issues", &query)).await?.json()?;
        return parsed(&found.items);
    }
    let query = vec![("archived", "any".to_owned())];
    let mut recent: Vec<Issue> = parsed(&api.items("/issues", &query, 200).await?.items)?;
    if name.len() < 8 {
        return Ok(recent);
    }
    let distance = |issue: &Issue| strsim::damerau_levenshtein(&name.to_lowercase(), issue.id.get(..name.len()).unwrap_or(&issue.id));
    recent.retain(|issue| distance(issue) <= 2);
    recent.sort_by_key(distance);
    recent.truncate(3);
    Ok(recent)
}

fn shortlist(issues: &[Issue]) -> String {
    let line = |issue: &Issue| format!("  #{} {} ({})", issue.number, super::table::one_line(&issue.title), issue.id);
    issues.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_by_its_form_what_it_is() {
        let direct = |text: &str| NameShape::Direct(text.to_owned());
        assert_eq!(NameShape::of("42"), direct("42"));
        assert_eq!(NameShape::of("#42"), direct("42"));
        assert_eq!(NameShape::of("01977F9E-4a1c-7cc3-8a52-6f1c0f7f2b11"), direct("01977f9e-4a1c-7cc3-8a52-6f1c0f7f2b11"));
        assert_eq!(NameShape::of("01977F"), NameShape::Prefix("01977f".into()));
        assert_eq!(NameShape::of("01977F9E-4a1c"), NameShape::Prefix("01977f9e-4a1c".into()));
        assert_eq!(NameShape::of("0197"), NameShape::Prefix("0197".into()));
        for key in ["gitea:owner/repo#12", "owner/repo#12", "linear:ENG-7", "PROJ-7", "BEEF-7", "A_1-7"] {
            assert_eq!(NameShape::of(key), NameShape::Tracker, "{key}");
        }
        for text in ["stale-sbom", "", "#", "hello world", "-7"] {
            assert_eq!(NameShape::of(text), NameShape::Unknown, "{text}");
        }
    }
}
