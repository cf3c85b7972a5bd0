//! Headers of messages. NATS keeps their case; people do not, so they are found ignoring it.

use async_nats::HeaderMap;

pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
pub const MESSAGE_ID: &str = "Nats-Msg-Id";
pub const REPLY_TO: &str = "Reply-To";
pub const TRACEPARENT: &str = "traceparent";
/// On an answer: the task had been filed before.
pub const REPLAYED: &str = "Idempotency-Replayed";
/// On a dead message: why, in a word and in a sentence, each fault, and where it came from.
pub const DEAD_CODE: &str = "Issue-Core-Code";
pub const DEAD_DETAIL: &str = "Issue-Core-Detail";
pub const DEAD_ERRORS: &str = "Issue-Core-Errors";
pub const DEAD_SUBJECT: &str = "Issue-Core-Subject";
pub const DEAD_SEQUENCE: &str = "Issue-Core-Sequence";
pub const DEAD_DELIVERIES: &str = "Issue-Core-Deliveries";
/// On a dead message whose body did not fit beside its headers: the position of the body.
pub const DEAD_BODY: &str = "Issue-Core-Body";

/// The value of the header of that name, in any case; the last one when there are several.
pub fn value<'a>(headers: Option<&'a HeaderMap>, name: &str) -> Option<&'a str> {
    let (_, values) = headers?.iter().find(|(known, _)| known.to_string().eq_ignore_ascii_case(name))?;
    values.last().map(async_nats::HeaderValue::as_str)
}

/// Text as a header may carry it: one line, no control characters, cut to a length that leaves room for the body.
pub fn line(text: &str) -> String {
    const LONGEST: usize = 8 << 10;
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() > LONGEST {
        line.truncate(line.floor_char_boundary(LONGEST));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_in_any_case_and_a_line_is_one_line() {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", "k");
        assert_eq!(value(Some(&headers), IDEMPOTENCY_KEY), Some("k"));
        assert_eq!(value(Some(&headers), REPLY_TO), None);
        assert_eq!(value(None, REPLY_TO), None);
        assert_eq!(line("a\r\nb"), "a  b");
        assert!(line(&"é".repeat(9000)).len() <= 8 << 10);
    }
}
