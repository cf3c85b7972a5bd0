//! HTML, in which Azure DevOps keeps texts. Pure.
//!
//! Written plainly; read tolerantly: what the editor there writes (`div`, `span`, styles) is seen through, scripts are left out.

use std::collections::VecDeque;

use crate::backend::prose::{ProseBlock, ProseSpan, is_address, parse, render, spans};

/// Our text as HTML.
pub(super) fn from_markdown(text: &str) -> String {
    parse(text).iter().map(block).collect()
}

/// HTML as our text.
pub(super) fn to_markdown(html: &str) -> String {
    let mut reader = HtmlReader { tokens: tokens(html), open: 0 };
    render(&reader.blocks(&[]))
}

/// Whether a text that says nothing of its form is HTML: the editor puts everything into tags.
pub(super) fn is_html(text: &str) -> bool {
    tokens(text).iter().any(|token| matches!(token, HtmlToken::Open { .. } | HtmlToken::Close(_)))
}

fn block(block: &ProseBlock) -> String {
    match block {
        ProseBlock::Paragraph(text) => format!("<p>{}</p>", line(text)),
        ProseBlock::Heading { level, text } => format!("<h{level}>{}</h{level}>", line(text)),
        ProseBlock::Code { language, text } if language.is_empty() => format!("<pre><code>{}</code></pre>", escaped(text)),
        ProseBlock::Code { language, text } => {
            format!("<pre><code class=\"language-{}\">{}</code></pre>", escaped(language), escaped(text))
        }
        ProseBlock::Quote(inner) => format!("<blockquote>{}</blockquote>", inner.iter().map(self::block).collect::<String>()),
        ProseBlock::List { start, items } => {
            let items = items.iter().fold(String::new(), |all, inner| all + "<li>" + &item(inner) + "</li>");
            match start {
                None => format!("<ul>{items}</ul>"),
                Some(1) => format!("<ol>{items}</ol>"),
                Some(start) => format!("<ol start=\"{start}\">{items}</ol>"),
            }
        }
        ProseBlock::Rule => "<hr>".to_owned(),
    }
}

/// A paragraph alone needs no tag of its own.
fn item(inner: &[ProseBlock]) -> String {
    match inner {
        [ProseBlock::Paragraph(text)] => line(text),
        [ProseBlock::Paragraph(text), list @ ProseBlock::List { .. }] => format!("{}{}", line(text), block(list)),
        inner => inner.iter().map(block).collect(),
    }
}

fn line(text: &[ProseSpan]) -> String {
    let span = |span: &ProseSpan| match span {
        ProseSpan::Text(text) => escaped(text),
        ProseSpan::Strong(text) => format!("<strong>{}</strong>", escaped(text)),
        ProseSpan::Code(text) => format!("<code>{}</code>", escaped(text)),
        ProseSpan::Link { text, href } => format!("<a href=\"{}\">{}</a>", escaped(href), escaped(text)),
        ProseSpan::Break => "<br>".to_owned(),
    };
    text.iter().map(span).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HtmlToken {
    Open { name: String, attributes: String },
    Close(String),
    Text(String),
}

/// A `<` that begins no tag is text.
fn tokens(html: &str) -> VecDeque<HtmlToken> {
    let mut found = VecDeque::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (before, tail) = rest.split_at(start);
        push_text(&mut found, before);
        if let Some(comment) = tail.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let (token, used) = tag(tail).unwrap_or_else(|| (HtmlToken::Text("<".to_owned()), 1));
        rest = &tail[used..];
        if let HtmlToken::Open { name, .. } = &token
            && ["script", "style"].contains(&name.as_str())
        {
            rest = end_of(rest, name).map_or("", |end| &rest[end..]);
        }
        found.push_back(token);
    }
    push_text(&mut found, rest);
    found
}

/// Where that tag is closed.
fn end_of(text: &str, name: &str) -> Option<usize> {
    let closes =
        |at: usize| text.as_bytes().get(at + 2..at + 2 + name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    text.match_indices("</").map(|(at, _)| at).find(|at| closes(*at))
}

fn push_text(found: &mut VecDeque<HtmlToken>, text: &str) {
    if !text.is_empty() {
        found.push_back(HtmlToken::Text(unescaped(text)));
    }
}

fn tag(text: &str) -> Option<(HtmlToken, usize)> {
    /// A tag with everything in it.
    const LONGEST: usize = 4_000;
    let (slash, inner) = text[1..].strip_prefix('/').map_or((false, &text[1..]), |inner| (true, inner));
    let length = inner.len() - inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).len();
    let ends = inner[length..].starts_with([' ', '\t', '\n', '\r', '/', '>']);
    if !ends || !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let mut quote = None;
    let end = inner.char_indices().take(LONGEST).skip(length).find_map(|(at, c)| {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None | Some(_), _) => {}
        }
        None
    })?;
    let name = inner[..length].to_ascii_lowercase();
    let used = 1 + usize::from(slash) + end + 1;
    Some((if slash { HtmlToken::Close(name) } else { HtmlToken::Open { name, attributes: inner[length..end].to_owned() } }, used))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(end, _)| end);
        let (c, used) = end.and_then(|end| Some((entity(&rest[1..end])?, end + 1))).unwrap_or(('&', 1));
        out.push(c);
        rest = &rest[used..];
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        number => {
            let number = number.strip_prefix('#')?;
            let hex = number.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16).ok());
            char::from_u32(hex.unwrap_or_else(|| number.parse().ok())?).filter(|c| *c != '\0')?
        }
    })
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let (_, rest) = attributes.split_once(&format!("{name}="))?;
    let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c));
    let value = match quote {
        Some(quote) => rest[1..].split(quote).next(),
        None => rest.split_whitespace().next(),
    };
    value.map(unescaped)
}

