//! Clients that public generators make from the committed document, each at work on a running server. They are made anew each time.

use super::tools;
use crate::support::database::Database;
use crate::support::server::{KEY, Server};

crate::support::on_both_stores!(a_generated_python_client_works, a_generated_typescript_client_compiles_strictly_and_works);

async fn a_generated_python_client_works(db: Database) {
    let server = Server::start(&db.url());
    let shop = tools::workshop(&["client.py", "client.yaml"]);
    let mut generator = tools::python("openapi-python-client");
    generator.current_dir(&shop).args(["generate", "--meta", "none", "--fail-on-warning", "--config", "client.yaml"]);
    tools::succeed(generator.args(["--output-path", "issue_core", "--path"]).arg(tools::committed()));
    tools::succeed(tools::python("python").current_dir(&shop).args(["client.py", &server.base, KEY, db.dialect()]));
}

async fn a_generated_typescript_client_compiles_strictly_and_works(db: Database) {
    let server = Server::start(&db.url());
    let shop = tools::workshop(&["client.mts", "tsconfig.json"]);
    let mut generator = tools::node("openapi-typescript");
    tools::succeed(generator.current_dir(&shop).arg(tools::committed()).args(["--output", "issue_core.d.ts"]));
    tools::succeed(tools::node("tsc").current_dir(&shop).args(["--project", "."]));
    tools::succeed(std::process::Command::new("node").current_dir(&shop).args(["out/client.mjs", &server.base, KEY, db.dialect()]));
}
