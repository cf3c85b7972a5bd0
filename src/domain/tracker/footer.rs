//! The footer of a remote text, written and read: a rule, and a line that begins with our marker.
//!
//! The marker names our issue or comment, so that a creation is found again after a lost answer.

use std::fmt;

use uuid::Uuid;

use super::defuse::{INVISIBLE, TextRules, defused};
use crate::domain::issue::Issue;

/// Our id of an issue or comment, at the beginning of a line of the remote text. The push finds a
/// creation again by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker(String);

/// How every marker begins.
pub(super) const PREFIX: &str = "issue-core:";

impl Marker {
    /// Of an issue (part 1), a comment (part 1), or a further part of either.
    #[must_use]
    pub fn new(subject: Uuid, part: u16) -> Self {
        Self(if part <= 1 { format!("{PREFIX}{subject}") } else { format!("{PREFIX}{subject}/{part}") })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the issue or comment whose text this is, if the text contains a marker of ours.
    #[must_use]
    pub fn subject_in(text: &str) -> Option<Uuid> {
        let id = |line: &str| Uuid::try_parse(line.trim_start().strip_prefix(PREFIX)?.get(..36)?).ok();
        text.lines().find_map(id)
    }

    #[must_use]
    pub fn is_in_any(text: &str) -> bool {
        Self::subject_in(text).is_some()
    }

    /// Whether the text is the one that was sent with it. Only at the beginning of a line, so that a quotation is none.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let ends = |rest: &str| rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '/' && c != '-');
        text.lines().any(|line| line.trim_start().strip_prefix(&self.0).is_some_and(ends))
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The longest footer: a marker's line, and the empty line and rule above it.
pub(super) const FOOTER_MOST: usize = 600;

pub(super) fn with_footer(text: &str, footer: &str) -> String {
    let text = text.trim_end_matches('\n');
    if text.is_empty() { format!("---\n{footer}") } else { format!("{text}\n\n---\n{footer}") }
}

/// A text that was fitted, without the footer: for what was written there first, and is not ours to mark.
#[must_use]
pub fn without_footer(text: &str) -> &str {
    const RULE: &str = "---\n";
    let at = text.rfind(RULE).filter(|at| text[at + RULE.len()..].starts_with(PREFIX));
    at.map_or(text, |at| text[..at].trim_end())
}

/// Where it came from, on one line that begins with the marker: ours, the source, the trigger.
pub(super) fn footer_line(issue: &Issue, rules: TextRules) -> String {
    const EACH: usize = 120;
    let origin = &issue.origin;
    let source = [origin.source_type.map(|word| word.as_str().to_owned()), origin.source_id.clone()];
    let source: Vec<String> = source.into_iter().flatten().collect();
    let trigger = [origin.triggering_event_id.clone(), origin.activity_definition_id.clone()];
    let mut line = Marker::new(issue.id.0, 1).to_string();
    for part in [Some(source.join(" "))].into_iter().chain(trigger).flatten().filter(|part| !part.is_empty()) {
        line.push_str(" · ");
        line.push_str(&defused(&part.chars().take(EACH).collect::<String>(), rules));
    }
    line
}

/// A text without what we put into it: the footer with the rule above it, and what makes mentions harmless. Line ends and trailing
/// space are no difference either.
#[must_use]
pub fn without_our_footer(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    if let Some(at) = lines.iter().rposition(|line| is_footer(line)) {
        lines.remove(at);
        let above = lines[..at].iter().rposition(|line| !line.is_empty());
        if let Some(rule) = above.filter(|rule| is_rule(lines[*rule])) {
            lines.remove(rule);
        }
    }
    let text: String = lines.join("\n").chars().filter(|c| *c != INVISIBLE && *c != '\0').collect();
    text.trim_end().to_owned()
}

fn is_footer(line: &str) -> bool {
    let id = line.trim_start().strip_prefix(PREFIX).and_then(|rest| rest.get(..36));
    id.is_some_and(|id| Uuid::try_parse(id).is_ok())
}

fn is_rule(line: &str) -> bool {
    let marks = line.chars().filter(|c| !c.is_whitespace());
    line.len() >= 3 && ['-', '*', '_'].into_iter().any(|mark| marks.clone().all(|c| c == mark))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::tracker::defuse::Markup;

    const MARKUP: Markup = Markup { mentions: &['@'], references: &['#', '!'], keys: true };
    const RULES: TextRules = TextRules { markup: MARKUP, allow_mentions: false, allow_references: false, limit: None };

    #[test]
    fn a_marker_is_found_at_the_beginning_of_a_line_and_only_the_very_one() {
        let (id, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let marker = Marker::new(id, 1);
        assert!(marker.is_in(&format!("text\n\n---\n{marker} · rule x")));
        assert!(!marker.is_in(&format!("> {marker}")) && !marker.is_in(&format!("see {marker}")));
        assert!(!marker.is_in(Marker::new(id, 2).as_str()) && !marker.is_in(Marker::new(other, 1).as_str()));
        for text in [format!("{marker}"), format!("a\n  {marker}\n"), format!("```\n{marker}\n```")] {
            assert!(marker.is_in(&text) && !marker.is_in(&defused(&text, RULES)), "a text may not pretend to be another issue");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "[a-z -]{0,20}(\n[a-z*_-]{1,20}){0,4}", id in any::<u128>()) {
            let marked = with_footer(&text, Marker::new(Uuid::from_u128(id), 1).as_str());
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            let plain = lines.join("\n");
            prop_assert_eq!(without_our_footer(&marked), plain.trim_end());
        }
    }
}
