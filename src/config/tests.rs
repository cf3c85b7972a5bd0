//! What an operator meets: layers that win in order, and errors that say what, where and what is allowed.

use std::io::Write as _;

use secrecy::ExposeSecret;

use super::*;
use crate::domain::Scope;

fn load(variables: &[(&str, &str)], file: &str) -> Result<LoadedSettings, ConfigError> {
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    on_disk.write_all(file.as_bytes()).unwrap();
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    LoadedSettings::load(Some(on_disk.path()), &variables)
}

fn problems(variables: &[(&str, &str)], file: &str) -> Vec<(String, String)> {
    match load(variables, file) {
        Err(ConfigError::Settings(problems)) => {
            problems.into_iter().map(|problem| (problem.setting, format!("{}: {}", problem.origin, problem.message))).collect()
        }
        other => panic!("expected problems, got {other:?}"),
    }
}

#[test]
fn the_defaults_alone_are_sound_and_bind_to_loopback() {
    let settings = load(&[], "").unwrap().settings;
    assert_eq!(settings.server.bind.to_string(), "127.0.0.1:8765");
    assert!(settings.auth.api_key.is_none());
}

#[test]
fn later_layers_win_and_each_value_knows_where_it_came_from() {
    let loaded = load(&[("ISSUE_CORE__INGEST__BATCH", "9"), ("RUST_LOG", "debug")], "[ingest]\nbatch = 8\nqueue = 7\n").unwrap();
    assert_eq!((loaded.settings.ingest.batch, loaded.settings.ingest.queue), (9, 7));
    assert_eq!(loaded.origin("ingest.batch").to_string(), "variable ISSUE_CORE__INGEST__BATCH");
    assert!(loaded.origin("ingest.queue").to_string().starts_with("file "));
    assert_eq!(loaded.origin("ingest.committers"), SettingOrigin::Default);
    assert_eq!(loaded.settings.log.filter, "debug");
}

#[test]
fn the_full_name_of_a_setting_wins_over_its_short_variable() {
    let loaded = load(&[("ISSUE_CORE__LOG__FILTER", "warn"), ("RUST_LOG", "debug")], "").unwrap();
    assert_eq!(loaded.settings.log.filter, "warn");
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_of_our_name_are_left_alone() {
    assert!(load(&[("ISSUE_CORE_PORT", "tcp://10.0.0.1:8765"), ("ISSUE_CORE_SERVICE_HOST", "10.0.0.1")], "").is_ok());
}

#[test]
fn a_bad_setting_is_named_with_its_source_and_the_allowed_values() {
    let found = problems(&[("ISSUE_CORE__INGEST__BATCH", "many"), ("ISSUE_CORE__SERVER__BINDD", "x")], "[server]\nport = 1\n");
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found.contains(&("ingest.batch".into(), "variable ISSUE_CORE__INGEST__BATCH: must be a whole number, this is \"many\"".into()))
    );
    assert!(found[0].1.contains("did you mean database.port?"), "{found:?}");
    let found = problems(&[("ISSUE_CORE__SERVER__REQUEST_TIMEOUT", "soon"), ("ISSUE_CORE__LOG__FORMAT", "xml")], "");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].1.contains("auto"), "{found:?}");
    assert!(found[1].1.contains("like \"250ms\""), "{found:?}");
    let found =
        problems(&[("ISSUE_CORE__INGEST__BATCH", "0"), ("DATABASE_URL", "mysql://x"), ("ISSUE_CORE__TELEMETRY__SAMPLE_RATIO", "2")], "");
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn off_loopback_a_key_is_required() {
    let found = problems(&[("ISSUE_CORE__SERVER__BIND", "0.0.0.0:8765")], "");
    assert!(found[0].1.contains("set ISSUE_CORE_API_KEY"), "{found:?}");
    assert!(load(&[("ISSUE_CORE__SERVER__BIND", "0.0.0.0:8765"), ("ISSUE_CORE_API_KEY", "k")], "").is_ok());
}

#[test]
fn secrets_come_from_files_too_and_are_never_shown() {
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(b"  s3cr=t+/\n").unwrap();
    let path = secret.path().to_str().unwrap();
    let loaded = load(&[("ISSUE_CORE__DATABASE__PASSWORD_FILE", path), ("ISSUE_CORE_API_KEY", "hush")], "").unwrap();
    assert_eq!(loaded.settings.database.password.as_ref().unwrap().expose_secret(), "s3cr=t+/");
    let shown = show(&loaded);
    assert!(!shown.contains("hush") && !shown.contains("s3cr"), "{shown}");
    assert!(shown.contains("auth.api_key = \"***\""), "{shown}");
    assert!(!format!("{loaded:?}").contains("s3cr") && !format!("{loaded:?}").contains("hush"));
    let both = problems(&[("ISSUE_CORE__AUTH__API_KEY_FILE", path), ("ISSUE_CORE_API_KEY", "hush")], "");
    assert!(both[0].1.contains("not both"), "{both:?}");
}

