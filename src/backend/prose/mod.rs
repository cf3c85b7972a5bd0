//! Our texts (Markdown) as a tree, for trackers that keep texts in a form of their own. Pure.
//!
//! What is understood: paragraphs, headings, lists, quotations, fenced code, rules; bold, code and links within a line. Everything
//! else stays the text it is. A tracker's own form is made from the tree and read into it; [`render()`] writes Markdown again. A new
//! construct is a variant here, a case in [`parse`] and in [`render()`], and one in each tracker's form.

mod inline;
mod render;

pub use inline::{is_address, spans};
pub use render::render;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProseBlock {
    Paragraph(Vec<ProseSpan>),
    Heading {
        level: u8,
        text: Vec<ProseSpan>,
    },
    Code {
        language: String,
        text: String,
    },
    /// Holds paragraphs, lists and code only.
    Quote(Vec<ProseBlock>),
    /// Items hold paragraphs, lists and code only.
    List {
        /// The first number of an ordered one.
        start: Option<u32>,
        items: Vec<Vec<ProseBlock>>,
    },
    Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProseSpan {
    Text(String),
    Strong(String),
    Code(String),
    Link {
        text: String,
        href: String,
    },
    /// A new line within a paragraph.
    Break,
}

/// Deeper than this nothing is nested: what is written deeper is text.
const DEPTH: usize = 6;

#[must_use]
pub fn parse(text: &str) -> Vec<ProseBlock> {
    let lines: Vec<&str> = text.lines().collect();
    blocks(&lines, 0)
}

/// `depth` 0 is the top: only there stand headings, rules and quotations.
fn blocks(lines: &[&str], depth: usize) -> Vec<ProseBlock> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim().is_empty() {
            at += 1;
            continue;
        }
        let (block, used) = block(&lines[at..], depth);
        found.push(block);
        at += used;
    }
    found
}

/// The block that begins with the first line, and how many lines it takes.
fn block(lines: &[&str], depth: usize) -> (ProseBlock, usize) {
    fenced(lines)
        .or_else(|| if depth == 0 { heading(lines[0]).or_else(|| rule(lines[0])).map(|block| (block, 1)) } else { None })
        .or_else(|| if depth == 0 { quote(lines) } else { None })
        .or_else(|| if depth < DEPTH { list(lines, depth) } else { None })
        .unwrap_or_else(|| paragraph(lines, depth))
}

/// Lines of one piece of code: a hostile text takes no longer than others.
const CODE_LINES: usize = 2_000;

/// A fence that is never closed is text.
fn fenced(lines: &[&str]) -> Option<(ProseBlock, usize)> {
    let head = lines[0].trim_start();
    let mark = ["```", "~~~"].into_iter().find(|mark| head.starts_with(mark))?;
    let run = head.len() - head.trim_start_matches(&mark[..1]).len();
    let language = head[run..].trim();
    if language.contains('`') {
        return None;
    }
    let closes = |line: &&str| line.trim().len() >= run && line.trim().chars().all(|c| mark.starts_with(c));
    let end = 1 + lines[1..].iter().take(CODE_LINES).position(closes)?;
    let indent = lines[0].len() - head.len();
    let inner = lines[1..end].iter().map(|line| dedented(line, indent)).collect::<Vec<_>>().join("\n");
    Some((ProseBlock::Code { language: language.to_owned(), text: inner }, end + 1))
}

fn dedented(line: &str, indent: usize) -> &str {
    let spaces = line.len() - line.trim_start_matches(' ').len();
    &line[spaces.min(indent)..]
}

fn heading(line: &str) -> Option<ProseBlock> {
    let line = line.trim();
    let level = line.len() - line.trim_start_matches('#').len();
    let text = line[level..].strip_prefix(' ')?.trim();
    let level = u8::try_from(level).ok().filter(|level| (1..=6).contains(level))?;
    (!text.is_empty()).then(|| ProseBlock::Heading { level, text: spans(text) })
}

fn rule(line: &str) -> Option<ProseBlock> {
    let line = line.trim();
    (line.len() >= 3 && ["-", "*", "_"].iter().any(|mark| line.trim_matches(|c| mark.starts_with(c)).is_empty()))
        .then_some(ProseBlock::Rule)
}

fn quote(lines: &[&str]) -> Option<(ProseBlock, usize)> {
    let inner: Vec<&str> = lines.iter().map_while(|line| line.trim_start().strip_prefix('>')).collect();
    let used = inner.len();
    let inner: Vec<&str> = inner.into_iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    (used > 0).then(|| (ProseBlock::Quote(blocks(&inner, 1)), used))
}

/// How a line begins an item: how far in, whether numbered, and where its text begins.
struct ListBullet {
    indent: usize,
    number: Option<u32>,
    text: usize,
}

fn bullet(line: &str) -> Option<ListBullet> {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let rest = &line[indent..];
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mark = rest[digits..].chars().next()?;
    let number = match (digits, mark) {
        (0, '-' | '*' | '+') => None,
        (1..=9, '.' | ')') => Some(rest[..digits].parse().ok()?),
        _ => return None,
    };
    let tail = &rest[digits + 1..];
    let gap = tail.len() - tail.trim_start_matches(' ').len();
    (gap > 0 && !tail.trim().is_empty()).then_some(ListBullet { indent, number, text: indent + digits + 1 + gap })
}

fn list(lines: &[&str], depth: usize) -> Option<(ProseBlock, usize)> {
    let first = bullet(lines[0])?;
    let mut items = Vec::new();
    let mut at = 0;
    while let Some(head) = lines.get(at).and_then(|line| bullet(line)) {
        if head.number.is_some() != first.number.is_some() || head.indent > first.indent + 1 {
            break;
        }
        let used = item_length(&lines[at..], head.indent);
        let mut inner = vec![&lines[at][head.text..]];
        inner.extend(lines[at + 1..at + used].iter().map(|line| dedented(line, head.text)));
        items.push(blocks(&inner, depth + 1));
        at += used;
        // Items may stand apart.
        let blank = lines[at..].iter().take_while(|line| line.trim().is_empty()).count();
        if lines.get(at + blank).and_then(|line| bullet(line)).is_some_and(|next| next.number.is_some() == first.number.is_some()) {
            at += blank;
        }
    }
    Some((ProseBlock::List { start: first.number, items }, at))
}

/// An item goes on as long as its lines are further in than its mark, with empty lines between them.
fn item_length(lines: &[&str], indent: usize) -> usize {
    let inside = |line: &&str| line.len() - line.trim_start_matches(' ').len() >= indent + 2;
    let mut used = 1;
    for (n, line) in lines.iter().enumerate().skip(1) {
        if line.trim().is_empty() {
            continue;
        }
        if !inside(line) {
            break;
        }
        used = n + 1;
    }
    used
}

/// Up to an empty line, or one that begins something else. Takes at least one line.
fn paragraph(lines: &[&str], depth: usize) -> (ProseBlock, usize) {
    let ends = |at: usize| {
        let line = lines[at];
        line.trim().is_empty()
            || fenced(&lines[at..]).is_some()
            || depth < DEPTH && bullet(line).is_some()
            || depth == 0 && (heading(line).is_some() || rule(line).is_some() || line.trim_start().starts_with('>'))
    };
    let used = (1..lines.len()).find(|at| ends(*at)).unwrap_or(lines.len());
    let mut text = Vec::new();
    for line in &lines[..used] {
        if !text.is_empty() {
            text.push(ProseSpan::Break);
        }
        text.extend(spans(line.trim()));
    }
    (ProseBlock::Paragraph(text), used)
}

#[cfg(test)]
pub mod tests;
