//! The Atlassian Document Format, in which Jira Cloud keeps texts: a tree of JSON nodes. Pure.
//!
//! Written strictly (Jira refuses a node in a wrong position), read tolerantly: users write much
//! that we never write, and its text is kept.

use serde_json::{Value, json};

use crate::backend::prose::{ProseBlock, ProseSpan, is_address, parse, render, spans};

/// Our text as a document.
pub(super) fn from_markdown(text: &str) -> Value {
    let content: Vec<Value> = parse(text).iter().map(node).collect();
    json!({"type": "doc", "version": 1, "content": content})
}

/// A document as our text; a plain string is taken as it is.
pub(super) fn to_markdown(document: &Value) -> String {
    if let Some(text) = document.as_str() {
        return text.to_owned();
    }
    render(&blocks(document))
}

fn node(block: &ProseBlock) -> Value {
    match block {
        ProseBlock::Paragraph(text) => json!({"type": "paragraph", "content": inline(text)}),
        ProseBlock::Heading { level, text } => json!({"type": "heading", "attrs": {"level": level}, "content": inline(text)}),
        ProseBlock::Code { language, text } => {
            // A text node may not be empty.
            let content: Vec<Value> = if text.is_empty() { Vec::new() } else { vec![json!({"type": "text", "text": text})] };
            let attrs = if language.is_empty() { json!({}) } else { json!({"language": language}) };
            json!({"type": "codeBlock", "attrs": attrs, "content": content})
        }
        ProseBlock::Quote(inner) => json!({"type": "blockquote", "content": within(inner)}),
        ProseBlock::List { start, items } => {
            let items: Vec<Value> = items.iter().map(|inner| json!({"type": "listItem", "content": within(inner)})).collect();
            match start {
                Some(start) => json!({"type": "orderedList", "attrs": {"order": start}, "content": items}),
                None => json!({"type": "bulletList", "content": items}),
            }
        }
        ProseBlock::Rule => json!({"type": "rule"}),
    }
}

/// An item or a quotation may not be empty, and an item may not begin with a list.
fn within(inner: &[ProseBlock]) -> Vec<Value> {
    let mut nodes: Vec<Value> = inner.iter().map(node).collect();
    if !matches!(inner.first(), Some(ProseBlock::Paragraph(_) | ProseBlock::Code { .. })) {
        nodes.insert(0, json!({"type": "paragraph", "content": []}));
    }
    nodes
}

fn inline(text: &[ProseSpan]) -> Vec<Value> {
    let marked = |text: &str, mark: Value| json!({"type": "text", "text": text, "marks": [mark]});
    let node = |span: &ProseSpan| match span {
        ProseSpan::Text(text) => json!({"type": "text", "text": text}),
        ProseSpan::Strong(text) => marked(text, json!({"type": "strong"})),
        ProseSpan::Code(text) => marked(text, json!({"type": "code"})),
        ProseSpan::Link { text, href } => marked(text, json!({"type": "link", "attrs": {"href": href}})),
        ProseSpan::Break => json!({"type": "hardBreak"}),
    };
    text.iter().filter(|span| !matches!(span, ProseSpan::Code(text) if text.is_empty())).map(node).collect()
}

