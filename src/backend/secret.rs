//! A tracker's credential, which may be replaced while the service runs. Never shown, never logged.

use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// Cheap to clone; clones see each other's replacement.
#[derive(Clone, Default)]
pub struct Secret {
    inner: Arc<RwLock<SecretCell>>,
}

#[derive(Default)]
struct SecretCell {
    value: Option<SecretString>,
    edition: u64,
}

impl Secret {
    #[must_use]
    pub fn new(value: Option<SecretString>) -> Self {
        Self { inner: Arc::new(RwLock::new(SecretCell { value, edition: 0 })) }
    }

    /// The secret now, and its edition.
    #[must_use]
    pub fn get(&self) -> (Option<SecretString>, u64) {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        (inner.value.clone(), inner.edition)
    }

    /// Raised by every change: a request that was refused under one edition may succeed under the
    /// next.
    #[must_use]
    pub fn edition(&self) -> u64 {
        self.get().1
    }

    /// Takes another one in; `true` where it differs.
    pub fn replace(&self, value: Option<SecretString>) -> bool {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let text = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let differs = text(&inner.value) != text(&value);
        if differs {
            inner.value = value;
            inner.edition += 1;
        }
        differs
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_secret_is_another_edition_and_none_is_ever_shown() {
        let secret = Secret::new(Some("one".into()));
        let clone = secret.clone();
        assert!(!secret.replace(Some("one".into())));
        assert!(clone.replace(Some("two".into())));
        assert_eq!((secret.edition(), secret.get().0.unwrap().expose_secret().to_owned()), (1, "two".to_owned()));
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
