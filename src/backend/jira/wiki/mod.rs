//! Jira's wiki text, in which Data Center keeps texts. Pure.
//!
//! Everything that would mean something there and is meant as text is escaped. Read tolerantly: what is not known stays text.

use std::borrow::Cow;

use crate::backend::prose::{ProseBlock, ProseSpan, is_address, parse, render, spans as markdown_spans};

/// Our text as wiki text.
pub(super) fn from_markdown(text: &str) -> String {
    let blocks: Vec<String> = parse(text).iter().map(block).collect();
    blocks.join("\n\n")
}

/// Wiki text as our text.
pub(super) fn to_markdown(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    render(&blocks(&lines, 0))
}

/// Those that the code macro knows; another one would show an error instead of the code.
const LANGUAGES: &[&str] = &[
    "bash",
    "c",
    "cpp",
    "css",
    "erlang",
    "go",
    "groovy",
    "haskell",
    "html",
    "java",
    "javascript",
    "json",
    "lua",
    "perl",
    "php",
    "python",
    "r",
    "ruby",
    "scala",
    "sql",
    "swift",
    "xml",
    "yaml",
];

fn block(block: &ProseBlock) -> String {
    match block {
        ProseBlock::Paragraph(text) => lines(text),
        ProseBlock::Heading { level, text } => format!("h{level}. {}", line(text, Start::Within)),
        ProseBlock::Code { language, text } => code(language, text),
        ProseBlock::Quote(inner) => {
            let inner: Vec<String> = inner.iter().map(self::block).collect();
            format!("{{quote}}\n{}\n{{quote}}", inner.join("\n\n"))
        }
        ProseBlock::List { .. } => {
            let mut out = Vec::new();
            list(block, "", &mut out);
            out.join("\n")
        }
        ProseBlock::Rule => "----".to_owned(),
    }
}

/// Whatever the text contains, the block does not end before its end.
fn code(beside: &str, text: &str) -> String {
    let text = with_beside(beside, text);
    let text = text.replace("{noformat}", "{no format}").replace("{code}", "{co de}").replace("{quote}", "{quo te}");
    let language = beside.to_lowercase();
    if LANGUAGES.contains(&&*language) {
        format!("{{code:{language}}}\n{text}\n{{code}}")
    } else {
        format!("{{noformat}}\n{text}\n{{noformat}}")
    }
}

/// Text beside a fence that cannot be the name of a language was written by a user: it becomes the
/// first line.
fn with_beside<'a>(beside: &str, text: &'a str) -> Cow<'a, str> {
    if beside.chars().all(|c| c.is_alphanumeric() || "+#-_.".contains(c)) { text.into() } else { format!("{beside}\n{text}").into() }
}

/// An item is one line there, with forced breaks within; what is nested carries the marks of all lists around it.
fn list(block: &ProseBlock, around: &str, out: &mut Vec<String>) {
    let ProseBlock::List { start, items } = block else { return };
    let marks = format!("{around}{}", if start.is_some() { '#' } else { '*' });
    for inner in items {
        let mut texts = Vec::new();
        let mut nested = Vec::new();
        for part in inner {
            match part {
                ProseBlock::Paragraph(text) => texts.push(line(text, Start::Within)),
                ProseBlock::Code { language, text } => {
                    texts.push(
                        with_beside(language, text).lines().map(|line| escaped(line, Start::Within)).collect::<Vec<_>>().join("\\\\ "),
                    );
                }
                ProseBlock::List { .. } => list(part, &marks, &mut nested),
                ProseBlock::Heading { .. } | ProseBlock::Quote(_) | ProseBlock::Rule => {}
            }
        }
        // One that holds a list alone has no line of its own: there is nothing to stand on it.
        if !texts.is_empty() {
            out.push(format!("{marks} {}", texts.join("\\\\ ")));
        }
        out.append(&mut nested);
    }
}

/// A paragraph: each line on its own, none of which may begin something.
fn lines(text: &[ProseSpan]) -> String {
    let parts: Vec<String> = text.split(|span| *span == ProseSpan::Break).map(|part| line(part, Start::OfLine)).collect();
    parts.join("\n")
}

/// Where a text begins. At the start of a line a sign may begin a list or a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    OfLine,
    Within,
}