fn content(node: &Value) -> &[Value] {
    node["content"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn blocks(node: &Value) -> Vec<ProseBlock> {
    let mut found = Vec::new();
    for child in content(node) {
        match child["type"].as_str().unwrap_or_default() {
            "paragraph" => push_paragraph(&mut found, line(child)),
            "heading" => {
                let level =
                    child["attrs"]["level"].as_u64().and_then(|level| u8::try_from(level).ok()).map_or(1, |level| level.clamp(1, 6));
                found.push(ProseBlock::Heading { level, text: line(child) });
            }
            "codeBlock" => {
                let text = content(child).iter().filter_map(|part| part["text"].as_str()).collect();
                found.push(ProseBlock::Code { language: child["attrs"]["language"].as_str().unwrap_or_default().to_owned(), text });
            }
            "blockquote" => found.push(ProseBlock::Quote(blocks(child))),
            "bulletList" | "decisionList" => found.push(list(child, None)),
            "taskList" => found.push(tasks(child)),
            "orderedList" => {
                let start = child["attrs"]["order"].as_u64().and_then(|start| u32::try_from(start).ok()).unwrap_or(1);
                found.push(list(child, Some(start)));
            }
            "rule" => found.push(ProseBlock::Rule),
            "tableRow" => push_paragraph(&mut found, row(child)),
            "text" | "hardBreak" | "mention" | "emoji" | "inlineCard" | "date" | "status" => {
                // Loose text, as in the items of a task list: one paragraph of all of it.
                push_paragraph(&mut found, line(node));
                break;
            }
            "blockCard" | "embedCard" => push_paragraph(&mut found, card(child).into_iter().collect()),
            // Panels, layouts, tables and unknown nodes: their content.
            _ => found.extend(blocks(child)),
        }
    }
    found
}

fn push_paragraph(found: &mut Vec<ProseBlock>, text: Vec<ProseSpan>) {
    if !text.is_empty() {
        found.push(ProseBlock::Paragraph(text));
    }
}

fn list(node: &Value, start: Option<u32>) -> ProseBlock {
    ProseBlock::List { start, items: content(node).iter().map(blocks).collect() }
}

fn tasks(node: &Value) -> ProseBlock {
    let item = |task: &Value| {
        let mark = if task["attrs"]["state"] == "DONE" { "[x] " } else { "[ ] " };
        let mut inner = blocks(task);
        if let Some(ProseBlock::Paragraph(text)) = inner.first_mut() {
            text.insert(0, ProseSpan::Text(mark.to_owned()));
        }
        inner
    };
    ProseBlock::List { start: None, items: content(node).iter().map(item).collect() }
}

fn row(node: &Value) -> Vec<ProseSpan> {
    let cells: Vec<String> = content(node).iter().map(|cell| render(&blocks(cell)).replace('\n', " ")).collect();
    vec![ProseSpan::Text(format!("| {} |", cells.join(" | ")))]
}

fn card(node: &Value) -> Option<ProseSpan> {
    let href = node["attrs"]["url"].as_str()?;
    Some(ProseSpan::Link { text: href.to_owned(), href: href.to_owned() })
}

fn line(node: &Value) -> Vec<ProseSpan> {
    let mut text = Vec::new();
    for part in content(node) {
        let word = |name: &str| part["attrs"][name].as_str().filter(|word| !word.is_empty()).map(|word| ProseSpan::Text(word.to_owned()));
        match part["type"].as_str().unwrap_or_default() {
            "text" => text.extend(part["text"].as_str().filter(|text| !text.is_empty()).map(|text| span(text, part))),
            "hardBreak" => text.push(ProseSpan::Break),
            "emoji" => text.extend(word("text").or_else(|| word("shortName"))),
            "inlineCard" => text.extend(card(part)),
            _ => text.extend(word("text")),
        }
    }
    text
}

fn span(text: &str, part: &Value) -> ProseSpan {
    let marks = part["marks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mark = |name: &str| marks.iter().find(|mark| mark["type"] == name);
    let href = mark("link").and_then(|link| link["attrs"]["href"].as_str()).filter(|href| is_address(href));
    if let Some(href) = href {
        return ProseSpan::Link { text: text.to_owned(), href: href.to_owned() };
    }
    if mark("code").is_some() {
        return ProseSpan::Code(text.to_owned());
    }
    // Bold around what our own writing cannot hold in bold stays plain.
    let bold = || matches!(&spans(&format!("**{text}**"))[..], [ProseSpan::Strong(inner)] if inner == text);
    if mark("strong").is_some() && bold() { ProseSpan::Strong(text.to_owned()) } else { ProseSpan::Text(text.to_owned()) }
}

#[cfg(test)]
mod tests;