/// What a tag begins.
enum HtmlPiece {
    Block(ProseBlock),
    /// Nothing by itself, but the end of the paragraph before it.
    Border,
    /// What stands within a line.
    Inline,
}

struct HtmlReader {
    tokens: VecDeque<HtmlToken>,
    /// How deep what is read lies in lists and quotations.
    open: usize,
}

/// Deeper than this nothing is nested: what is deeper is read as if it were not.
const DEPTH: usize = 8;

/// What begins or ends a paragraph and is nothing by itself.
const CONTAINERS: &[&str] = &["p", "div", "section", "article", "table", "tbody", "thead", "tr", "html", "body", "details", "summary"];

impl HtmlReader {
    /// Up to one of these ends, which is taken, or the end of everything.
    fn blocks(&mut self, ends: &[&str]) -> Vec<ProseBlock> {
        let mut found = Vec::new();
        let mut text = Vec::new();
        while let Some(token) = self.tokens.pop_front() {
            match token {
                HtmlToken::Close(name) if ends.contains(&name.as_str()) => break,
                // An item that was never closed ends where the next one begins.
                HtmlToken::Open { name, attributes } if name == "li" && ends.contains(&"li") => {
                    self.tokens.push_front(HtmlToken::Open { name, attributes });
                    break;
                }
                HtmlToken::Close(name) if ends.contains(&"li") && ["ul", "ol"].contains(&name.as_str()) => {
                    self.tokens.push_front(HtmlToken::Close(name));
                    break;
                }
                HtmlToken::Open { name, attributes } => match self.block(&name, &attributes) {
                    HtmlPiece::Block(block) => {
                        flush(&mut found, &mut text);
                        found.push(block);
                    }
                    HtmlPiece::Border => flush(&mut found, &mut text),
                    HtmlPiece::Inline => self.inline(&name, &attributes, &mut text),
                },
                HtmlToken::Close(name) if CONTAINERS.contains(&name.as_str()) => flush(&mut found, &mut text),
                HtmlToken::Close(_) => {}
                HtmlToken::Text(words) => push_words(&mut text, &words),
            }
        }
        flush(&mut found, &mut text);
        found
    }

