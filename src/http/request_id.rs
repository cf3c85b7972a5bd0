//! `X-Request-Id`: the caller's own if it can be repeated safely, else one of ours.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 128;

/// The id under which this request is logged and answered. `fresh` is used where the caller sent none, or none that is fit
/// for a log line.
pub fn request_id(headers: &HeaderMap, fresh: Uuid) -> HeaderValue {
    headers.get(X_REQUEST_ID).filter(|id| is_plain(id.as_bytes())).cloned().unwrap_or_else(|| {
        let mut text = [0; uuid::fmt::Simple::LENGTH];
        HeaderValue::from_str(fresh.as_simple().encode_lower(&mut text)).expect("hex is a header value")
    })
}

fn is_plain(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_is_kept_and_anything_else_replaced() {
        let kept = |id: &[u8]| {
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, HeaderValue::from_bytes(id).unwrap())]);
            request_id(&headers, Uuid::nil()).as_bytes() == id
        };
        assert!(kept(b"req-1") && kept(b"0af7651916cd43dd8448eb211c80319c") && kept(&[b'a'; 128]));
        assert!(!kept(b"") && !kept(&[b'a'; 129]) && !kept(b"a b") && !kept(b"a\"b") && !kept(b"\xc3\xa9") && !kept(b"a\tb"));
        assert_eq!(request_id(&HeaderMap::new(), Uuid::nil()), "00000000000000000000000000000000");
    }
}
