//! How Linear writes a text anew: its editor keeps a tree, not the letters. Pure.
//!
//! Only equal renderings get one form: the mark of a list's items, rules, addresses in angle
//! brackets, runs of empty lines. Nothing within code.

use crate::backend::canonical::plain;

/// The form that all ways of writing a text have in common.
pub(super) fn form(text: &str) -> String {
    let text = plain(text);
    let mut out: Vec<String> = Vec::new();
    let mut fence: Option<&str> = None;
    for line in text.trim_start_matches('\n').split('\n') {
        let mark = mark(line);
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if mark.starts_with(open) && line.trim().chars().all(|c| open.starts_with(c)) => fence = None,
            (None, None) => {
                if !line.is_empty() || out.last().is_some_and(|before| !before.is_empty()) {
                    out.push(self::line(line));
                }
                continue;
            }
            (Some(_), _) => {}
        }
        out.push(line.to_owned());
    }
    out.join("\n")
}

/// The run of marks with which a line of code's fence begins.
fn mark(line: &str) -> Option<&str> {
    let head = line.trim_start();
    let run = ["`", "~"].iter().map(|mark| head.len() - head.trim_start_matches(mark).len()).max()?;
    (run >= 3).then(|| &head[..run])
}

fn line(line: &str) -> String {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let (space, rest) = line.split_at(indent);
    if rest.len() >= 3 && ["*", "_", "-"].iter().any(|mark| rest.trim_matches(|c| mark.starts_with(c)).is_empty()) {
        return format!("{space}---");
    }
    let item = ["* ", "+ "].iter().find_map(|mark| rest.strip_prefix(mark));
    match item {
        Some(item) => format!("{space}- {}", addresses(item)),
        None => format!("{space}{}", addresses(rest)),
    }
}

/// `<https://e.org>` is `https://e.org`, outside of code.
fn addresses(line: &str) -> String {
    if line.contains('`') {
        return line.to_owned();
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("<http") {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let end = tail.find(['>', ' ']).filter(|end| tail[*end..].starts_with('>'));
        let (written, used) = match end.filter(|end| crate::backend::prose::is_address(&tail[1..*end])) {
            Some(end) => (&tail[1..end], end + 1),
            None => ("<", 1),
        };
        out.push_str(written);
        rest = &tail[used..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::prose::tests::texts;
    use proptest::prelude::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        let ours = "# Head\n\n- a\n  - b\n\n---\n\nsee https://e.org";
        assert_eq!(form("# Head\r\n\r\n\r\n* a\n  + b  \n\n***\n\nsee <https://e.org>\n"), ours);
        assert_eq!(form(ours), ours);
    }

    #[test]
    fn what_looks_otherwise_is_otherwise() {
        let texts = ["*a*", "**a**", "* a", "a", "1. a", "    a", "`<https://e.org>`", "https://e.org", "<https://e.org", "\\*a\\*", "> a"];
        for (n, one) in texts.iter().enumerate() {
            assert!(texts.iter().skip(n + 1).all(|other| form(one) != form(other)), "{one:?}");
        }
        assert_eq!(form("```\n* a\n\n\n+ b\n```"), "```\n* a\n\n\n+ b\n```");
    }

    proptest! {
        #[test]
        fn once_is_enough(text in texts()) {
            let once = form(&text);
            prop_assert_eq!(form(&once), once);
        }
    }
}
