//! A pattern with `*` (anything, also nothing) and `?` (one character). Everything else stands for itself, ignoring case.

use std::fmt;

use crate::domain::base::text::fold;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    text: String,
    folded: Vec<char>,
}

impl Glob {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), folded: fold(text).chars().collect() }
    }

    /// In time of pattern times text at most: only the last star is ever tried again.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text): (_, Vec<char>) = (&self.folded, fold(text).chars().collect());
        let (mut p, mut t, mut star) = (0, 0, None);
        while t < text.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(c) if *c == '?' || *c == text[t] => {
                    p += 1;
                    t += 1;
                }
                Some(_) | None => match star {
                    Some((at, from)) => {
                        star = Some((at, from + 1));
                        p = at + 1;
                        t = from + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, without any cleverness.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|n| plainly(rest, &text[n..])),
            Some((c, rest)) => text.first().is_some_and(|t| *c == '?' || c == t) && plainly(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_its_definition_says(pattern in "[ab*?]{0,7}", text in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Glob::new(&pattern).matches(&text), plainly(&chars(&pattern), &chars(&text)));
        }
    }

    #[test]
    fn case_does_not_count() {
        assert!(Glob::new("Activity-*").matches("activity-CORE"));
        assert!(!Glob::new("activity").matches("activity-core"));
    }
}
