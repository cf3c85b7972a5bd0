//! The recipe of the image, as far as it can be judged without building it.

use serde_norway::Value;

use super::tools::{python, root, succeed, text};
use crate::support::server::binary;

#[test]
fn a_linter_of_dockerfiles_finds_nothing_to_say() {
    succeed(python("hadolint").arg("--failure-threshold").arg("style").arg(root().join("Dockerfile")));
}

#[test]
fn the_image_is_empty_but_for_the_binary_and_does_not_run_as_root() {
    let recipe = text("Dockerfile");
    let last = recipe.rsplit("\nFROM ").next().unwrap();
    assert!(last.starts_with("scratch\n"), "{last}");
    assert!(!last.contains("\nRUN "), "there is no shell to run anything");
    for line in ["USER 65532:65532", "ENTRYPOINT [\"/issue-core\"]", "CMD [\"/issue-core\", \"healthcheck\"]", "EXPOSE 8765"] {
        assert!(last.contains(line), "{line}");
    }
    for label in ["title", "description", "licenses", "version", "revision"] {
        assert!(last.contains(&format!("org.opencontainers.image.{label}=")), "{label}");
    }
}

#[test]
fn compiler_and_version_of_the_recipe_are_those_of_the_package() {
    let (recipe, package) = (text("Dockerfile"), text("Cargo.toml"));
    let of = |name: &str| package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"')).unwrap();
    assert!(recipe.contains(&format!("FROM rust:{}.0-alpine", of("rust-version"))));
    assert!(recipe.contains(&format!("org.opencontainers.image.version=\"{}\"", of("version"))));
}

#[test]
fn the_image_has_the_binary_of_the_profile_that_is_made_for_it() {
    let (recipe, package) = (text("Dockerfile"), text("Cargo.toml"));
    let profile = package.split("[profile.dist]\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    for setting in ["inherits = \"release\"", "lto = \"thin\"", "codegen-units = 1", "strip = true"] {
        assert!(profile.contains(setting), "{setting} is not in {profile}");
    }
    let builds: Vec<&str> = recipe.lines().filter(|line| line.contains("cargo build")).collect();
    assert_eq!(builds.len(), 2, "the dependencies alone, and the service");
    assert!(builds.iter().all(|line| line.contains("--profile dist ")), "{builds:?}");
    assert!(recipe.contains("cp target/dist/issue-core "));
}

#[test]
fn what_the_recipe_copies_is_let_through_and_nothing_else_is() {
    let (recipe, ignored) = (text("Dockerfile"), text(".dockerignore"));
    let copied = recipe.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from"));
    let mut copied: Vec<&str> = copied.flat_map(|line| line.rsplit_once(' ').unwrap().0.split(' ')).collect();
    let mut rules = ignored.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rules.next(), Some("*"), "everything is kept out first");
    let mut let_through: Vec<&str> = rules.map(|line| line.strip_prefix('!').unwrap()).collect();
    copied.sort_unstable();
    let_through.sort_unstable();
    assert_eq!(copied, let_through);
    for path in copied {
        assert!(root().join(path).exists(), "{path}");
    }
}

#[test]
fn the_compose_file_starts_the_service_with_settings_it_knows() {
    let mut stack: Value = serde_norway::from_str(&text("compose.yaml")).unwrap();
    stack.apply_merge().unwrap();
    let services = stack["services"].as_mapping().unwrap();
    for (name, service) in services {
        let image = service["image"].as_str().unwrap();
        assert!(image == "issue-core:local" || image.rsplit_once(':').is_some_and(|(_, tag)| tag.contains('.')), "{name:?}: {image}");
        let depends = service["depends_on"].as_mapping().into_iter().flatten();
        depends.for_each(|(on, _)| assert!(services.contains_key(on), "{name:?} waits for {on:?}"));
    }
    for name in ["issue-core", "migrate"] {
        let mut command = binary();
        for (variable, value) in stack["services"][name]["environment"].as_mapping().unwrap() {
            // As compose does with an unset variable.
            let value = value.as_str().unwrap();
            let default =
                value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')?.split_once(":-")).map_or(value, |(_, default)| default);
            command.env(variable.as_str().unwrap(), default);
        }
        succeed(command.args(["config", "check"]).env("ISSUE_CORE__SERVER__BIND", "0.0.0.0:8765"));
    }
}