fn line(text: &[ProseSpan], start: Start) -> String {
    let mut out = String::new();
    for span in text {
        let start = if out.is_empty() { start } else { Start::Within };
        let written = match span {
            ProseSpan::Text(text) => escaped(text, start),
            ProseSpan::Strong(text) => format!("*{}*", escaped(text, Start::Within)),
            ProseSpan::Code(text) => format!("{{{{{}}}}}", escaped(text, Start::Within)),
            ProseSpan::Link { text, href } if text == href => href.clone(),
            ProseSpan::Link { text, href } => format!("[{}|{href}]", escaped(text, Start::Within)),
            ProseSpan::Break => "\\\\ ".to_owned(),
        };
        out.push_str(&written);
    }
    out
}

/// `begins`: it stands at the beginning of a line, where more has a meaning.
fn escaped(text: &str, start: Start) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        let word_begins = !before.is_alphanumeric() && next.is_some_and(|next| !next.is_whitespace());
        let special = "{}[]*_|^~!".contains(c) || "-+?".contains(c) && word_begins || start == Start::OfLine && at == 0 && "#-".contains(c);
        // `h1.` and `bq.` begin a line; a full stop is said by its number then.
        let head = start == Start::OfLine && c == '.' && matches!(&text[..at], "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "bq");
        match (special, head) {
            (true, _) => out.extend(['\\', c]),
            (false, true) => out.push_str("&#46;"),
            // Two of them would be a new line.
            (false, false) if c == '\\' => out.push_str("&#92;"),
            (false, false) if c == '&' && text[at..].starts_with("&#") => out.push_str("&#38;"),
            (false, false) => out.push(c),
        }
        before = c;
    }
    out
}

/// Nested deeper than this, a quotation is text.
const DEPTH: usize = 4;

fn blocks(lines: &[&str], depth: usize) -> Vec<ProseBlock> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim();
        if line.is_empty() {
            at += 1;
        } else if line.len() >= 4 && line.bytes().all(|b| b == b'-') {
            found.push(ProseBlock::Rule);
            at += 1;
        } else if let Some(text) = line.strip_prefix("bq. ") {
            found.push(ProseBlock::Quote(vec![ProseBlock::Paragraph(spans(text))]));
            at += 1;
        } else if let Some((level, text)) = heading(line) {
            found.push(ProseBlock::Heading { level, text: spans(text) });
            at += 1;
        } else if let Some((macro_block, used)) = fenced(&lines[at..], depth) {
            found.push(macro_block);
            at += used;
        } else if marks(line).is_some() {
            let used = lines[at..].iter().take_while(|line| marks(line.trim()).is_some()).count();
            let items: Vec<(&str, &str)> = lines[at..at + used].iter().filter_map(|line| marks(line.trim())).collect();
            found.extend(lists(&items, 0));
            at += used;
        } else {
            let used = 1 + lines[at + 1..].iter().take_while(|line| !begins(line.trim())).count();
            let mut text = Vec::new();
            for line in &lines[at..at + used] {
                if !text.is_empty() {
                    text.push(ProseSpan::Break);
                }
                text.extend(spans(line.trim()));
            }
            found.push(ProseBlock::Paragraph(text));
            at += used;
        }
    }
    found
}

/// Whether a line ends the paragraph above it.
fn begins(line: &str) -> bool {
    line.is_empty()
        || line.starts_with("----")
        || line.starts_with("bq. ")
        || ["{code", "{noformat", "{quote"].iter().any(|head| line.starts_with(head))
        || heading(line).is_some()
        || marks(line).is_some()
}

fn heading(line: &str) -> Option<(u8, &str)> {
    let (level, text) = line.strip_prefix('h')?.split_once(". ")?;
    let level = level.parse().ok().filter(|level| (1..=6).contains(level))?;
    Some((level, text.trim()))
}

/// A macro around lines: code, text as it is, a quotation. Without its end it is text.
fn fenced(lines: &[&str], depth: usize) -> Option<(ProseBlock, usize)> {
    let head = lines[0].trim().strip_prefix('{')?.strip_suffix('}')?;
    let (name, parameters) = head.split_once(':').unwrap_or((head, ""));
    if !["code", "noformat", "quote"].contains(&name) || name == "quote" && depth >= DEPTH {
        return None;
    }
    let end = format!("{{{name}}}");
    let length = lines[1..].iter().position(|line| line.trim() == end)?;
    let inner = &lines[1..=length];
    let block = if name == "quote" {
        ProseBlock::Quote(blocks(inner, depth + 1))
    } else {
        let language = parameters.split('|').find(|part| !part.contains('=')).unwrap_or_default();
        ProseBlock::Code { language: language.to_owned(), text: inner.join("\n") }
    };
    Some((block, length + 2))
}

