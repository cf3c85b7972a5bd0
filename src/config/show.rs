//! What is in force, one line a setting, secrets masked.

use std::fmt::Write;

use config::{Value, ValueKind};

use super::layers::{LoadedSettings, SettingOrigin};

/// Settings whose value is never printed.
const SECRETS: &[&str] = &["auth.api_key", "auth.keys.key", "database.password", "nats.password", "nats.token", "state_hub.token"];

/// Settings that switch something off by being empty, and what.
const OFF: &[(&str, &str)] =
    &[("nats.url", "off: nothing is published on NATS or consumed from it"), ("state_hub.url", "off: State Hub is told nothing")];

/// Every setting as `name = value  # origin`, in alphabetical order.
#[must_use]
pub fn show(loaded: &LoadedSettings) -> String {
    let line = |(key, (value, origin)): (&String, &(Value, SettingOrigin))| {
        let off = OFF.iter().find(|(name, _)| name == key && value.kind == ValueKind::String(String::new()));
        (format!("{key} = {}", shown(key, value)), off.map_or_else(|| origin.to_string(), |(_, off)| format!("{origin}; {off}")))
    };
    let lines: Vec<_> = loaded.values.iter().map(line).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width < 60).max().unwrap_or(0);
    let mut text = String::new();
    for (line, origin) in lines {
        _ = writeln!(text, "{line:width$}  # {origin}");
    }
    text
}

fn shown(key: &str, value: &Value) -> String {
    if let ValueKind::Array(items) = &value.kind {
        let items: Vec<_> = items.iter().map(|item| shown(key, item)).collect();
        return format!("[{}]", items.join(", "));
    }
    if let ValueKind::Table(fields) = &value.kind {
        let mut fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("{name} = {}", shown(&format!("{key}.{name}"), value))).collect();
        fields.sort();
        return format!("{{ {} }}", fields.join(", "));
    }
    let ValueKind::String(text) = &value.kind else { return value.to_string() };
    let of_backend = key.starts_with("backends.")
        && ["token", "webhook_secret", "webhook_secret_previous"].contains(&key.rsplit('.').next().unwrap_or_default());
    if (SECRETS.contains(&key) || of_backend) && !text.is_empty() {
        return "\"***\"".to_owned();
    }
    match key {
        "database.url" | "state_hub.url" => format!("{:?}", without_password(text)),
        _ if key.starts_with("backends.") && key.ends_with("_url") => format!("{:?}", without_password(text)),
        "nats.url" => format!("{:?}", text.split(',').map(without_login).collect::<Vec<_>>().join(",")),
        _ => format!("{text:?}"),
    }
}

/// The URL with its password masked: a password may hold anything but an unescaped `@`, so the last `@` ends it.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((login, place)) = rest.rsplit_once('@') else { return mask_query(url) };
    let user = login.split_once(':').map_or_else(|| login.to_owned(), |(user, _)| format!("{user}:***"));
    mask_query(&format!("{scheme}://{user}@{place}"))
}

/// The URL without its user and password: a name alone may be a token.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    rest.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, place)| format!("{scheme}://***@{place}"))
}

fn mask_query(url: &str) -> String {
    let Some((before, after)) = url.split_once("password=") else { return url.to_owned() };
    let rest = after.find('&').map_or("", |end| &after[end..]);
    format!("{before}password=***{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_wherever_a_url_may_hold_it() {
        assert_eq!(without_password("postgres://u:p@ss/w+=@h:5432/d"), "postgres://u:***@h:5432/d");
        assert_eq!(without_password("postgres://u@h/d"), "postgres://u@h/d");
        assert_eq!(without_password("postgres://h/d?password=x&user=u"), "postgres://h/d?password=***&user=u");
        assert_eq!(without_password("sqlite:/var/lib/x.db"), "sqlite:/var/lib/x.db");
    }
}
