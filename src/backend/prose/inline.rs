//! What stands within a line: bold, code, links. What is not whole stays text.

use super::ProseSpan;

#[must_use]
pub fn spans(line: &str) -> Vec<ProseSpan> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let bare_may_begin = !plain.chars().next_back().is_some_and(char::is_alphanumeric);
        let special = match c {
            '`' => code(near(rest)),
            '*' => strong(near(rest)),
            '[' => link(near(rest)),
            'h' if bare_may_begin => bare(near(rest)),
            _ => None,
        };
        if let Some((span, used)) = special {
            push_text(&mut found, &mut plain);
            found.push(span);
            rest = &rest[used..];
        } else {
            // A run of back quotes is one thing: its tail does not open anything either.
            let run = if c == '`' { rest.len() - rest.trim_start_matches('`').len() } else { c.len_utf8() };
            plain.push_str(&rest[..run]);
            rest = &rest[run..];
        }
    }
    push_text(&mut found, &mut plain);
    found
}

/// How far the search for an end within a line goes: a hostile line takes no longer than others.
const NEAR: usize = 2_000;

fn near(text: &str) -> &str {
    let end = (0..=NEAR.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    &text[..end]
}

fn push_text(found: &mut Vec<ProseSpan>, plain: &mut String) {
    if !plain.is_empty() {
        found.push(ProseSpan::Text(std::mem::take(plain)));
    }
}

fn code(text: &str) -> Option<(ProseSpan, usize)> {
    let run = text.len() - text.trim_start_matches('`').len();
    let mut at = run;
    loop {
        let start = at + text[at..].find('`')?;
        let length = text[start..].len() - text[start..].trim_start_matches('`').len();
        at = start + length;
        if length == run {
            let inner = &text[run..start];
            let padded = inner.strip_prefix(' ').and_then(|inner| inner.strip_suffix(' '));
            let inner = padded.filter(|inner| inner.starts_with('`') || inner.ends_with('`')).unwrap_or(inner);
            return Some((ProseSpan::Code(inner.to_owned()), at));
        }
    }
}

fn strong(text: &str) -> Option<(ProseSpan, usize)> {
    let inner = text.strip_prefix("**")?;
    let end = inner.find("**")?;
    let inner = &inner[..end];
    let fits = !inner.is_empty() && inner.trim() == inner && !inner.contains(['*', '`', '[', ']']);
    fits.then(|| (ProseSpan::Strong(inner.to_owned()), end + 4))
}

fn link(text: &str) -> Option<(ProseSpan, usize)> {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (href, _) = rest.split_once(')')?;
    let fits = !label.trim().is_empty() && !label.contains(['[', ']', '`', '*']) && is_address(href);
    fits.then(|| (ProseSpan::Link { text: label.to_owned(), href: href.to_owned() }, label.len() + href.len() + 4))
}

/// An address as it stands.
fn bare(text: &str) -> Option<(ProseSpan, usize)> {
    let end = text.find(|c: char| c.is_whitespace() || "<>\"()[]{}|`*\\^".contains(c)).unwrap_or(text.len());
    let href = text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'']);
    is_address(href).then(|| (ProseSpan::Link { text: href.to_owned(), href: href.to_owned() }, href.len()))
}

/// Only what leads to a page or a person, and can stand in any form without harm.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let rest = ["https://", "http://", "mailto:"].iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"()[]{}|`*\\^".contains(c))
}
