//! The layers and where each value came from: built-in defaults, one file, the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat, Map, Source, Value, ValueKind};

use super::Settings;
use super::backends::{self, VariableReading};
use super::bindings;

const DEFAULTS: &str = include_str!("../../config/default.toml");
const PREFIX: &str = "ISSUE_CORE__";

/// The settings that are lists of tables.
const KEYS: &str = "auth.keys";
const LISTS: &[&str] = &[KEYS, "routes"];

/// Variables by which the platform hands over the token of Gitea and Forgejo, the first that is set. For backends without one.
const GITEA_TOKENS: &[&str] = &["GITEA_BACKEND_TOKEN", "GITEA_API_TOKEN", "GITEA_TOKEN"];

/// Variables with a name of their own, and the setting each stands for.
const ALIASES: &[(&str, &str)] = &[
    ("ISSUE_CORE_API_KEY", "auth.api_key"),
    ("DATABASE_URL", "database.url"),
    ("NATS_URL", "nats.url"),
    ("STATE_HUB_URL", "state_hub.url"),
    ("RUST_LOG", "log.filter"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingOrigin {
    Default,
    File(PathBuf),
    Variable(String),
    Argument(&'static str),
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Argument(name) => write!(f, "argument {name}"),
        }
    }
}

/// One setting that cannot be used: which, where it was given, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    pub setting: String,
    pub origin: SettingOrigin,
    pub message: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {path}: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("cannot write {path}: {reason}")]
    Unwritten { path: PathBuf, reason: String },
    #[error("{}", list(.0))]
    Settings(Vec<SettingProblem>),
}

fn list(problems: &[SettingProblem]) -> String {
    let lines: Vec<_> = problems.iter().map(|problem| format!("{} ({}): {}", problem.setting, problem.origin, problem.message)).collect();
    lines.join("\n")
}

/// The settings together with the origin of each.
pub struct LoadedSettings {
    pub settings: Settings,
    pub(super) values: BTreeMap<String, (Value, SettingOrigin)>,
}

impl fmt::Debug for LoadedSettings {
    /// Without the raw values, which hold secrets in clear.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl LoadedSettings {
    /// Reads all layers and checks the whole. `file` wins over the variable `ISSUE_CORE_CONFIG`.
    pub fn from_environment(file: Option<&Path>) -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "the one function that reads the environment")]
        let variables: Vec<(String, String)> = std::env::vars().collect();
        Self::load(file, &variables)
    }

    pub(super) fn load(file: Option<&Path>, variables: &[(String, String)]) -> Result<Self, ConfigError> {
        let mut values: BTreeMap<String, (Value, SettingOrigin)> =
            flatten(&File::from_str(DEFAULTS, FileFormat::Toml), Path::new("built in"))?
                .into_iter()
                .map(|(key, value)| (key, (value, SettingOrigin::Default)))
                .collect();
        let mut problems = Vec::new();
        let named =
            variables.iter().find(|(name, value)| name == "ISSUE_CORE_CONFIG" && !value.is_empty()).map(|(_, path)| PathBuf::from(path));
        if let Some(path) = file.map(Path::to_path_buf).or(named) {
            add_file(&path, &mut values, &mut problems)?;
        }
        add_variables(variables, &mut values, &mut problems);
        platform_token(variables, &mut values);
        if !problems.is_empty() {
            return Err(ConfigError::Settings(problems));
        }
        let settings = deserialize(&values)?;
        let mut loaded = Self { settings, values };
        loaded.resolve_secret_files()?;
        loaded.validate()?;
        Ok(loaded)
    }

    /// The command line's last word on where to listen; the whole is checked again.
    pub fn rebind(&mut self, bind: SocketAddr) -> Result<(), ConfigError> {
        self.settings.server.bind = bind;
        self.values.insert("server.bind".to_owned(), (Value::new(None, bind.to_string()), SettingOrigin::Argument("--bind")));
        self.validate()
    }

    /// Where the setting's value came from.
    pub fn origin(&self, setting: &str) -> SettingOrigin {
        self.values.get(setting).map_or(SettingOrigin::Default, |(_, origin)| origin.clone())
    }
}

fn add_file(
    path: &Path,
    values: &mut BTreeMap<String, (Value, SettingOrigin)>,
    problems: &mut Vec<SettingProblem>,
) -> Result<(), ConfigError> {
    let file = File::new(&path.to_string_lossy(), FileFormat::Toml);
    for (key, value) in flatten(&file, path)? {
        let origin = SettingOrigin::File(path.to_path_buf());
        match values.get_mut(&key) {
            Some(known) => *known = (value, origin),
            None if named_field(&key).is_some() => _ = values.insert(key, (value, origin)),
            None => problems.push(unknown(&key, origin, values.keys())),
        }
    }
    Ok(())
}

