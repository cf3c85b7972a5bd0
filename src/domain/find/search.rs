//! Words: how text is cut into them, what a search asks for, and which of two matches comes first.
//!
//! The databases receive words that were cut here, so that both find the same issues. No SQL here:
//! each dialect writes a [`SearchDocument`] and a [`TextQuery`] in its own way.

use serde::Serialize;

use crate::domain::base::fault::Faults;

/// A longer word is known by its beginning, in texts and in searches alike.
const MAX_WORD: usize = 64;

/// What lies further back in an issue's text and comments is not searched. (Postgres counts positions up to 16,383.)
const MAX_WORDS: usize = 16_000;

/// Text beyond this limit is not indexed. (Postgres holds a mebibyte of words for one row, with
/// their positions.)
const MAX_BYTES: usize = 512 << 10;

/// How many words and phrases one search may hold.
const MAX_TERMS: usize = 16;

/// Stands between two texts, so that no phrase reaches from one into the next. Never part of a word.
pub const BREAK: &str = "¶";

/// The words of an issue: lower-case, in order, a space between them and a [`BREAK`] between texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchDocument(String);

impl SearchDocument {
    #[must_use]
    pub fn new<'a>(title: &'a str, description: &'a str, comments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut document = String::with_capacity(title.len() + description.len() + 8);
        let mut room = MAX_WORDS;
        for text in [title, description].into_iter().chain(comments) {
            if room == 0 {
                break;
            }
            if !document.is_empty() {
                document.push(' ');
                document.push_str(BREAK);
                room -= 1;
            }
            append(&mut document, text, &mut room);
        }
        Self(document)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn words(&self) -> Vec<&str> {
        self.0.split(' ').collect()
    }
}

/// Appends the words of `text`, and counts them against `room`.
fn append(document: &mut String, text: &str, room: &mut usize) {
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if document.len() > MAX_BYTES {
            *room = 0;
        }
        if *room == 0 {
            return;
        }
        *room -= 1;
        if !document.is_empty() {
            document.push(' ');
        }
        if word.is_ascii() {
            let start = document.len();
            document.push_str(&word[..word.len().min(MAX_WORD)]);
            document[start..].make_ascii_lowercase();
        } else {
            document.extend(word.chars().take(MAX_WORD).flat_map(char::to_lowercase));
        }
    }
}

/// A search: every term must occur, anywhere in the texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextQuery {
    pub terms: Vec<SearchTerm>,
}

/// A word, or several in a row. `prefix`: the last one may go on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SearchTerm {
    pub words: Vec<String>,
    pub prefix: bool,
}

impl TextQuery {
    /// Words, `beginnings*` and `"phrases in quotes"`. What is written together, like `issue-core`, is a phrase too.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Faults> {
        if text.contains('\0') {
            return Err(Faults::one(pointer, "control_character", "must not contain the NUL character"));
        }
        let mut terms: Vec<SearchTerm> = chunks(text).filter_map(term).collect();
        terms.sort();
        terms.dedup();
        if terms.is_empty() {
            return Err(Faults::one(pointer, "blank", "must hold at least one word"));
        }
        if terms.len() > MAX_TERMS || terms.iter().any(|term| term.words.len() > MAX_TERMS) {
            let message = format!("must hold at most {MAX_TERMS} words and phrases, each phrase of at most {MAX_TERMS} words");
            return Err(Faults::one(pointer, "too_many", message));
        }
        Ok(Self { terms })
    }

    /// Whether the document answers the search. The databases say the same, by their indexes.
    #[must_use]
    pub fn matches(&self, document: &SearchDocument) -> bool {
        let words = document.words();
        self.terms.iter().all(|term| term.occurs_in(&words))
    }

    /// How good a match is: a term in the title outweighs one at the opening of the description, and that one any other.
    #[must_use]
    pub fn score(&self, title: &str, opening: &str) -> u32 {
        let (title, opening) = (SearchDocument::new(title, "", []), SearchDocument::new(opening, "", []));
        let (title, opening) = (title.words(), opening.words());
        let each = self.terms.iter().map(|term| match (term.occurs_in(&title), term.occurs_in(&opening)) {
            (true, _) => 8,
            (false, true) => 3,
            (false, false) => 1,
        });
        each.sum()
    }
}

