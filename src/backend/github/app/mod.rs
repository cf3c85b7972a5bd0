//! A GitHub App: out of its private key a signed word, out of that a token of one installation, which lives an hour.
//!
//! The token is kept in this process only; another replica makes its own. The clock is read for the signature alone: GitHub wants
//! the moment in it, and nothing here is decided by it.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::sync::Mutex;

use super::wire;
use crate::backend::client::{TrackerCall, read_json, segment};
use crate::backend::http::HttpAnswer;
use crate::backend::http::header::AUTHORIZATION;
use crate::backend::{BackendError, ErrorKind, TrackerClient};

pub(super) struct GitHubApp {
    id: String,
    installation: String,
    kept: Mutex<Option<CachedInstallationToken>>,
}

struct CachedInstallationToken {
    token: SecretString,
    /// Of the private key it was made from.
    edition: u64,
    until: Instant,
}

/// What a call is made with.
pub(super) struct CallCredential {
    pub(super) token: SecretString,
    /// Made just now: if this is refused, so is the app.
    pub(super) fresh: bool,
}

/// Taken off a token's life, so that none ends on its way.
const MARGIN: Duration = Duration::from_mins(5);

impl GitHubApp {
    pub(super) fn new(id: &str, installation: &str) -> Self {
        Self { id: id.to_owned(), installation: installation.to_owned(), kept: Mutex::new(None) }
    }

    /// A token for the installation. Callers wait for one that is being made.
    pub(super) async fn pass(&self, line: &TrackerClient) -> Result<CallCredential, BackendError> {
        let mut kept = self.kept.lock().await;
        let edition = line.secret().edition();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.edition == edition && Instant::now() < kept.until) {
            return Ok(CallCredential { token: kept.token.clone(), fresh: false });
        }
        // Nothing is made that matters: a lost answer leaves no doubt.
        let call = TrackerCall::post(format!("/app/installations/{}/access_tokens", segment(&self.installation))).reads();
        let answer = self.send(line, call).await?;
        if let Some(error) = wire::refusal(&answer) {
            return Err(BackendError::new(error.trouble, format!("no token for installation {}: {error}", self.installation)));
        }
        let made: wire::Token = read_json(&answer, "the installation's token")?;
        *kept = Some(CachedInstallationToken { token: made.token.clone(), edition, until: Instant::now() + life(&made, &answer) });
        Ok(CallCredential { token: made.token, fresh: true })
    }

    /// After it was refused: the next call makes another.
    pub(super) async fn forget(&self, token: &SecretString) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.token.expose_secret() == token.expose_secret()) {
            *kept = None;
        }
    }

    /// A call as the app itself.
    pub(super) async fn send(&self, line: &TrackerClient, call: TrackerCall) -> Result<HttpAnswer, BackendError> {
        let ((secret, _), now) = (line.secret().get(), line.now());
        let signed =
            secret.ok_or_else(|| "there is none".to_owned()).and_then(|key| signed(&key, &self.id, now.timestamp().unsigned_abs()));
        let signed = signed.map_err(|why| BackendError::new(ErrorKind::Paused, format!("the app's private key cannot be used: {why}")))?;
        line.send(call.header(AUTHORIZATION, &format!("Bearer {signed}"))).await
    }
}

/// By GitHub's own clock.
fn life(made: &wire::Token, answer: &HttpAnswer) -> Duration {
    const USUAL: Duration = Duration::from_hours(1);
    let date = answer.headers.get("date").and_then(|date| chrono::DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
    let told = date.and_then(|date| (made.expires_at - date.to_utc()).to_std().ok());
    told.unwrap_or(USUAL).min(USUAL).saturating_sub(MARGIN)
}

/// A JSON Web Token, RS256. It begins a minute ago and ends within GitHub's ten minutes, even if
/// the clocks differ.
fn signed(key: &SecretString, app: &str, now: u64) -> Result<String, String> {
    // A variable holds a key on one line.
    let pem = key.expose_secret().replace("\\n", "\n");
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| "it is no private key in PEM".to_owned())?;
    let key = any_supported_type(&key).map_err(|_| "it is no RSA key".to_owned())?;
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or("it is no RSA key")?;
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iat": now.saturating_sub(60), "exp": now + 540, "iss": app});
    let message = format!("{}.{}", part(json!({"alg": "RS256", "typ": "JWT"})), part(claims));
    let signature = signer.sign(message.as_bytes()).map_err(|error| format!("it does not sign: {error}"))?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made for this test, and known to everybody.
    const KEY: &str = include_str!("test_key.txt");

    fn pem() -> SecretString {
        format!("-----BEGIN RSA PRIVATE KEY-----\n{KEY}-----END RSA PRIVATE KEY-----\n").into()
    }

    #[test]
    fn the_signed_word_is_the_one_that_openssl_makes() {
        let recorded = include_str!("test_word.txt").trim();
        assert_eq!(signed(&pem(), "12345", 1_790_000_000).unwrap(), recorded);
        let on_one_line: SecretString = pem().expose_secret().replace('\n', "\\n").into();
        assert_eq!(signed(&on_one_line, "12345", 1_790_000_000).unwrap(), recorded);
    }

    #[test]
    fn what_is_no_key_is_said_without_being_shown() {
        for bad in ["", "ghp_token", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"] {
            let error = signed(&bad.into(), "12345", 0).unwrap_err();
            assert!(error.starts_with("it is no"), "{error}");
        }
    }
}
