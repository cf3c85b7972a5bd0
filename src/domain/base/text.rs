//! The limits of each text field, and the one function that checks them.
//!
//! NUL is refused everywhere (Postgres cannot store it). To add a field, add its [`TextRule`] here.

use super::fault::Faults;
use super::input::{Input, JsonType};

/// The rule of one text field. Lengths count characters, not bytes, and white space that will be folded away too.
#[derive(Debug, Clone, Copy)]
pub struct TextRule {
    pub max: usize,
    pub shape: TextShape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextShape {
    /// One line: runs of white space become one space, both ends are trimmed, control characters are refused.
    Line,
    /// Free text, kept to the letter; only NUL is refused.
    Text,
    /// A bare slug: letters, digits, `.`, `_` and `-`.
    Slug,
}

pub const TITLE: TextRule = TextRule { max: 512, shape: TextShape::Line };
pub const DESCRIPTION: TextRule = TextRule { max: 1 << 20, shape: TextShape::Text };
pub const COMMENT: TextRule = TextRule { max: 256 << 10, shape: TextShape::Text };
pub const REASON: TextRule = TextRule { max: 2_000, shape: TextShape::Text };
pub const LABEL: TextRule = TextRule { max: 100, shape: TextShape::Line };
pub const ASSIGNEE: TextRule = TextRule { max: 100, shape: TextShape::Line };
pub const MILESTONE: TextRule = TextRule { max: 200, shape: TextShape::Line };
pub const TARGET_REPO: TextRule = TextRule { max: 100, shape: TextShape::Slug };
pub const TRACE_FIELD: TextRule = TextRule { max: 512, shape: TextShape::Line };
/// One part of where something lies in a tracker.
pub const PLACE_PART: TextRule = TextRule { max: 200, shape: TextShape::Line };
pub const TARGET: TextRule = TextRule { max: 100, shape: TextShape::Line };
pub const PLACE: TextRule = TextRule { max: 512, shape: TextShape::Line };
pub const HOLDER: TextRule = TextRule { max: 100, shape: TextShape::Line };
/// How many labels, and how many assignees, one issue may carry.
pub const MAX_LABELS: usize = 100;
pub const MAX_ASSIGNEES: usize = 20;

/// `.` and `..` mean a folder or the folder above it, in every path and URL.
#[must_use]
pub fn is_dots(part: &str) -> bool {
    matches!(part, "." | "..")
}

impl TextRule {
    /// The text as it will be stored, or what is wrong with it (code, message).
    pub fn check(self, text: &str) -> Result<String, (&'static str, String)> {
        if text.contains('\0') {
            return Err(("control_character", "must not contain the NUL character".to_owned()));
        }
        // As it was sent, so that a caller can know beforehand. The byte length bounds the character count, so the common short text
        // is not counted.
        if text.len() > self.max {
            let length = text.chars().count();
            if length > self.max {
                return Err(("too_long", format!("must be at most {} characters, this has {length}", self.max)));
            }
        }
        let kept = match self.shape {
            TextShape::Text => text.to_owned(),
            TextShape::Slug => text.trim().to_owned(),
            TextShape::Line => one_line(text),
        };
        if self.shape == TextShape::Line && kept.chars().any(char::is_control) {
            return Err(("control_character", "must not contain control characters".to_owned()));
        }
        if self.shape == TextShape::Slug && !kept.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            return Err((
                "not_a_slug",
                "may hold only letters, digits, '.', '_' and '-' (a bare repository name, without its owner)".to_owned(),
            ));
        }
        if self.shape == TextShape::Slug && is_dots(&kept) {
            return Err(("not_a_slug", "may not be '.' or '..', which mean a folder in a path".to_owned()));
        }
        Ok(kept)
    }

    /// [`Self::check`], and blank is a fault too.
    pub fn check_present(self, text: &str) -> Result<String, (&'static str, String)> {
        let kept = self.check(text)?;
        if kept.trim().is_empty() { Err(("blank", "must not be blank".to_owned())) } else { Ok(kept) }
    }
}

/// Runs of white space become one space, both ends are trimmed.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Reports a wrong type at `pointer`; hands on what was right. `null` counts as absent.
pub fn typed<T: JsonType>(input: Input<T>, pointer: &str, faults: &mut Faults) -> Option<T> {
    match input {
        Input::Absent | Input::Null => None,
        Input::Value(value) => Some(value),
        Input::WrongType(found) => {
            faults.add(pointer, "wrong_type", format!("must be {}, this is {found}", T::NAME));
            None
        }
    }
}

/// A text that may be empty; absent and `null` are empty too.
pub fn kept(input: Input<String>, pointer: &str, rule: TextRule, faults: &mut Faults) -> String {
    let text = typed(input, pointer, faults).unwrap_or_default();
    rule.check(&text).unwrap_or_else(|(code, message)| {
        faults.add(pointer, code, message);
        String::new()
    })
}

