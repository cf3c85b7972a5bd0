//! The tree as Markdown.

use super::{ProseBlock, ProseSpan};

#[must_use]
pub fn render(blocks: &[ProseBlock]) -> String {
    blocks.iter().map(block).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn block(block: &ProseBlock) -> String {
    match block {
        ProseBlock::Paragraph(text) => line(text),
        ProseBlock::Heading { level, text } => format!("{} {}", "#".repeat(usize::from(*level)), line(text)),
        ProseBlock::Code { language, text } => {
            let fence = if text.contains("```") { "~~~" } else { "```" };
            let end = if text.is_empty() { "" } else { "\n" };
            format!("{fence}{language}\n{text}{end}{fence}")
        }
        ProseBlock::Quote(inner) => {
            let text = render(inner);
            let quoted: Vec<String> = text.lines().map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") }).collect();
            quoted.join("\n")
        }
        ProseBlock::List { start, items } => {
            let mark = |n: usize| start.map_or_else(|| "- ".to_owned(), |start| format!("{}. ", u64::from(start) + n as u64));
            items.iter().enumerate().map(|(n, inner)| item(&mark(n), inner)).collect::<Vec<_>>().join("\n")
        }
        ProseBlock::Rule => "---".to_owned(),
    }
}

fn item(mark: &str, inner: &[ProseBlock]) -> String {
    let mut text = String::new();
    for (n, part) in inner.iter().enumerate() {
        if n > 0 {
            let apart =
                matches!((&inner[n - 1], part), (ProseBlock::Paragraph(_), ProseBlock::Paragraph(_)) | (ProseBlock::List { .. }, _));
            text.push_str(if apart { "\n\n" } else { "\n" });
        }
        text.push_str(&block(part));
    }
    let indent = " ".repeat(mark.len());
    let mut lines = text.lines();
    let mut item = format!("{mark}{}", lines.next().unwrap_or_default());
    for line in lines {
        item.push('\n');
        if !line.is_empty() {
            item.push_str(&indent);
            item.push_str(line);
        }
    }
    item
}

fn line(spans: &[ProseSpan]) -> String {
    spans.iter().map(span).collect()
}

fn span(span: &ProseSpan) -> String {
    match span {
        ProseSpan::Text(text) => text.clone(),
        ProseSpan::Strong(text) => format!("**{text}**"),
        ProseSpan::Code(text) => {
            let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
            let ticks = "`".repeat(longest + 1);
            let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
            format!("{ticks}{pad}{text}{pad}{ticks}")
        }
        ProseSpan::Link { text, href } if text == href => href.clone(),
        ProseSpan::Link { text, href } => format!("[{text}]({href})"),
        ProseSpan::Break => "\n".to_owned(),
    }
}