/// The chunks between white space; what is in quotes is one chunk. A quote never closed runs to the end.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').enumerate().flat_map(|(n, part)| {
        let quoted = n % 2 == 1;
        let whole = quoted.then_some(part);
        let loose = (!quoted).then(|| part.split_whitespace());
        whole.into_iter().chain(loose.into_iter().flatten())
    })
}

fn term(chunk: &str) -> Option<SearchTerm> {
    let mut words = String::new();
    append(&mut words, chunk, &mut MAX_WORDS.clone());
    let words: Vec<String> = words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let prefix = chunk.ends_with('*') && chunk.trim_end_matches('*').ends_with(char::is_alphanumeric);
    (!words.is_empty()).then_some(SearchTerm { words, prefix })
}

impl SearchTerm {
    fn occurs_in(&self, words: &[&str]) -> bool {
        let Some((last, leading)) = self.words.split_last() else { return true };
        words.windows(self.words.len()).any(|window| {
            let end = window[leading.len()];
            let ends = if self.prefix { end.starts_with(last.as_str()) } else { end == last };
            ends && window.iter().zip(leading).all(|(word, wanted)| word == wanted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(text: &str) -> TextQuery {
        TextQuery::parse(text, "/q").unwrap()
    }

    fn matches(text: &str, title: &str, description: &str) -> bool {
        query(text).matches(&SearchDocument::new(title, description, ["and a comment"]))
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        assert_eq!(SearchDocument::new("Flag stale-SBOM, v2!", "ÄRGER  x", ["c"]).as_str(), "flag stale sbom v2 ¶ ärger x ¶ c");
        assert_eq!(SearchDocument::new("", "", []).as_str(), "");
        let long = "x".repeat(100);
        assert_eq!(SearchDocument::new(&long, "", []).as_str().split(' ').next().unwrap().len(), MAX_WORD);
        assert!(query(&long).matches(&SearchDocument::new(&long, "", [])));
    }

    #[test]
    fn every_term_must_occur_anywhere() {
        assert!(matches("stale comment", "A stale SBOM", "here"));
        assert!(!matches("stale missing", "A stale SBOM", "here"));
        assert!(matches("sta*", "A stale SBOM", "") && !matches("sta", "A stale SBOM", ""));
    }

    #[test]
    fn a_phrase_is_found_in_order_and_never_across_two_texts() {
        assert!(matches("\"stale sbom\"", "A stale SBOM", "") && !matches("\"sbom stale\"", "A stale SBOM", ""));
        assert!(matches("activity-core", "in activity-core", "") && !matches("activity-core", "core activity", ""));
        assert!(matches("activity-co*", "in activity-core", ""));
        assert!(!matches("\"sbom here\"", "A stale SBOM", "here"));
    }

    #[test]
    fn the_title_outweighs_the_opening_and_that_the_rest() {
        let score = |title, opening| query("sbom flag").score(title, opening);
        assert!(score("sbom flag", "") > score("sbom", "flag"));
        assert!(score("sbom", "flag") > score("sbom", ""));
        assert!(score("", "sbom") > score("", ""));
    }

    #[test]
    fn a_search_without_a_word_and_one_with_too_many_are_faults() {
        for blank in ["", " ", "\"\"", "-- **"] {
            assert_eq!(TextQuery::parse(blank, "q").unwrap_err().into_vec()[0].code, "blank", "{blank:?}");
        }
        let many = (0..20).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(TextQuery::parse(&many, "q").unwrap_err().into_vec()[0].code, "too_many");
    }

    proptest! {
        #[test]
        fn any_text_finds_itself(text in "\\PC{1,60}") {
            let document = SearchDocument::new(&text, "", []);
            prop_assert!(!document.as_str().contains("  "));
            let quoted = text.replace(['"', '*'], " ");
            if let Ok(query) = TextQuery::parse(&quoted, "q") {
                prop_assert!(query.matches(&document), "{:?} in {:?}", query, document);
            }
        }

        #[test]
        fn a_document_is_bounded(words in 0usize..40_000) {
            let text = "a ".repeat(words);
            prop_assert!(SearchDocument::new(&text, &text, [text.as_str()]).words().len() <= MAX_WORDS);
        }
    }
}
