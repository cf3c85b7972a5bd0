//! The document in the eyes of a public linter.

use super::tools;

#[test]
fn a_public_linter_finds_nothing_to_say() {
    let mut linter = tools::node("spectral");
    linter.args(["lint", "--fail-severity", "hint", "--ruleset"]).arg(tools::own("spectral.yaml")).arg(tools::committed());
    tools::succeed(&mut linter);
}
