//! Jira's limits and refusals, as it sends them.

use super::*;

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        headers: headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
        retry_after: headers.iter().find(|(name, _)| *name == "retry-after").map(|(_, value)| Duration::from_secs(value.parse().unwrap())),
        body: body.as_bytes().to_vec(),
        truncated: false,
        effect: Effect::Writes,
    }
}

#[test]
fn each_limit_is_recognised_and_waits_as_long_as_it_says() {
    let after = Duration::from_secs(30);
    let cases = [
        (vec![("retry-after", "30"), ("ratelimit-reason", "jira-quota-global-based")], ErrorKind::Limited { after }),
        (vec![("retry-after", "30"), ("ratelimit-reason", "jira-burst-based")], ErrorKind::Limited { after }),
        (vec![("retry-after", "30"), ("ratelimit-reason", "jira-per-issue-on-write")], ErrorKind::Retry { after: Some(after) }),
        (vec![("x-ratelimit-reset", "2026-06-16T07:01Z"), ("date", "Tue, 16 Jun 2026 07:00:30 GMT")], ErrorKind::Limited { after }),
        (vec![], ErrorKind::Limited { after: Duration::from_mins(1) }),
    ];
    for (headers, trouble) in cases {
        assert_eq!(refusal(&answer(429, &headers, "{}")).unwrap().trouble, trouble, "{headers:?}");
    }
}

#[test]
fn what_jira_says_of_a_field_is_reported_and_can_be_fixed() {
    let body =
        r#"{"errorMessages":["Sorry."],"errors":{"customfield_10010":"Team is required.","priority":"Field 'priority' cannot be set."}}"#;
    let error = refusal(&answer(400, &[], body)).unwrap();
    assert_eq!(error.trouble, ErrorKind::Denied);
    assert_eq!(error.message, "answered 400: Sorry.; customfield_10010: Team is required.; priority: Field 'priority' cannot be set.");
    let long = r#"{"errors":{"description":"The entered text is too long. It exceeds the allowed limit of 32,767 characters."}}"#;
    assert_eq!(refusal(&answer(400, &[], long)).unwrap().trouble, ErrorKind::Fail);
    assert_eq!(refusal(&answer(400, &[], "<html>")).unwrap().trouble, ErrorKind::Fail);
}

#[test]
fn an_anonymous_answer_is_a_refused_credential_with_any_status() {
    let headers = [("x-seraph-loginreason", "AUTHENTICATED_FAILED")];
    for (status, effect) in [(200, Effect::Reads), (404, Effect::Reads), (403, Effect::Writes)] {
        assert_eq!(
            refusal(&HttpAnswer { effect, ..answer(status, &headers, "{\"issues\":[]}") }).unwrap().trouble,
            ErrorKind::Paused,
            "{status}"
        );
    }
    assert_eq!(refusal(&answer(201, &headers, "{}")), None, "it is done");
}

#[test]
fn lists_are_read_as_either_edition_writes_them() {
    let types = |text: &str| serde_json::from_str::<IssueTypes>(text).unwrap().types.len();
    assert_eq!(types(r#"{"issueTypes":[{"id":"1","name":"Task"}],"total":1}"#), 1);
    assert_eq!(types(r#"{"values":[{"id":"1","name":"Task"}],"isLast":true}"#), 1);
}
