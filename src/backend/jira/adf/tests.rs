//! Documents there and back, of ours and of what people make.

use super::*;
use crate::backend::canonical::settled;
use crate::backend::prose::tests::texts;
use proptest::prelude::*;

#[test]
fn a_text_is_written_as_a_document_and_read_back() {
    let text = "one **bold** `code`\n[x](https://e.org)\n\n- a\n  1. b\n\n```rs\nlet x;\n```\n\n---\n\nissue-core:7 · rule";
    let document = from_markdown(text);
    assert_eq!(
        document["content"][0]["content"],
        json!([{"type": "text", "text": "one "}, {"type": "text", "text": "bold", "marks": [{"type": "strong"}]}, {"type": "text", "text": " "},
            {"type": "text", "text": "code", "marks": [{"type": "code"}]}, {"type": "hardBreak"},
            {"type": "text", "text": "x", "marks": [{"type": "link", "attrs": {"href": "https://e.org"}}]}])
    );
    assert_eq!(document["content"][3], json!({"type": "rule"}));
    assert_eq!(to_markdown(&document), text);
}

#[test]
fn of_what_we_never_write_the_text_is_kept() {
    let paragraph = |text: &str| json!({"type": "paragraph", "content": [{"type": "text", "text": text}]});
    let document = json!({"type": "doc", "version": 1, "content": [
        {"type": "panel", "attrs": {"panelType": "info"}, "content": [paragraph("in a panel")]},
        {"type": "paragraph", "content": [{"type": "mention", "attrs": {"id": "5b10", "text": "@Ann"}}, {"type": "text", "text": " said "},
            {"type": "emoji", "attrs": {"shortName": ":smile:"}}, {"type": "text", "text": "slanted", "marks": [{"type": "em"}]}]},
        {"type": "taskList", "content": [{"type": "taskItem", "attrs": {"state": "DONE"}, "content": [{"type": "text", "text": "done"}]}]},
        {"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableHeader", "content": [paragraph("a")]}, {"type": "tableCell", "content": [paragraph("b")]}]}]},
        {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "7"}}]},
        {"type": "paragraph", "content": [{"type": "inlineCard", "attrs": {"url": "https://e.org/1"}}]},
        {"type": "paragraph", "content": []},
    ]});
    assert_eq!(to_markdown(&document), "in a panel\n\n@Ann said :smile:slanted\n\n- [x] done\n\n| a | b |\n\nhttps://e.org/1");
    assert_eq!(to_markdown(&json!("plain")), "plain");
    assert_eq!(to_markdown(&Value::Null), "");
}

#[test]
fn a_script_behind_a_link_is_left_behind() {
    let document = json!({"content": [{"type": "paragraph", "content": [{"type": "text", "text": "x", "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}]}]}]});
    assert_eq!(to_markdown(&document), "x");
}

/// What the vendor's schema asks of the nodes that we write.
fn assert_valid(node: &Value, parent: &str) {
    let kind = node["type"].as_str().unwrap();
    let allowed: &[&str] = match parent {
        "doc" => &["paragraph", "heading", "codeBlock", "blockquote", "bulletList", "orderedList", "rule"],
        "blockquote" | "listItem" => &["paragraph", "codeBlock", "bulletList", "orderedList"],
        "bulletList" | "orderedList" => &["listItem"],
        "codeBlock" => &["text"],
        _ => &["text", "hardBreak"],
    };
    assert!(allowed.contains(&kind), "{kind} in {parent}");
    assert!(kind != "text" || node["text"].as_str().is_some_and(|text| !text.is_empty()));
    assert!(!["blockquote", "listItem", "bulletList", "orderedList"].contains(&kind) || !content(node).is_empty(), "an empty {kind}");
    for child in content(node) {
        assert_valid(child, kind);
    }
}

/// A text as it comes to rest.
fn form(text: &str) -> String {
    settled(text, way)
}

fn way(text: &str) -> String {
    to_markdown(&from_markdown(text))
}

proptest! {
    #[test]
    fn what_comes_back_has_the_form_of_what_was_sent(text in texts()) {
        let once = form(&text);
        prop_assert_eq!(form(&way(&text)), once.clone());
        prop_assert_eq!(form(&once), once);
    }

    #[test]
    fn every_document_is_valid_and_is_the_text_again(text in texts()) {
        let document = from_markdown(&text);
        for node in content(&document) {
            assert_valid(node, "doc");
        }
        prop_assert_eq!(to_markdown(&document), render(&parse(&text)));
    }
}