fn add_variables(
    variables: &[(String, String)],
    values: &mut BTreeMap<String, (Value, SettingOrigin)>,
    problems: &mut Vec<SettingProblem>,
) {
    // A setting's full name wins over its alias, so aliases are laid first.
    let by_alias = |(name, value): &(String, String)| {
        let setting = ALIASES.iter().find(|(alias, _)| alias == name)?.1;
        Some((setting.to_owned(), name.clone(), value.clone()))
    };
    let by_name = |(name, value): &(String, String)| {
        let rest = name.strip_prefix(PREFIX)?;
        Some((rest.to_lowercase().replace("__", "."), name.clone(), value.clone()))
    };
    let ordered: Vec<_> = variables.iter().filter_map(by_alias).chain(variables.iter().filter_map(by_name)).collect();
    for (setting, name, text) in ordered {
        let origin = SettingOrigin::Variable(name);
        let read = match (named_field(&setting), values.get(&setting)) {
            (Some(reading), _) => of_named(reading, &text),
            (None, Some(_)) if LISTS.contains(&setting.as_str()) => tables(&text),
            (None, Some((default, _))) => typed(&default.kind, &text),
            (None, None) => {
                problems.push(unknown(&setting, origin, values.keys()));
                continue;
            }
        };
        match read {
            Ok(kind) => _ = values.insert(setting, (Value::new(None, kind), origin)),
            Err(message) => problems.push(SettingProblem { setting, origin, message }),
        }
    }
}

/// What a field of a named table is read as: `backends.NAME.FIELD`, `bindings.NAME.FIELD`.
fn named_field(setting: &str) -> Option<VariableReading> {
    let (table, rest) = setting.split_once('.')?;
    let (_, field) = rest.split_once('.')?;
    let fields = match table {
        "backends" => backends::FIELDS,
        "bindings" => bindings::FIELDS,
        _ => return None,
    };
    fields.iter().find(|(name, _)| *name == field).map(|(_, reading)| *reading)
}

fn of_named(reading: VariableReading, text: &str) -> Result<ValueKind, String> {
    match reading {
        VariableReading::Text => typed(&ValueKind::Nil, text),
        VariableReading::Number => typed(&ValueKind::I64(0), text),
        VariableReading::Flag => typed(&ValueKind::Boolean(false), text),
        VariableReading::List => typed(&ValueKind::Array(Vec::new()), text),
        VariableReading::Table => table(text),
    }
}

/// The token of Gitea and Forgejo, where the platform gives it a name of its own.
fn platform_token(variables: &[(String, String)], values: &mut BTreeMap<String, (Value, SettingOrigin)>) {
    let given = |name: &&&str| variables.iter().find(|(key, value)| key == **name && !value.is_empty());
    let Some((variable, token)) = GITEA_TOKENS.iter().find_map(|name| given(&name)) else { return };
    let is_ours = |value: &Value| matches!(&value.kind, ValueKind::String(kind) if kind == "gitea" || kind == "forgejo");
    let names: Vec<String> = values
        .iter()
        .filter(|(_, (value, _))| is_ours(value))
        .filter_map(|(key, _)| key.strip_prefix("backends.")?.strip_suffix(".kind").map(str::to_owned))
        .collect();
    for name in names {
        let has = |field: &str| values.contains_key(&format!("backends.{name}.{field}"));
        if !has("token") && !has("token_file") {
            let origin = SettingOrigin::Variable(variable.clone());
            values.insert(format!("backends.{name}.token"), (Value::new(None, token.clone()), origin));
        }
    }
}

/// A table of texts, written as JSON.
fn table(text: &str) -> Result<ValueKind, String> {
    let read: Result<BTreeMap<String, String>, _> = serde_json::from_str(if text.is_empty() { "{}" } else { text });
    let pairs = read.map_err(|_| "must be a JSON object of texts like {\"ann\":\"ann-a\"}".to_owned())?;
    Ok(ValueKind::Table(pairs.into_iter().map(|(key, value)| (key, Value::new(None, value))).collect()))
}

