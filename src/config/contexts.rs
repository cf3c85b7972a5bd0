//! Where the command line sends its requests: named servers in a file of the user's own, and what the environment says.
//!
//! Apart from [`Settings`](super::Settings), which are a server's: a client needs none of them.
//! Keys are never in this file, only the names of the files that hold them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{ConfigError, layers};

/// What a person's environment says about the command line.
#[derive(Debug, Clone, Default)]
pub struct CommandEnvironment {
    /// `ISSUE_CORE_URL`
    pub url: Option<String>,
    /// `ISSUE_CORE_API_KEY`
    pub api_key: Option<SecretString>,
    /// The user's name, for the embedded store's history.
    pub user: Option<String>,
    pub editor: Option<String>,
    pub pager: Option<String>,
    /// `NO_COLOR` is set, or the terminal can do nothing.
    pub plain: bool,
}

/// The user's servers by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerContexts {
    /// The one in use; none is the embedded store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    #[serde(default)]
    pub contexts: BTreeMap<String, ServerContext>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerContext {
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
}

impl CommandEnvironment {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the room that reads the environment")]
    pub fn read() -> Self {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            url: var("ISSUE_CORE_URL"),
            api_key: var("ISSUE_CORE_API_KEY").map(SecretString::from),
            user: var("USER").or_else(|| var("LOGNAME")),
            editor: var("VISUAL").or_else(|| var("EDITOR")),
            pager: std::env::var("PAGER").ok(),
            plain: var("NO_COLOR").is_some() || var("TERM").is_some_and(|term| term == "dumb"),
        }
    }
}

impl ServerContexts {
    /// Where they are kept.
    #[must_use]
    pub fn path() -> PathBuf {
        layers::user_config_dir().join("contexts.toml")
    }

    /// None at all where there is no file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let failed = |reason: String| ConfigError::File { path: path.to_path_buf(), reason };
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| failed(error.message().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Whole or not at all: written beside the file, then moved over it.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        let failed = |reason: String| ConfigError::Unwritten { path: path.to_path_buf(), reason };
        let text = toml::to_string(self).map_err(|error| failed(error.to_string()))?;
        let beside = path.with_extension("toml.new");
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&beside, text))
            .and_then(|()| std::fs::rename(&beside, path));
        written.map_err(|error| failed(error.to_string()))
    }
}

/// The only key in a file, its first line. A file that everybody may read is refused: the key is as good as published.
pub fn read_key_file(path: &Path) -> Result<SecretString, ConfigError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |reason: String| ConfigError::File { path: path.to_path_buf(), reason };
    let meta = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
        return Err(failed("others on this machine may read the key in it; run `chmod 600` on it".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let key = text.lines().next().unwrap_or_default().trim();
    if key.is_empty() { Err(failed("its first line must be the key".to_owned())) } else { Ok(key.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_read_back_and_no_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/contexts.toml");
        assert_eq!(ServerContexts::load(&path).unwrap(), ServerContexts::default());
        let mut contexts = ServerContexts { current: Some("prod".into()), ..ServerContexts::default() };
        contexts.contexts.insert("prod".into(), ServerContext { url: "http://a".into(), key_file: Some("/k".into()) });
        contexts.save(&path).unwrap();
        assert_eq!(ServerContexts::load(&path).unwrap(), contexts);
        std::fs::write(&path, "contexts = 7").unwrap();
        assert!(ServerContexts::load(&path).is_err());
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), " secret \nmore\n").unwrap();
        let mode = |mode| std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        assert!(read_key_file(file.path()).is_err());
        mode(0o600);
        assert_eq!(secrecy::ExposeSecret::expose_secret(&read_key_file(file.path()).unwrap()), "secret");
        std::fs::write(file.path(), "\n").unwrap();
        assert!(read_key_file(file.path()).is_err());
    }
}
