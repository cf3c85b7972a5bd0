//! Who is calling, and what they may do. Every entrance asks here.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::AppError;
use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// What a key allows.
    Scope { Ingest = "ingest", Read = "read", Write = "write", Admin = "admin" }
}

/// An authenticated caller. The name is the actor in every event it causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub name: String,
    scopes: Vec<Scope>,
}

impl Caller {
    pub fn new(name: impl Into<String>, scopes: impl Into<Vec<Scope>>) -> Self {
        Self { name: name.into(), scopes: scopes.into() }
    }

    /// The gate every use case passes first.
    pub fn need(&self, scope: Scope) -> Result<(), AppError> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(AppError::Forbidden { scope }) }
    }
}

/// The keys that are valid now.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<([u8; 32], Caller)>,
}

impl Keyring {
    /// The one key of `ISSUE_CORE_API_KEY`: every scope but admin.
    pub const DEFAULT_NAME: &str = "default";
    /// Everybody, while no key is configured.
    pub const ANONYMOUS: &str = "anonymous";

    pub fn add(&mut self, secret: &SecretString, caller: Caller) {
        self.keys.push((digest(secret.expose_secret()), caller));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The caller a key belongs to. Without any key configured everybody is let in (a loopback address is the fence then).
    ///
    /// Digests are compared, all of them every time, so that timing tells nothing about any key.
    pub fn authenticate(&self, presented: Option<&str>) -> Result<Caller, AppError> {
        if self.keys.is_empty() {
            return Ok(Caller::new(Self::ANONYMOUS, Scope::ALL));
        }
        let presented = presented.ok_or(AppError::Unauthenticated)?;
        let presented = digest(presented);
        let mut found = None;
        for (key, caller) in &self.keys {
            if bool::from(key.ct_eq(&presented)) {
                found = Some(caller);
            }
        }
        found.cloned().ok_or(AppError::Unauthenticated)
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_its_caller_and_anything_else_is_nobody() {
        let mut ring = Keyring::default();
        assert!(ring.authenticate(None).is_ok(), "without keys everybody is let in");
        ring.add(&"one".into(), Caller::new("a", [Scope::Read]));
        ring.add(&"two".into(), Caller::new("b", [Scope::Write]));
        assert_eq!(ring.authenticate(Some("two")).unwrap().name, "b");
        for wrong in [None, Some(""), Some("on"), Some("onee"), Some("ONE")] {
            assert!(matches!(ring.authenticate(wrong), Err(AppError::Unauthenticated)), "{wrong:?}");
        }
        let caller = ring.authenticate(Some("one")).unwrap();
        assert!(caller.need(Scope::Read).is_ok());
        assert!(matches!(caller.need(Scope::Write), Err(AppError::Forbidden { scope: Scope::Write })));
    }
}