/// The marks of a list's line, and its text.
fn marks(line: &str) -> Option<(&str, &str)> {
    let (marks, text) = line.split_once(' ')?;
    let fits = (1..=8).contains(&marks.len()) && (marks.bytes().all(|b| b"*#".contains(&b)) || marks == "-");
    (fits && !text.trim().is_empty()).then(|| (marks, text.trim()))
}

/// The lists that the lines make at that depth: a line with more marks belongs to the item above it.
fn lists(lines: &[(&str, &str)], depth: usize) -> Vec<ProseBlock> {
    let kind = |marks: &str| marks.as_bytes().get(depth).copied();
    let mut found: Vec<ProseBlock> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let (marks, text) = lines[at];
        let ordered = kind(marks) == Some(b'#');
        let deeper = lines[at + 1..].iter().take_while(|(marks, _)| marks.len() > depth + 1).count();
        let mut item = if marks.len() > depth + 1 { lists(&lines[at..=at], depth + 1) } else { item_text(text) };
        item.extend(lists(&lines[at + 1..=at + deeper], depth + 1));
        match found.last_mut() {
            Some(ProseBlock::List { start, items }) if start.is_some() == ordered => items.push(item),
            _ => found.push(ProseBlock::List { start: ordered.then_some(1), items: vec![item] }),
        }
        at += deeper + 1;
    }
    found
}

fn item_text(text: &str) -> Vec<ProseBlock> {
    vec![ProseBlock::Paragraph(spans(text))]
}

/// What stands within a line. Addresses as they stand are found as in our own writing.
fn spans(line: &str) -> Vec<ProseSpan> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let whole = match c {
            '{' => between(rest, "{{", "}}").map(|(inner, used)| (ProseSpan::Code(unescaped(inner)), used)),
            '*' => between(rest, "*", "*")
                .filter(|(inner, _)| inner.trim() == *inner)
                .map(|(inner, used)| (ProseSpan::Strong(unescaped(inner)), used)),
            '[' => link(rest),
            '\\' if rest.starts_with("\\\\") => Some((ProseSpan::Break, if rest.starts_with("\\\\ ") { 3 } else { 2 })),
            _ => None,
        };
        if let Some((span, used)) = whole {
            found.extend(text(&std::mem::take(&mut plain)));
            found.push(span);
            rest = &rest[used..];
            continue;
        }
        let escaped = c == '\\' && rest[1..].starts_with(|next: char| next.is_ascii_punctuation());
        let end = if escaped { 2 } else { c.len_utf8() };
        plain.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    found.extend(text(&plain));
    found
}

/// Plain text, in which an address as it stands is a link.
fn text(raw: &str) -> Vec<ProseSpan> {
    let plain = unescaped(raw);
    let links = |span: &ProseSpan| matches!(span, ProseSpan::Text(_)) || matches!(span, ProseSpan::Link { text, href } if text == href);
    let found = markdown_spans(&plain);
    if found.iter().all(links) { found } else { vec![ProseSpan::Text(plain)] }
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, usize)> {
    const NEAR: usize = 2_000;
    let inner = text.strip_prefix(open)?;
    let mut escaped = false;
    for (at, c) in inner.char_indices().take(NEAR) {
        if !escaped && at > 0 && inner[at..].starts_with(close) {
            return Some((&inner[..at], open.len() + at + close.len()));
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

fn link(text: &str) -> Option<(ProseSpan, usize)> {
    let (inner, used) = between(text, "[", "]")?;
    let (label, href) = inner.rsplit_once('|').unwrap_or((inner, inner));
    is_address(href).then(|| (ProseSpan::Link { text: unescaped(label), href: href.to_owned() }, used))
}

/// What is said by its number, since a backslash before it would not do.
const ENTITIES: &[(&str, char)] = &[("&#38;", '&'), ("&#46;", '.'), ("&#92;", '\\')];

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\\' && rest[1..].starts_with(|next: char| next.is_ascii_punctuation()) {
            rest = &rest[1..];
        } else if let Some((c, tail)) = ENTITIES.iter().find_map(|(name, c)| Some((*c, rest.strip_prefix(name)?))) {
            out.push(c);
            rest = tail;
            continue;
        }
        let c = rest.chars().next().unwrap_or(c);
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests;
