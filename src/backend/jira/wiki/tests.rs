//! Wiki text there and back, and that nothing of ours means something there.

use super::*;
use crate::backend::canonical::settled;
use crate::backend::prose::tests::texts;
use proptest::prelude::*;

#[test]
fn a_text_is_written_as_wiki_text_and_read_back() {
    let text = "## Head\n\none **bold** `a*b`\n[x](https://e.org) https://e.org/a_b\n\n- a\n  1. b\n- c\n\n> q\n\n```json\n{}\n```\n\n---\n\nissue-core:7 · rule";
    let wiki = from_markdown(text);
    assert_eq!(
        wiki,
        "h2. Head\n\none *bold* {{a\\*b}}\n[x|https://e.org] https://e.org/a_b\n\n* a\n*# b\n* c\n\n{quote}\nq\n{quote}\n\n{code:json}\n{}\n{code}\n\n----\n\nissue-core:7 · rule"
    );
    assert_eq!(to_markdown(&wiki), text);
}

#[test]
fn what_would_mean_something_there_is_escaped() {
    assert_eq!(from_markdown("{code} [~ann] !x.png! *em* a-b -c- h1. x"), "\\{code\\} \\[\\~ann\\] \\!x.png\\! \\*em\\* a-b \\-c- h1. x");
    assert_eq!(from_markdown("h1. x"), "h1&#46; x");
    assert_eq!(to_markdown("h1&#46; x \\[y\\]"), "h1. x [y]");
    assert!(!from_markdown("```\n{noformat}\n[~ann]\n```").contains("{noformat}\n[~ann]"), "code does not end before its end");
}

#[test]
fn what_stands_beside_a_fence_and_names_no_language_is_kept() {
    assert_eq!(way("```https://e.org/?a=b~~~\n```"), "```\nhttps://e.org/?a=b~~~\n\n```");
    assert!(way("- ```https://e.org/?a=b~~~\n  x\n  ```").contains("https://e.org/?a=b"), "in an item, too");
    assert_eq!(way("```brainf\nx\n```"), "```\nx\n```", "a language that is not known there");
}

#[test]
fn what_people_write_there_is_read() {
    assert_eq!(
        to_markdown("bq. said\r\n\r\n# one\r\n## two\r\n- dash\r\n{code:title=x.py|python}\r\nx\r\n{code}"),
        "> said\n\n1. one\n   1. two\n\n- dash\n\n```python\nx\n```"
    );
    assert_eq!(to_markdown("{panel}\nx _y_ +z+\n{panel}"), "{panel}\nx _y_ +z+\n{panel}");
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
    fn no_word_is_lost_on_the_way_there_and_back(text in texts()) {
        let words = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
        // The languages that are not known there are left out, and code cannot hold the end of code.
        let plain = text.replace("rust", "");
        prop_assert_eq!(words(&to_markdown(&from_markdown(&plain))), words(&plain));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[*#\\-{}\\[\\]|\\\\a \n:quotecodh1.]{0,80}|\\PC{0,40}") {
        _ = to_markdown(&text);
    }
}
