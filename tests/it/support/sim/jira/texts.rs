//! Documents as Jira Cloud keeps them: what it refuses, and the plain text of one.

use serde_json::{Value, json};

/// Which nodes may stand in which, of those that the tests send.
pub(super) fn valid(document: &Value) -> Result<(), String> {
    if document["type"] != "doc" || document["version"] != 1 {
        return Err("Operation value must be an Atlassian Document".to_owned());
    }
    within(document, "doc")
}

fn within(node: &Value, kind: &str) -> Result<(), String> {
    let allowed: &[&str] = match kind {
        "doc" => &["paragraph", "heading", "codeBlock", "blockquote", "bulletList", "orderedList", "rule"],
        "blockquote" | "listItem" => &["paragraph", "codeBlock", "bulletList", "orderedList"],
        "bulletList" | "orderedList" => &["listItem"],
        "paragraph" | "heading" => &["text", "hardBreak"],
        "codeBlock" => &["text"],
        _ => &[],
    };
    let content = node["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    if content.is_empty() && ["blockquote", "listItem", "bulletList", "orderedList"].contains(&kind) {
        return Err(format!("INVALID_INPUT: an empty {kind}"));
    }
    for child in content {
        let name = child["type"].as_str().unwrap_or_default();
        if !allowed.contains(&name) || name == "text" && child["text"].as_str().is_none_or(str::is_empty) {
            return Err(format!("INVALID_INPUT: {child} in {kind}"));
        }
        within(child, name)?;
    }
    Ok(())
}

/// A text as a person types it: empty lines stand between paragraphs.
pub(super) fn document(text: &str) -> Value {
    let line = |line: &str| json!({"type": "text", "text": line});
    let paragraph = |part: &str| {
        let mut inner: Vec<Value> = Vec::new();
        for text in part.lines().filter(|text| !text.is_empty()) {
            if !inner.is_empty() {
                inner.push(json!({"type": "hardBreak"}));
            }
            inner.push(line(text));
        }
        json!({"type": "paragraph", "content": inner})
    };
    let parts: Vec<Value> = text.split("\n\n").filter(|part| !part.trim().is_empty()).map(paragraph).collect();
    json!({"type": "doc", "version": 1, "content": parts})
}

pub(super) fn plain(node: &Value) -> String {
    if let Some(text) = node.as_str().or_else(|| node["text"].as_str()) {
        return text.to_owned();
    }
    let inner: String = node["content"].as_array().into_iter().flatten().map(plain).collect();
    match node["type"].as_str() {
        Some("hardBreak") => "\n".to_owned(),
        Some("paragraph" | "heading" | "codeBlock") => inner + "\n",
        _ => inner,
    }
}