    fn block(&mut self, name: &str, attributes: &str) -> HtmlPiece {
        let block = match name {
            "hr" => Some(ProseBlock::Rule),
            "pre" => Some(self.code()),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes()[1] - b'0';
                let text = self.line(name);
                (!text.is_empty()).then_some(ProseBlock::Heading { level, text })
            }
            "blockquote" | "ul" | "ol" if self.open >= DEPTH => None,
            "blockquote" => {
                self.open += 1;
                let inner = self.blocks(&["blockquote"]);
                self.open -= 1;
                (!inner.is_empty()).then_some(ProseBlock::Quote(inner))
            }
            "ul" | "ol" => {
                self.open += 1;
                let start = (name == "ol").then(|| attribute(attributes, "start").and_then(|start| start.parse().ok()).unwrap_or(1));
                let items = self.items(name);
                self.open -= 1;
                (!items.is_empty()).then_some(ProseBlock::List { start, items })
            }
            name if CONTAINERS.contains(&name) => None,
            _ => return HtmlPiece::Inline,
        };
        block.map_or(HtmlPiece::Border, HtmlPiece::Block)
    }

    fn items(&mut self, list: &str) -> Vec<Vec<ProseBlock>> {
        let mut items = Vec::new();
        while let Some(token) = self.tokens.pop_front() {
            match token {
                HtmlToken::Close(name) if name == list => break,
                HtmlToken::Open { name, .. } if name == "li" => items.push(self.blocks(&["li"])),
                // A list straight within a list belongs to the item above it.
                HtmlToken::Open { name, attributes } if ["ul", "ol"].contains(&name.as_str()) => {
                    if let HtmlPiece::Block(nested) = self.block(&name, &attributes) {
                        match items.last_mut() {
                            Some(item) => item.push(nested),
                            None => items.push(vec![nested]),
                        }
                    }
                }
                HtmlToken::Open { .. } | HtmlToken::Close(_) => {}
                HtmlToken::Text(words) if words.trim().is_empty() => {}
                HtmlToken::Text(words) => items.push(vec![ProseBlock::Paragraph(spans(words.trim()))]),
            }
        }
        items
    }

    fn code(&mut self) -> ProseBlock {
        let mut language = String::new();
        let mut text = String::new();
        while let Some(token) = self.tokens.pop_front() {
            match token {
                HtmlToken::Close(name) if name == "pre" => break,
                HtmlToken::Open { name, .. } if name == "br" => text.push('\n'),
                HtmlToken::Open { name, attributes } if name == "code" => {
                    let class = attribute(&attributes, "class").unwrap_or_default();
                    class.strip_prefix("language-").unwrap_or_default().clone_into(&mut language);
                }
                HtmlToken::Open { .. } | HtmlToken::Close(_) => {}
                HtmlToken::Text(words) => text.push_str(&words),
            }
        }
        ProseBlock::Code { language, text: text.trim_end_matches('\n').to_owned() }
    }

    fn inline(&mut self, name: &str, attributes: &str, text: &mut Vec<ProseSpan>) {
        match name {
            "br" => text.push(ProseSpan::Break),
            "strong" | "b" => {
                let words = self.words(name);
                let bold = matches!(&spans(&format!("**{words}**"))[..], [ProseSpan::Strong(inner)] if *inner == words);
                if bold { text.push(ProseSpan::Strong(words)) } else { push_words(text, &words) }
            }
            "code" => {
                let words = self.words(name);
                if !words.is_empty() {
                    text.push(ProseSpan::Code(words));
                }
            }
            "a" => {
                let words = self.words(name);
                match attribute(attributes, "href").filter(|href| is_address(href)) {
                    Some(href) if !words.trim().is_empty() => text.push(ProseSpan::Link { text: words, href }),
                    Some(_) | None => push_words(text, &words),
                }
            }
            "td" | "th" => text.push(ProseSpan::Text("| ".to_owned())),
            _ => {}
        }
    }

    /// What stands in a heading, which is one line.
    fn line(&mut self, end: &str) -> Vec<ProseSpan> {
        let mut text = Vec::new();
        while let Some(token) = self.tokens.pop_front() {
            match token {
                HtmlToken::Close(name) if name == end || CONTAINERS.contains(&name.as_str()) => break,
                HtmlToken::Open { name, .. } if name == "br" => push_words(&mut text, " "),
                HtmlToken::Open { name, attributes } => self.inline(&name, &attributes, &mut text),
                HtmlToken::Close(_) => {}
                HtmlToken::Text(words) => push_words(&mut text, &words),
            }
        }
        let mut found = Vec::new();
        flush(&mut found, &mut text);
        match found.pop() {
            Some(ProseBlock::Paragraph(text)) => text,
            Some(_) | None => Vec::new(),
        }
    }

    /// All words up to the end of the tag, or of the line if it is never closed.
    fn words(&mut self, name: &str) -> String {
        let mut all = String::new();
        while let Some(token) = self.tokens.pop_front() {
            match token {
                HtmlToken::Close(end) if end == name => break,
                HtmlToken::Open { name, attributes } if CONTAINERS.contains(&name.as_str()) => {
                    self.tokens.push_front(HtmlToken::Open { name, attributes });
                    break;
                }
                HtmlToken::Close(end) if CONTAINERS.contains(&end.as_str()) => {
                    self.tokens.push_front(HtmlToken::Close(end));
                    break;
                }
                HtmlToken::Open { name, .. } if name == "br" => all.push(' '),
                HtmlToken::Open { .. } | HtmlToken::Close(_) => {}
                HtmlToken::Text(words) => all.push_str(&words.replace(['\n', '\r'], " ")),
            }
        }
        all
    }
}

/// As a browser does: any white space is one space, and none at the beginning of a line.
fn push_words(text: &mut Vec<ProseSpan>, words: &str) {
    let joined = words.split([' ', '\n', '\r', '\t']).fold(String::new(), |mut all, word| {
        if !all.is_empty() && !all.ends_with(' ') {
            all.push(' ');
        }
        all.push_str(word);
        all
    });
    let lead = if words.starts_with([' ', '\n', '\r', '\t']) && !matches!(text.last(), None | Some(ProseSpan::Break)) { " " } else { "" };
    let words = format!("{lead}{joined}");
    if !words.trim().is_empty() || !lead.is_empty() {
        text.push(ProseSpan::Text(words));
    }
}

fn flush(found: &mut Vec<ProseBlock>, text: &mut Vec<ProseSpan>) {
    let blank = |span: &ProseSpan| *span == ProseSpan::Break || matches!(span, ProseSpan::Text(words) if words.trim().is_empty());
    while text.last().is_some_and(blank) {
        text.pop();
    }
    let lead = text.iter().take_while(|span| blank(span)).count();
    let line: Vec<ProseSpan> = text.drain(..).skip(lead).collect();
    if !line.is_empty() {
        found.push(ProseBlock::Paragraph(line));
    }
}

#[cfg(test)]
mod tests;