#[test]
fn named_keys_come_from_the_file_or_as_json_from_the_variable_and_are_never_shown() {
    let file = "[[auth.keys]]\nname = \"a\"\nkey = \"hush-1\"\nscopes = [\"ingest\", \"read\"]\n";
    let loaded = load(&[("ISSUE_CORE__SERVER__BIND", "0.0.0.0:1")], file).unwrap();
    assert_eq!(loaded.settings.auth.keys[0].scopes, [Scope::Ingest, Scope::Read]);
    let shown = show(&loaded);
    assert!(shown.contains("auth.keys = [{ key = \"***\", name = \"a\", scopes = [\"ingest\", \"read\"] }]"), "{shown}");
    let variable = r#"[{"name":"b","key":"hush-2","scopes":["admin"]},{"name":"b","key":"hush-3","scopes":["admin"]}]"#;
    let loaded = load(&[("ISSUE_CORE__AUTH__KEYS", variable)], file).unwrap();
    let names: Vec<_> = loaded.settings.auth.keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["b", "b"], "the variable replaces the file's, and a name may have two keys");
    assert!(!show(&loaded).contains("hush") && !format!("{loaded:?}").contains("hush"));
    assert!(load(&[("ISSUE_CORE__AUTH__KEYS", "")], "").unwrap().settings.auth.keys.is_empty());
}

#[test]
fn a_bad_key_is_reported_without_its_secret() {
    let key_file = tempfile::NamedTempFile::new().unwrap();
    let empty = serde_json::json!([{"name": "a", "key_file": key_file.path(), "scopes": ["read"]}]).to_string();
    for (keys, expected) in [
        (r#"[{"name":"a","key":"hush","scopes":["reed"]}]"#, "must be one of ingest, read, write, admin"),
        (r#"[{"name":"a","key":"hush","scopes":[]}]"#, "at least one of ingest, read, write, admin"),
        (r#"[{"name":"a b","key":"hush","scopes":["read"]}]"#, "letters, digits"),
        (r#"[{"name":"anonymous","key":"hush","scopes":["read"]}]"#, "without a key"),
        (r#"[{"name":"a","scopes":["read"]}]"#, "give key or key_file"),
        (r#"[{"name":"a","key":"hush hush","scopes":["read"]}]"#, "visible ASCII"),
        (
            r#"[{"name":"a","key":"hush","scopes":["read"]},{"name":"b","key":"hush","scopes":["read"]}]"#,
            "the same secret is given twice, for a and for b",
        ),
        (r#"[{"name":"a","key":"the-short-one","scopes":["read"]}]"#, "for auth.api_key and for a"),
        (r#"[{"name":"a","keey":"hush","scopes":["read"]}]"#, "unknown field"),
        (r#"["hush"]"#, "must be tables"),
        ("hush", "must be a JSON list"),
        (r#"[{"name":"a","key_file":"/nowhere/hush.key","scopes":["read"]}]"#, "cannot read /nowhere"),
        (empty.as_str(), "is empty"),
    ] {
        let found = problems(&[("ISSUE_CORE__AUTH__KEYS", keys), ("ISSUE_CORE_API_KEY", "the-short-one")], "");
        assert_eq!(found.len(), 1, "{keys}: {found:?}");
        let (setting, message) = &found[0];
        assert!(setting == "auth.keys" && message.contains(expected), "{keys}: {found:?}");
        assert!(!message.replace("hush.key", "").contains("hush"), "{message}");
    }
}

#[test]
fn origins_and_quotas_are_checked() {
    let found = problems(
        &[
            ("ISSUE_CORE__SERVER__CORS_ORIGINS", "https://a.example/path"),
            ("ISSUE_CORE__RATE_LIMIT__REQUESTS", "5"),
            ("ISSUE_CORE__RATE_LIMIT__WINDOW", "0s"),
        ],
        "",
    );
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(load(&[("ISSUE_CORE__SERVER__CORS_ORIGINS", "https://a.example, http://[::1]:3000,*")], "").is_ok());
}
