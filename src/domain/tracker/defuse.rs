//! Texts on their way into a tracker: mentions, references and foreign markers are made harmless, and long texts are cut.
//!
//! A part is never cut within a character, and the parts are the text again.

use super::footer::PREFIX;

/// Stands after the character that would have made a mention or a reference. Renderers show nothing for it.
pub(in crate::domain) const INVISIBLE: char = '\u{200b}';

/// Which markup makes a tracker notify users or link issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Markup {
    /// Characters that make a mention when a name follows: `@`.
    pub mentions: &'static [char],
    /// Characters that make a reference when a number follows: `#`, `!`.
    pub references: &'static [char],
    /// `ABC-123` is a reference.
    pub keys: bool,
}

/// What the settings allow in texts that go to one tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRules {
    pub markup: Markup,
    pub allow_mentions: bool,
    pub allow_references: bool,
    /// Characters.
    pub limit: Option<usize>,
}

/// The text with mentions, references and foreign markers made harmless, outside of code.
///
/// Line ends become one character. Some trackers delete a lone carriage return before they search
/// for commands, so a command could hide behind one.
#[must_use]
pub fn defused(text: &str, rules: TextRules) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(text.len());
    let mut fence: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let head = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| head.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark && head.trim_end().chars().all(|c| mark.starts_with(c)) => fence = None,
            (None, None) => {
                defuse_line(line, rules, &mut out);
                continue;
            }
            (Some(_), _) => {}
        }
        // In code nothing is a mention; but a line of ours must not be read as a marker even there.
        push_unmarked(line, &mut out);
    }
    out
}

/// The text as it was before it was [`defused`].
#[must_use]
pub fn harmful(text: &str) -> String {
    text.replace(INVISIBLE, "")
}

fn push_unmarked(line: &str, out: &mut String) {
    let indent = line.len() - line.trim_start().len();
    if line[indent..].starts_with(PREFIX) {
        out.push_str(&line[..indent]);
        out.push_str("issue-core");
        out.push(INVISIBLE);
        out.push_str(&line[indent + "issue-core".len()..]);
    } else {
        out.push_str(line);
    }
}

/// One line outside of fences: spans between back quotes are left as they are.
fn defuse_line(line: &str, rules: TextRules, out: &mut String) {
    let mut marked = String::with_capacity(line.len());
    push_unmarked(line, &mut marked);
    let mut rest = marked.as_str();
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        if c == '`' {
            let run = rest.len() - rest.trim_start_matches('`').len();
            let (ticks, after) = rest.split_at(run);
            // Without its end a run of back quotes is no code.
            let span = closing(after, ticks).map_or(run, |end| run + end);
            out.push_str(&rest[..span]);
            rest = &rest[span..];
            before = '`';
            continue;
        }
        let tail = &rest[c.len_utf8()..];
        out.push(c);
        if is_sigil(c, before, tail, rules) {
            out.push(INVISIBLE);
        }
        before = c;
        rest = tail;
    }
}

/// Where, behind the opening run, a run of just as many back quotes ends.
fn closing(text: &str, ticks: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let run = text[start..].len() - text[start..].trim_start_matches('`').len();
        at = start + run;
        if run == ticks.len() {
            return Some(at);
        }
    }
    None
}

fn is_sigil(c: char, before: char, tail: &str, rules: TextRules) -> bool {
    let next = tail.chars().next();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mention = !rules.allow_mentions
        && rules.markup.mentions.contains(&c)
        && !word(before)
        && next.is_some_and(|c| word(c) || "[<{\"".contains(c));
    let references = !rules.allow_references;
    let reference = references && rules.markup.references.contains(&c) && next.is_some_and(|c| c.is_ascii_digit());
    // `ABC-12` and GitHub's `GH-12`: between the letters and the number.
    let key = references && rules.markup.keys && c == '-' && before.is_ascii_uppercase() && next.is_some_and(|c| c.is_ascii_digit());
    mention || reference || key
}

/// The text in parts that each fit the limit together with a footer of that many characters. Cut at the end of a line where there is one
/// in the second half, else anywhere between two characters.
#[must_use]
pub fn parts(text: &str, limit: Option<usize>, footer: usize) -> Vec<&str> {
    let Some(limit) = limit else { return vec![text] };
    let room = limit.saturating_sub(footer).max(1);
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((end, _)) = rest.char_indices().nth(room) {
        let line = rest[..end].rfind('\n').map(|at| at + 1).filter(|at| *at >= end / 2);
        let (part, tail) = rest.split_at(line.unwrap_or(end));
        parts.push(part);
        rest = tail;
    }
    parts.push(rest);
    parts
}

/// The first part alone, and how many there are.
#[must_use]
pub fn first_part(text: &str, limit: Option<usize>, footer: usize) -> (&str, usize) {
    let parts = parts(text, limit, footer);
    (parts[0], parts.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MARKUP: Markup = Markup { mentions: &['@'], references: &['#', '!'], keys: true };
    const RULES: TextRules = TextRules { markup: MARKUP, allow_mentions: false, allow_references: false, limit: None };

    fn plain(text: &str) -> String {
        defused(text, RULES).replace(INVISIBLE, "·")
    }

    #[test]
    fn mentions_and_references_are_made_harmless_outside_of_code() {
        assert_eq!(plain("ask @ann, not a@b.org"), "ask @·ann, not a@b.org");
        assert_eq!(plain("fixes #12 and acme/tools#3, see !4, GH-5 and A1-5"), "fixes #·12 and acme/tools#·3, see !·4, GH-·5 and A1-5");
        assert_eq!(plain("`@ann #1` @bob"), "`@ann #1` @·bob");
        assert_eq!(plain("`` @ann ` `` @bob ` @eve"), "`` @ann ` `` @·bob ` @·eve", "a run without its end is no code");
        assert_eq!(plain("```\n@ann\n```\n@bob\n"), "```\n@ann\n```\n@·bob\n");
        assert_eq!(plain("~~~ sh\n```\n@ann\n~~~\n@bob"), "~~~ sh\n```\n@ann\n~~~\n@·bob");
        let allowed = TextRules { allow_mentions: true, allow_references: true, ..RULES };
        assert_eq!(defused("@ann #1 A-1", allowed), "@ann #1 A-1");
    }

    /// GitLab deletes carriage returns before it searches for quick actions, so `/` and `\rclose`
    /// would be a command.
    #[test]
    fn no_command_hides_behind_a_carriage_return() {
        assert_eq!(plain("a\r\n/\rconfidential\r"), "a\n/\nconfidential\n");
        assert_eq!(plain("```\r\n@ann\r\n```\r@bob"), "```\n@ann\n```\n@·bob");
    }

    proptest! {
        #[test]
        fn defusing_adds_nothing_but_invisible_characters_and_is_done_once(text in "[a-z@#!`~ 0-9A-Z\n-]{0,80}") {
            let once = defused(&text, RULES);
            prop_assert_eq!(once.replace(INVISIBLE, ""), text);
            prop_assert_eq!(defused(&once, RULES), once);
        }

        #[test]
        fn parts_fit_and_are_the_text_again(text in "\\PC{0,60}|[a\n]{0,200}", limit in 5usize..50, footer in 0usize..4) {
            let cut = parts(&text, Some(limit), footer);
            prop_assert_eq!(cut.concat(), text.clone());
            prop_assert!(cut.iter().all(|part| part.chars().count() + footer <= limit));
            prop_assert_eq!(first_part(&text, Some(limit), footer), (cut[0], cut.len()));
        }
    }
}