/// A variable's text as the type its default has.
fn typed(like: &ValueKind, text: &str) -> Result<ValueKind, String> {
    let shown = if text.len() > 40 { "the value" } else { text };
    match like {
        ValueKind::Boolean(_) => text.parse().map(ValueKind::Boolean).map_err(|_| format!("must be true or false, this is {shown:?}")),
        ValueKind::I64(_) | ValueKind::U64(_) | ValueKind::I128(_) | ValueKind::U128(_) => {
            text.parse().map(ValueKind::I64).map_err(|_| format!("must be a whole number, this is {shown:?}"))
        }
        ValueKind::Float(_) => text.parse().map(ValueKind::Float).map_err(|_| format!("must be a number, this is {shown:?}")),
        ValueKind::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(ValueKind::Array(items.map(|item| Value::new(None, item)).collect()))
        }
        ValueKind::Nil | ValueKind::String(_) | ValueKind::Table(_) => Ok(ValueKind::String(text.to_owned())),
    }
}

/// The keys in a variable: the tables of the file, written as JSON. The text holds secrets, so no message repeats it.
fn tables(text: &str) -> Result<ValueKind, String> {
    if text.is_empty() {
        return Ok(ValueKind::Array(Vec::new()));
    }
    serde_json::from_str::<Vec<Value>>(text).map(ValueKind::Array).map_err(|error| {
        format!(
            "must be a JSON list like [{{\"name\":\"a\",\"key\":\"…\",\"scopes\":[\"ingest\"]}}]; it cannot be read at column {}",
            error.column()
        )
    })
}

/// What may be said of a setting that has the wrong type: a value that may be a secret is not repeated.
fn told(setting: &str, error: &str) -> String {
    let message = error.split(" for key `").next().unwrap_or(error);
    if setting == KEYS && message.starts_with("invalid") {
        return "must be tables, each with a name, its scopes, and key or key_file".to_owned();
    }
    message.to_owned()
}

fn unknown<'a>(setting: &str, origin: SettingOrigin, known: impl Iterator<Item = &'a String>) -> SettingProblem {
    let last = setting.rsplit('.').next().unwrap_or(setting);
    let near: Vec<_> = known.filter(|key| key.ends_with(&format!(".{last}"))).map(String::as_str).collect();
    let hint =
        if near.is_empty() { "`issue-core config show` lists them all".to_owned() } else { format!("did you mean {}?", near.join(" or ")) };
    SettingProblem { setting: setting.to_owned(), origin, message: format!("there is no such setting; {hint}") }
}

fn flatten(source: &dyn Source, path: &Path) -> Result<Vec<(String, Value)>, ConfigError> {
    let map = source.collect().map_err(|error| ConfigError::File { path: path.to_path_buf(), reason: error.to_string() })?;
    let mut flat = Vec::new();
    flatten_into("", map, &mut flat);
    Ok(flat)
}

fn flatten_into(prefix: &str, map: Map<String, Value>, flat: &mut Vec<(String, Value)>) {
    for (key, value) in map {
        let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        // A user's name is never the name of a setting.
        if let (ValueKind::Table(inner), None) = (&value.kind, named_field(&key)) {
            flatten_into(&key, inner.clone(), flat);
        } else {
            flat.push((key, value));
        }
    }
}

fn deserialize(values: &BTreeMap<String, (Value, SettingOrigin)>) -> Result<Settings, ConfigError> {
    // One setting at a time over the defaults, so that every bad one is named, and with its origin.
    let build = |only: Option<&str>| {
        let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        for (key, (value, origin)) in values {
            if *origin != SettingOrigin::Default && only.is_none_or(|only| only == key) {
                builder = builder.set_override(key, value.clone())?;
            }
        }
        builder.build()?.try_deserialize::<Settings>()
    };
    let whole = match build(None) {
        Ok(settings) => return Ok(settings),
        Err(error) => error,
    };
    let mut problems = Vec::new();
    for (key, (_, origin)) in values.iter().filter(|(_, (_, origin))| *origin != SettingOrigin::Default) {
        if let Err(error) = build(Some(key)) {
            problems.push(SettingProblem { setting: key.clone(), origin: origin.clone(), message: told(key, &error.to_string()) });
        }
    }
    if problems.is_empty() {
        problems.push(SettingProblem { setting: "configuration".to_owned(), origin: SettingOrigin::Default, message: whole.to_string() });
    }
    Err(ConfigError::Settings(problems))
}

pub(super) fn user_data_dir() -> PathBuf {
    user_dir("XDG_DATA_HOME", ".local/share")
}

pub(super) fn user_config_dir() -> PathBuf {
    user_dir("XDG_CONFIG_HOME", ".config")
}

fn user_dir(variable: &str, in_home: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the platform's convention, part of the settings")]
    let xdg = std::env::var_os(variable).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let base = xdg.or_else(|| std::env::home_dir().filter(|home| !home.as_os_str().is_empty()).map(|home| home.join(in_home)));
    base.unwrap_or_else(|| PathBuf::from(".")).join("issue-core")
}
