//! Requests made up from the document by a fuzzer, valid and invalid ones, alone and in sequences, and what must be true of every answer.

use super::tools;
use crate::support::database::Database;
use crate::support::server::Server;

crate::support::on_both_stores!(a_fuzzer_finds_no_answer_that_the_document_does_not_allow);

/// The same requests in every run, so that a failure can be repeated; another seed makes other
/// requests: `FUZZ_SEED=7 tests/run openapi::fuzz`.
#[expect(clippy::disallowed_methods, reason = "a knob of the suite, not a setting of the product")]
fn seed() -> String {
    std::env::var("FUZZ_SEED").unwrap_or_else(|_| "1".to_owned())
}

async fn a_fuzzer_finds_no_answer_that_the_document_does_not_allow(db: Database) {
    // Of all scopes, so that no door is closed to it.
    let keys = r#"[{"name":"fuzzer","key":"fuzzer-key","scopes":["ingest","read","write","admin"]}]"#;
    let server = Server::start_with(&db.url(), &[("RUST_LOG", "error"), ("ISSUE_CORE__AUTH__KEYS", keys)]);
    let dir = tempfile::tempdir().unwrap();
    let mut fuzzer = tools::python("schemathesis");
    fuzzer.current_dir(&dir).env("SCHEMATHESIS_HOOKS", "fuzz").env("PYTHONPATH", tools::own(""));
    fuzzer.arg("--config-file").arg(tools::own("fuzz.toml"));
    fuzzer.args(["run", &format!("{}/openapi.json", server.base), "--header", "Authorization: Bearer fuzzer-key"]);
    // An issue that is deleted goes to the archive, and is still shown: that is what the archive is for.
    fuzzer.args(["--exclude-checks", "use_after_free"]);
    // What is checked before the store is asked is the same on both: the second one gets what depends on it.
    let phases = match db.dialect() {
        "sqlite" => "examples,coverage,fuzzing,stateful",
        _ => "examples,stateful",
    };
    fuzzer.args(["--checks", "all", "--phases", phases, "--seed", &seed()]);
    // One worker: with more, Python 3.11's parser trips over its own threads. Its complaints about its own slowness are not about us.
    fuzzer.args(["--suppress-health-check", "all", "--workers", "1", "--continue-on-failure", "--no-color"]);
    tools::succeed(&mut fuzzer);
}
