//! What is understood of a text, and that of everything else nothing is lost.

use super::*;
use proptest::prelude::*;

/// Texts in which much of what is understood, and much of what is nearly so, comes up.
pub fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "- ",
        "  - ",
        "1. ",
        "7) ",
        "# ",
        "### ",
        "> ",
        "```\n",
        "```rust\n",
        "~~~\n",
        "---\n",
        "\n",
        "\n\n",
        "    ",
        "**",
        "*",
        "`",
        "``",
        "[a](https://e.org/x)",
        "[",
        "](",
        ")",
        "https://e.org/?a=b&c",
        "word ",
        "ünï ",
        "<b>",
        "&amp;",
        "\\",
        "{code}",
        "{quote}",
        "{{",
        "}}",
        "|",
        "_x_",
        " -x-",
        "+y+",
        "h1. ",
        "bq. ",
        "#",
        "!",
        "~",
        "^",
        "issue-core:7",
        " ",
        "z\n",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn text(text: &str) -> ProseSpan {
    ProseSpan::Text(text.to_owned())
}

#[test]
fn what_is_understood_becomes_a_tree_and_the_rest_stays_text() {
    let tree = parse(
        "## Head\n\none **bold** `code`\ntwo [x](https://e.org) *em*\n\n- a\n  1. b\n\n- c\n\n> q\n> - r\n\n```rs\nlet x;\n\n  y\n```\n---\nissue-core:7 · rule",
    );
    let paragraph = |line: &str| ProseBlock::Paragraph(vec![text(line)]);
    assert_eq!(
        tree,
        [
            ProseBlock::Heading { level: 2, text: vec![text("Head")] },
            ProseBlock::Paragraph(vec![
                text("one "),
                ProseSpan::Strong("bold".to_owned()),
                text(" "),
                ProseSpan::Code("code".to_owned()),
                ProseSpan::Break,
                text("two "),
                ProseSpan::Link { text: "x".to_owned(), href: "https://e.org".to_owned() },
                text(" *em*"),
            ]),
            ProseBlock::List {
                start: None,
                items: vec![
                    vec![paragraph("a"), ProseBlock::List { start: Some(1), items: vec![vec![paragraph("b")]] }],
                    vec![paragraph("c")]
                ],
            },
            ProseBlock::Quote(vec![paragraph("q"), ProseBlock::List { start: None, items: vec![vec![paragraph("r")]] }]),
            ProseBlock::Code { language: "rs".to_owned(), text: "let x;\n\n  y".to_owned() },
            ProseBlock::Rule,
            paragraph("issue-core:7 · rule"),
        ]
    );
}

#[test]
fn an_address_as_it_stands_is_a_link_and_a_script_is_none() {
    let link = |href: &str| ProseSpan::Link { text: href.to_owned(), href: href.to_owned() };
    assert_eq!(spans("see https://e.org/a?b=c."), [text("see "), link("https://e.org/a?b=c"), text(".")]);
    assert_eq!(spans("[x](javascript:alert)"), [text("[x](javascript:alert)")]);
    assert_eq!(spans("`a"), [text("`a")]);
}

#[test]
fn nothing_is_too_deep() {
    for mark in ["> ", "- ", "1. ", "  - "] {
        _ = render(&parse(&mark.repeat(5_000)));
    }
    let stairs = (0..300).fold(String::new(), |all, n| all + &"  ".repeat(n) + "- x\n");
    _ = render(&parse(&stairs));
}

proptest! {
    #[test]
    fn no_word_is_lost(source in texts()) {
        let words = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        // Only the number of a list's item is counted anew.
        let counted = |text: &str| words(text).replace(|c: char| c.is_ascii_digit(), "");
        prop_assert_eq!(counted(&render(&parse(&source))), counted(&source));
    }
}
