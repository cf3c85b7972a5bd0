//! Something of the API that is no issue, as lines of names and values; what it is about is not known here.

use serde_json::Value;

use super::error::CliError;
use super::reach::CommandSession;
use super::table::one_line;

/// What stands under that path.
pub(super) async fn show(session: &CommandSession, path: &str) -> Result<(), CliError> {
    let answer = session.api.get(path).await?;
    let thing: Value = answer.json()?;
    session.screen.one(&answer.raw()?, || lines(&thing))
}

/// A line for each field that says something; those of an inner object behind its name.
pub(super) fn lines(thing: &Value) -> String {
    let mut lines = Vec::new();
    gather("", thing, &mut lines);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    lines.iter().fold(String::new(), |text, (name, value)| text + &format!("{name:width$}  {value}\n"))
}

fn gather(root: &str, thing: &Value, lines: &mut Vec<(String, String)>) {
    for (name, value) in thing.as_object().into_iter().flatten() {
        let name = if root.is_empty() { name.clone() } else { format!("{root}.{name}") };
        match value {
            Value::Object(_) => gather(&name, value, lines),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                lines.push((name, text(value)));
            }
        }
    }
    lines.retain(|(_, value)| !value.is_empty());
}

/// A value as a person reads it, on one line.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_says_something_is_a_line_of_its_own() {
        let thing = serde_json::json!({"name": "a\nb", "none": null, "inner": {"deep": [1, "x"]}, "empty": []});
        assert_eq!(lines(&thing), "inner.deep  1, x\nname        a b\n");
    }
}
