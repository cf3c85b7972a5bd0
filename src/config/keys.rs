//! The keys callers may present: the short way (`auth.api_key`), the named ones (`auth.keys`), and the files they lie in.
//!
//! A file holds one key a line, so that the old and the new one are both valid while callers change over. It is read again
//! while the service runs ([`KeySource::read`]); what is done with it then is `boot`'s business.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{AuthSettings, words};
use crate::domain::Scope;

/// One `[[auth.keys]]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedKey {
    pub name: String,
    pub key: Option<SecretString>,
    pub key_file: Option<PathBuf>,
    #[serde(deserialize_with = "words")]
    pub scopes: Vec<Scope>,
}

/// A name, what it may do, and where its keys are.
#[derive(Debug, Clone)]
pub struct KeySource {
    /// `None` for the one of `auth.api_key`.
    pub name: Option<String>,
    /// `None` for the usual ones: all but admin.
    pub scopes: Option<Vec<Scope>>,
    place: KeyPlace,
}

#[derive(Debug, Clone)]
enum KeyPlace {
    Value(SecretString),
    File(PathBuf),
}

impl AuthSettings {
    /// Whether callers need a key at all.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.api_key.is_some() || self.api_key_file.is_some() || !self.keys.is_empty()
    }

    /// Where every key comes from. A table without a key is left out; `validate` has refused it.
    #[must_use]
    pub fn sources(&self) -> Vec<KeySource> {
        let short = place(self.api_key.as_ref(), self.api_key_file.as_ref()).map(|place| KeySource { name: None, scopes: None, place });
        let named = self.keys.iter().filter_map(|key| {
            let place = place(key.key.as_ref(), key.key_file.as_ref())?;
            Some(KeySource { name: Some(key.name.clone()), scopes: Some(key.scopes.clone()), place })
        });
        short.into_iter().chain(named).collect()
    }
}

fn place(value: Option<&SecretString>, file: Option<&PathBuf>) -> Option<KeyPlace> {
    value.cloned().map(KeyPlace::Value).or_else(|| file.cloned().map(KeyPlace::File))
}

impl KeySource {
    #[must_use]
    pub const fn is_file(&self) -> bool {
        matches!(self.place, KeyPlace::File(_))
    }

    /// The keys that lie there now; none in an empty file. The error says what is wrong without showing any key.
    pub fn read(&self) -> Result<Vec<SecretString>, String> {
        match &self.place {
            KeyPlace::Value(secret) => checked(secret.clone()).map(|secret| vec![secret]),
            KeyPlace::File(path) => read_file(path),
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<SecretString>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| checked(line.into()).map_err(|error| format!("{}: a key {error}", path.display()))).collect()
}

fn checked(secret: SecretString) -> Result<SecretString, String> {
    if secret.expose_secret().bytes().all(|b| (0x21..0x7f).contains(&b)) {
        return Ok(secret);
    }
    Err("must hold only visible ASCII characters, since it travels in a header".to_owned())
}

/// The keys of every source, in their order. One secret must not stand for two callers, nor twice for one.
pub fn read_all(sources: &[KeySource]) -> Result<Vec<Vec<SecretString>>, String> {
    let read: Vec<Vec<SecretString>> = sources.iter().map(KeySource::read).collect::<Result<_, _>>()?;
    let mut seen = std::collections::HashMap::new();
    for (source, secrets) in sources.iter().zip(&read) {
        let name = source.name.as_deref().unwrap_or("auth.api_key");
        for secret in secrets {
            if let Some(other) = seen.insert(secret.expose_secret(), name) {
                return Err(format!("the same secret is given twice, for {other} and for {name}; every key needs its own"));
            }
        }
    }
    Ok(read)
}

impl NamedKey {
    /// The fault of the table by itself, as text.
    pub(super) fn fault(&self) -> Option<String> {
        let name = &self.name;
        let name_is_plain = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-@:/".contains(&b));
        if !name_is_plain {
            return Some("a name must be 1 to 64 letters, digits or . _ - @ : /".to_owned());
        }
        if name == "anonymous" {
            return Some("the name anonymous stands for callers without a key".to_owned());
        }
        if self.scopes.is_empty() {
            return Some(format!("{name}: scopes must hold at least one of {}", Scope::WORDS.join(", ")));
        }
        if self.key.as_ref().is_some_and(|key| key.expose_secret().is_empty()) {
            return Some(format!("{name}: the key is empty"));
        }
        if self.key.is_some() == self.key_file.is_some() {
            return Some(format!("{name}: give key or key_file, one of them"));
        }
        None
    }
}
