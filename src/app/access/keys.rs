//! The caller and its scopes. Every entrance checks the key here.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::app::AppError;
pub use crate::domain::Scope;

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

    /// The check at the start of every use case.
    pub fn need(&self, scope: Scope) -> Result<(), AppError> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(AppError::Forbidden { scope }) }
    }
}

/// The keys that are valid together.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ValidKeys(Vec<([u8; 32], Caller)>);

impl ValidKeys {
    pub fn add(&mut self, secret: &SecretString, caller: Caller) {
        self.0.push((digest(secret.expose_secret()), caller));
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ValidKeys {
    /// Without the digests: a weak key could be guessed from its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, caller)| caller)).finish()
    }
}

/// The keys that are valid now. They may be replaced while requests are checked.
#[derive(Debug, Default)]
pub struct Keyring {
    /// Decided once, at the start: a ring whose last key was revoked admits no caller, instead of
    /// every caller.
    guarded: bool,
    keys: RwLock<ValidKeys>,
}

impl Keyring {
    /// The one key of `ISSUE_CORE_API_KEY`: every scope but admin.
    pub const DEFAULT_NAME: &str = "default";
    /// The actor where no key is required.
    pub const ANONYMOUS: &str = "anonymous";

    /// Admits the callers that present one of `keys`. The default ring has no keys and admits every
    /// caller.
    #[must_use]
    pub fn guarded_by(keys: ValidKeys) -> Self {
        Self { guarded: true, keys: RwLock::new(keys) }
    }

    /// From now on these keys, and no others.
    pub fn replace(&self, keys: ValidKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The caller a key belongs to. Unguarded, everybody is let in (a loopback address is the fence then).
    ///
    /// Digests are compared, all of them every time, so that timing reveals nothing about any key.
    pub fn authenticate(&self, presented: Option<&str>) -> Result<Caller, AppError> {
        if !self.guarded {
            return Ok(Caller::new(Self::ANONYMOUS, Scope::ALL));
        }
        let presented = digest(presented.ok_or(AppError::Unauthenticated)?);
        let mut found = None;
        for (key, caller) in &self.keys.read().unwrap_or_else(PoisonError::into_inner).0 {
            if bool::from(key.ct_eq(&presented)) {
                found = Some(caller.clone());
            }
        }
        found.ok_or(AppError::Unauthenticated)
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_its_caller_and_anything_else_is_refused() {
        assert!(Keyring::default().authenticate(None).is_ok(), "without keys everybody is let in");
        let mut keys = ValidKeys::default();
        keys.add(&"one".into(), Caller::new("a", [Scope::Read]));
        keys.add(&"two".into(), Caller::new("b", [Scope::Write]));
        let ring = Keyring::guarded_by(keys);
        assert_eq!(ring.authenticate(Some("two")).unwrap().name, "b");
        for wrong in [None, Some(""), Some("on"), Some("onee"), Some("ONE")] {
            assert!(matches!(ring.authenticate(wrong), Err(AppError::Unauthenticated)), "{wrong:?}");
        }
        let caller = ring.authenticate(Some("one")).unwrap();
        assert!(caller.need(Scope::Read).is_ok());
        assert!(matches!(caller.need(Scope::Write), Err(AppError::Forbidden { scope: Scope::Write })));
    }

    #[test]
    fn a_replaced_key_is_unknown_and_a_ring_that_lost_its_last_key_stays_shut() {
        let mut keys = ValidKeys::default();
        keys.add(&"old".into(), Caller::new("a", [Scope::Read]));
        let ring = Keyring::guarded_by(keys);
        let mut keys = ValidKeys::default();
        keys.add(&"new".into(), Caller::new("a", [Scope::Read]));
        ring.replace(keys);
        assert!(ring.authenticate(Some("old")).is_err());
        assert_eq!(ring.authenticate(Some("new")).unwrap().name, "a");
        ring.replace(ValidKeys::default());
        assert!(ring.authenticate(Some("new")).is_err() && ring.authenticate(None).is_err());
    }
}
