//! Whether a delivery was signed with a secret of ours: what the trackers' schemes have in common. Pure.
//!
//! Every comparison takes the same time for any signature, every secret is tried, an empty one
//! never fits, and a text that cannot be read as a signature is a wrong one. The tracker's folder
//! knows the headers (its `delivery.rs`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// A key of Standard Webhooks is written so: what follows is base64.
pub const SIGNING: &str = "whsec_";

/// `shown` is the hexadecimal HMAC-SHA256 of the body.
#[must_use]
pub fn is_signed_hex(secrets: &[SecretString], body: &[u8], shown: &str) -> bool {
    unhex(shown).is_some_and(|shown| fits(secrets, |secret| mac(secret.as_bytes(), &[body]).ct_eq(&shown)))
}

/// One of the signatures in `shown` (`v1,BASE64`, parted by spaces) is that of Standard Webhooks: of `id.timestamp.body`.
#[must_use]
pub fn is_signed_standard(secrets: &[SecretString], (id, timestamp): (&str, &str), body: &[u8], shown: &str) -> bool {
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let mut found = Choice::from(0);
    for shown in shown.split(' ').filter_map(|word| STANDARD.decode(word.strip_prefix("v1,")?).ok()).take(8) {
        found |= Choice::from(u8::from(fits(secrets, |secret| mac(&signing_key(secret), &parts).ct_eq(&shown))));
    }
    found.into()
}

/// The request shows the secret itself. Digests are compared, so that not even its length is
/// revealed.
#[must_use]
pub fn is_secret(secrets: &[SecretString], shown: &str) -> bool {
    fits(secrets, |secret| Sha256::digest(secret).ct_eq(&Sha256::digest(shown)))
}

/// `Authorization: Basic …` with that user and one of the secrets.
#[must_use]
pub fn is_login(user: &str, secrets: &[SecretString], shown: &str) -> bool {
    let Some((_, login)) = shown.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")) else { return false };
    let Some(login) = STANDARD.decode(login.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else { return false };
    let Some((shown_user, password)) = login.split_once(':') else { return false };
    let same_user = Sha256::digest(user).ct_eq(&Sha256::digest(shown_user));
    (same_user & Choice::from(u8::from(is_secret(secrets, password)))).into()
}

/// Names a delivery that has no name of its own: the same body is the same delivery.
#[must_use]
pub fn digest(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        _ = write!(text, "{byte:02x}");
    }
    text
}

fn fits(secrets: &[SecretString], one: impl Fn(&str) -> Choice) -> bool {
    let given = secrets.iter().map(SecretString::expose_secret).filter(|secret| !secret.is_empty());
    given.fold(Choice::from(0), |found, secret| found | one(secret)).into()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256>>::new_from_slice(key).expect("a key of any length will do");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// What a secret that is no base64 behind its prefix stands for is itself.
fn signing_key(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix(SIGNING).and_then(|key| STANDARD.decode(key).ok());
    decoded.filter(|key| !key.is_empty()).unwrap_or_else(|| secret.as_bytes().to_vec())
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| (*text).into()).collect()
    }

    #[test]
    fn a_signature_fits_its_body_and_one_of_the_secrets_and_nothing_else() {
        // From GitHub's documentation.
        let signed = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let (secret, body) = ("It's a Secret to Everybody", b"Hello, World!".as_slice());
        assert!(is_signed_hex(&secrets(&[secret]), body, signed));
        assert!(is_signed_hex(&secrets(&["other", secret]), body, &signed.to_uppercase()));
        assert!(!is_signed_hex(&secrets(&["other"]), body, signed));
        assert!(!is_signed_hex(&secrets(&[secret]), b"Hello, World?", signed));
        assert!(!is_signed_hex(&secrets(&[secret]), body, &signed[1..]));
        for shown in ["", "é", &"é".repeat(32), &"+1".repeat(32), &format!("{}zz", &signed[..62])] {
            assert!(!is_signed_hex(&secrets(&[secret]), body, shown), "{shown}");
        }
    }

    #[test]
    fn no_secret_and_an_empty_one_fit_nothing() {
        let of_nothing = hex(&mac(b"", &[b"x"]));
        for none in [&[][..], &[""]] {
            assert!(!is_signed_hex(&secrets(none), b"x", &of_nothing));
            assert!(!is_secret(&secrets(none), ""));
            assert!(!is_login("u", &secrets(none), &format!("Basic {}", STANDARD.encode("u:"))));
            assert!(!is_signed_standard(&secrets(none), ("1", "2"), b"x", &format!("v1,{}", STANDARD.encode(mac(b"", &[b"1.2.x"])))));
        }
    }

    #[test]
    fn a_standard_webhook_is_signed_over_its_id_and_its_time() {
        // From the specification.
        let secret = secrets(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
        let body = br#"{"test": 2432232314}"#;
        let (id, time, shown) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(is_signed_standard(&secret, (id, time), body, shown));
        assert!(is_signed_standard(&secret, (id, time), body, &format!("v1a,xx v1,AAAA {shown}")));
        assert!(!is_signed_standard(&secret, (id, "1614265331"), body, shown));
        assert!(!is_signed_standard(&secret, ("msg", time), body, shown));
        assert!(!is_signed_standard(&secrets(&["whsec_AAAA"]), (id, time), body, shown));
    }

    #[test]
    fn a_login_is_that_user_with_that_secret() {
        let login = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let secret = secrets(&["pass:word"]);
        assert!(is_login("issue-core", &secret, &login("issue-core:pass:word")));
        for wrong in
            [login("other:pass:word"), login("issue-core:pass"), login("issue-core"), "Bearer pass:word".to_owned(), "Basic é".to_owned()]
        {
            assert!(!is_login("issue-core", &secret, &wrong), "{wrong}");
        }
    }
}
