//! The form that every tracker's texts have in common. Pure.

/// Line ends are one character, no line ends in white space, and the text does not end in empty lines.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(text.len());
    for line in text.split('\n') {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

/// What a text becomes on its way there and back, again and again until it stays: then one more way changes nothing.
///
/// Some writings take a few ways to come to rest (a mark within a mark); one that never did would only be compared as it is.
#[must_use]
pub fn settled(text: &str, way: impl Fn(&str) -> String) -> String {
    const MOST: usize = 16;
    let mut now = plain(&way(&plain(text)));
    for _ in 0..MOST {
        let next = plain(&way(&now));
        if next == now {
            break;
        }
        now = next;
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn line_ends_and_trailing_space_do_not_count_and_everything_else_does() {
        assert_eq!(plain("a  \r\nb\t\rc\n\n \n"), "a\nb\nc");
        assert_eq!(plain("  a\n\n\n  b"), "  a\n\n\n  b");
        assert_eq!((plain(""), plain(" \r\n ")), (String::new(), String::new()));
    }

    proptest! {
        #[test]
        fn once_is_enough(text in "[ab \t\r\n]{0,40}|\\PC{0,40}") {
            let once = plain(&text);
            prop_assert_eq!(plain(&once), once);
        }
    }
}