/// An optional text: blank counts as absent.
pub fn optional(input: Input<String>, pointer: &str, rule: TextRule, faults: &mut Faults) -> Option<String> {
    let text = typed(input, pointer, faults)?;
    match rule.check(&text) {
        Ok(kept) if kept.trim().is_empty() => None,
        Ok(kept) => Some(kept),
        Err((code, message)) => {
            faults.add(pointer, code, message);
            None
        }
    }
}

/// A text that must be there and must not be blank. After a fault the answer is an empty string.
pub fn required(input: Input<String>, pointer: &str, rule: TextRule, faults: &mut Faults) -> String {
    let text = match input {
        Input::Absent | Input::Null => {
            faults.add(pointer, "missing", "is required");
            return String::new();
        }
        other @ (Input::Value(_) | Input::WrongType(_)) => typed(other, pointer, faults),
    };
    let Some(text) = text else { return String::new() };
    rule.check_present(&text).unwrap_or_else(|(code, message)| {
        faults.add(pointer, code, message);
        String::new()
    })
}

/// A set of short texts: trimmed, the first spelling of each (ignoring case) kept, in the order given.
pub fn set(input: Input<Vec<Input<String>>>, pointer: &str, rule: TextRule, most: usize, faults: &mut Faults) -> Vec<String> {
    let items = typed(input, pointer, faults).unwrap_or_default();
    // As they were sent, so that a caller can know beforehand.
    if items.len() > most {
        faults.add(pointer, "too_many", format!("must hold at most {most} entries"));
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::with_capacity(items.len());
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        let at = format!("{pointer}/{n}");
        if matches!(item, Input::Null) {
            faults.add(at, "wrong_type", format!("must be {}, this is null", String::NAME));
            continue;
        }
        let Some(text) = typed(item, &at, faults) else { continue };
        match rule.check_present(&text) {
            Ok(text) if seen.insert(fold(&text)) => kept.push(text),
            Ok(_) => {}
            Err((code, message)) => faults.add(at, code, message),
        }
    }
    kept
}

/// The form under which two spellings of a label count as one.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_folded_and_text_is_kept_to_the_letter() {
        assert_eq!(TITLE.check("  a\n b\t c ").unwrap(), "a b c");
        assert_eq!(DESCRIPTION.check(" a\r\n b ").unwrap(), " a\r\n b ");
        assert_eq!(TITLE.check("a\u{7}b").unwrap_err().0, "control_character");
        assert_eq!(DESCRIPTION.check("a\0").unwrap_err().0, "control_character");
        for traversal in ["owner/repo", ".", "..", " .. "] {
            assert_eq!(TARGET_REPO.check(traversal).unwrap_err().0, "not_a_slug", "{traversal:?}");
        }
        assert_eq!(TARGET_REPO.check("...").unwrap(), "...");
        assert_eq!(TITLE.check(&"é".repeat(512)).unwrap().chars().count(), 512);
        assert_eq!(TITLE.check(&"é".repeat(513)).unwrap_err().0, "too_long");
    }

    proptest! {
        #[test]
        fn a_kept_text_is_within_its_rule_and_checking_again_changes_nothing(text in "\\PC{0,600}|[\\x00-\\x20a]{0,600}") {
            for rule in [TITLE, LABEL, REASON, TARGET_REPO] {
                if let Ok(kept) = rule.check(&text) {
                    prop_assert!(kept.chars().count() <= rule.max);
                    prop_assert!(!kept.contains('\0'));
                    let again = rule.check(&kept);
                    prop_assert_eq!(again.as_deref(), Ok(kept.as_str()));
                }
            }
        }

        #[test]
        fn a_set_keeps_order_and_holds_no_two_spellings_of_one_label(labels in prop::collection::vec("[ aAbB]{0,3}", 0..20)) {
            let mut faults = Faults::default();
            let input = Input::Value(labels.iter().cloned().map(Input::Value).collect());
            let kept = set(input, "/labels", LABEL, MAX_LABELS, &mut faults);
            let folded: Vec<_> = kept.iter().map(|label| fold(label)).collect();
            let unique: std::collections::HashSet<_> = folded.iter().collect();
            prop_assert_eq!(unique.len(), kept.len());
            let blank = labels.iter().filter(|label| label.trim().is_empty()).count();
            prop_assert_eq!(faults.iter().count(), blank);
            let mut expected = Vec::new();
            for label in labels.iter().map(|label| fold(&one_line(label))).filter(|label| !label.is_empty()) {
                if !expected.contains(&label) { expected.push(label); }
            }
            prop_assert_eq!(folded, expected);
        }
    }
}
