//! HTML there and back, of ours and of the editor there.

use super::*;
use crate::backend::canonical::settled;
use crate::backend::prose::tests::texts;
use proptest::prelude::*;

#[test]
fn a_text_is_written_as_html_and_read_back() {
    let text = "## Head\n\none **bold** `a<b`\n[x](https://e.org?a=1&b=2) & https://e.org\n\n- a\n  3. b\n- c\n\n> q\n\n```rust\nlet x;\n\n  <y>\n```\n\n---\n\nissue-core:7 · rule";
    let html = from_markdown(text);
    assert_eq!(
        html,
        "<h2>Head</h2><p>one <strong>bold</strong> <code>a&lt;b</code><br><a href=\"https://e.org?a=1&amp;b=2\">x</a> &amp; <a href=\"https://e.org\">https://e.org</a></p>\
         <ul><li>a<ol start=\"3\"><li>b</li></ol></li><li>c</li></ul><blockquote><p>q</p></blockquote><pre><code class=\"language-rust\">let x;\n\n  &lt;y&gt;</code></pre>\
         <hr><p>issue-core:7 · rule</p>"
    );
    assert_eq!(to_markdown(&html), text);
}

#[test]
fn what_the_editor_there_writes_is_read() {
    let html = "<div>one&nbsp;<b>bold</b>&#39;s</div>\n<div><br></div><div><span style=\"color:red\">two</span><br>three</div><ul><li>a<li>b</ul><script>alert('<b>')</script>\
                <p><a href='javascript:alert(1)'>bad</a> 1 < 2</p><!-- <p>no</p> --><table><tr><td>x</td><td>y</td></tr></table>";
    assert_eq!(to_markdown(html), "one **bold**'s\n\ntwo\nthree\n\n- a\n- b\n\nbad 1 < 2\n\n| x| y");
}

#[test]
fn html_is_distinguished_from_plain_text() {
    assert!(is_html("<div>x</div>") && is_html("a<br>b"));
    assert!(!is_html("1 < 2 and 3 > 2") && !is_html("**bold** <https://e.org>x") && !is_html("&amp;"));
}

#[test]
fn nothing_is_too_deep_or_too_long() {
    for tag in ["<ul><li>", "<blockquote>", "<div>", "<b>", "<", "<a href=\"", "<p"] {
        _ = to_markdown(&tag.repeat(5_000));
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
    fn no_word_is_lost_on_the_way_there_and_back(text in texts()) {
        let words = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(words(&to_markdown(&from_markdown(&text))), words(&render(&parse(&text))));
    }

    #[test]
    fn no_text_makes_the_reader_panic(html in "(<[/a-z!]{0,4}|[ \"'=>&;#x0-9]|\\PC|<ul>|<li>|</li>|</ul>|<pre>|<br>){0,40}") {
        _ = to_markdown(&html);
        _ = is_html(&html);
    }
}
