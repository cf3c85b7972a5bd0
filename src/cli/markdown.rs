//! Markdown for a terminal: what is common in issues, in the width there is. What it does not know it shows as text.

use console::{Style, measure_text_width};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::table::clean;

pub(super) fn render(text: &str, width: usize) -> String {
    let text = clean(text);
    let mut page = MarkdownPage { width: width.clamp(20, 100), ..MarkdownPage::default() };
    for event in Parser::new_ext(&text, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS) {
        page.take(event);
    }
    page.break_line();
    page.out.trim_end().to_owned()
}

#[derive(Default)]
struct MarkdownPage {
    width: usize,
    out: String,
    /// The words of the paragraph so far, each with its style; an empty one ends a line.
    words: Vec<String>,
    /// The next text belongs to the last word.
    glued: bool,
    looks: Vec<Style>,
    /// The numbers of the lists we are in; a list without numbers has none.
    lists: Vec<Option<u64>>,
    quotes: usize,
    in_code: bool,
    bullet: Option<String>,
    link: Option<String>,
}

impl MarkdownPage {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_code => self.code(&text),
            Event::Text(text)
            | Event::InlineHtml(text)
            | Event::Html(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.text(&text, None),
            Event::Code(text) => self.text(&text, Some(Style::new().cyan())),
            Event::SoftBreak => self.glued = false,
            Event::HardBreak => self.words.push(String::new()),
            Event::Rule => self.line(&"─".repeat(self.width.min(40))),
            Event::TaskListMarker(done) => self.text(if done { "☑ " } else { "☐ " }, None),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level: HeadingLevel::H1, .. } => self.block(Style::new().bold().underlined()),
            Tag::Heading { .. } => self.block(Style::new().bold()),
            Tag::Strong => self.looks.push(Style::new().bold()),
            Tag::Emphasis => self.looks.push(Style::new().italic()),
            Tag::Strikethrough => self.looks.push(Style::new().dim()),
            Tag::Paragraph if self.bullet.is_none() => self.blank(),
            Tag::BlockQuote(_) => {
                self.blank();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.break_line();
                self.blank();
                self.in_code = true;
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.is_empty()
                {
                    self.line(&Style::new().dim().apply_to(format!("  {language}")).to_string());
                }
            }
            Tag::List(first) => {
                self.break_line();
                if self.lists.is_empty() {
                    self.blank();
                }
                self.lists.push(first);
            }
            Tag::Item => self.bullet = Some(self.next_bullet()),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.link = Some(dest_url.to_string());
                self.looks.push(Style::new().underlined());
            }
            Tag::Paragraph
            | Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Table(_)
            | Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.break_line();
                self.looks.pop();
            }
            TagEnd::Strong | TagEnd::Emphasis | TagEnd::Strikethrough => _ = self.looks.pop(),
            TagEnd::Paragraph | TagEnd::Item => self.break_line(),
            TagEnd::BlockQuote(_) => self.quotes -= 1,
            TagEnd::CodeBlock => self.in_code = false,
            TagEnd::List(_) => _ = self.lists.pop(),
            TagEnd::Link | TagEnd::Image => {
                self.looks.pop();
                if let Some(url) = self.link.take().filter(|url| !self.words.last().is_some_and(|word| word.contains(url.as_str()))) {
                    self.glued = false;
                    self.text(&format!("({url})"), Some(Style::new().dim()));
                }
            }
            TagEnd::HtmlBlock
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Table
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::TableCell
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn block(&mut self, look: Style) {
        self.blank();
        self.looks.push(look);
    }

    fn next_bullet(&mut self) -> String {
        match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            Some(None) | None => "• ".to_owned(),
        }
    }

    fn text(&mut self, text: &str, look: Option<Style>) {
        let look = look.or_else(|| self.looks.last().cloned()).unwrap_or_default();
        let mut glued = self.glued && !text.starts_with(char::is_whitespace);
        for word in text.split_whitespace() {
            let word = look.apply_to(word).to_string();
            match self.words.last_mut() {
                Some(last) if glued && !last.is_empty() => last.push_str(&word),
                Some(_) | None => self.words.push(word),
            }
            glued = false;
        }
        self.glued = !text.ends_with(char::is_whitespace);
    }

    fn code(&mut self, text: &str) {
        for line in text.lines() {
            self.line(&Style::new().cyan().apply_to(format!("    {line}")).to_string());
        }
    }

    /// Writes the paragraph gathered so far.
    fn break_line(&mut self) {
        let words = std::mem::take(&mut self.words);
        self.glued = false;
        if words.is_empty() {
            return;
        }
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        let bullet = self.bullet.take();
        let hanging =
            indent.clone() + &" ".repeat(bullet.as_ref().map_or(if self.lists.is_empty() { 0 } else { 2 }, |b| b.chars().count()));
        let room = self.width.saturating_sub(hanging.len() + 2 * self.quotes).max(10);
        let mut line = bullet.map_or_else(|| hanging.clone(), |bullet| indent + &bullet);
        let mut used = 0;
        for word in words {
            let length = measure_text_width(&word);
            if word.is_empty() || (used > 0 && used + 1 + length > room) {
                self.line(&line);
                (line, used) = (hanging.clone(), 0);
            }
            if word.is_empty() {
                continue;
            }
            if used > 0 {
                line.push(' ');
            }
            line.push_str(&word);
            used += length + usize::from(used > 0);
        }
        self.line(&line);
    }

    fn line(&mut self, text: &str) {
        let bar = Style::new().dim().apply_to("│ ").to_string();
        self.out.push_str(&bar.repeat(self.quotes));
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_issues_are_written_in_becomes_plain_lines() {
        let text = "# Head\n\nSome *long* text with `code`, a [link](http://a.b) and words\nthat wrap.\n\n- one\n- two\n  1. deep\n\n> said\n\n```sh\nls -l\n```\n";
        let expected = "Head\n\nSome long text with code, a\nlink (http://a.b) and words\nthat wrap.\n\n• one\n• two\n  1. deep\n\n│ said\n\n  sh\n    ls -l";
        assert_eq!(render(text, 30), expected);
    }

    #[test]
    fn nothing_in_it_reaches_the_terminal_as_an_order() {
        assert_eq!(render("a\u{1b}[2Jb\u{9b}c", 40), "a[2Jbc");
    }
}
