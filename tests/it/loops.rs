//! What the loops print at their end: every test that did not run and every check that was not made, by name.

use std::fs;
use std::path::Path;
use std::process::Command;

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    // This suite is a step of a loop itself.
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NOT_RUN_LIST").env_remove("GO_ON");
    command
}

/// The count of a real test binary of this source, line by line.
fn counted(source: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let [file, binary, output] = ["suite.rs", "suite", "output"].map(|name| folder.path().join(name));
    fs::write(&file, source).unwrap();
    assert!(command("rustc").args(["--edition=2024", "--test", "-o"]).args([&binary, &file]).status().unwrap().success());
    let run = command(binary.to_str().unwrap()).arg("--test-threads=1").output().unwrap();
    fs::write(&output, run.stdout).unwrap();
    let counted = command("tests/lib/results").arg(&output).output().unwrap();
    assert!(counted.status.success(), "{counted:?}");
    String::from_utf8(counted.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Runs these steps as a loop does; answers its exit code and everything that it printed.
fn looped(steps: &str) -> (Option<i32>, String) {
    let script =
        format!("set -euo pipefail; PROGRAM=loop; source tests/lib/servers.sh; source .ci/lib/steps.sh; exec 2>&1; {steps}; finish");
    let run = command("bash").args(["-c", &script]).output().unwrap();
    (run.status.code(), String::from_utf8(run.stdout).unwrap())
}

#[test]
fn a_test_that_did_not_run_is_named_with_its_reason() {
    let lines = counted(
        "#[test] fn works() {}
        #[test] #[ignore = \"there is no schema here\"] fn waits_for_a_schema() {}
        mod inner { #[test] #[ignore] fn waits() {} }
        #[test] fn fails() { panic!(\"test result: ok. 9 passed\") }",
    );
    let expected = ["1 passed, 1 failed, 2 did not run", "inner::waits: ignored", "waits_for_a_schema: ignored, there is no schema here"];
    assert_eq!(lines, expected);
}

#[test]
fn the_tests_behind_the_end_of_a_broken_binary_did_not_run() {
    let lines = counted("#[test] fn a() {} #[test] fn b() { std::process::abort() } #[test] fn c() {}");
    assert_eq!(lines, ["0 passed, 0 failed, 2 did not run", "2 more of 3 tests: the test binary ended before them"]);
}

#[test]
fn a_suite_that_ran_whole_has_nothing_to_name() {
    assert_eq!(counted("#[test] fn works() {}"), ["1 passed, 0 failed, 0 did not run"]);
}

#[test]
fn the_summary_names_a_check_that_was_not_made_apart_from_what_passed() {
    let (code, text) = looped("begin_steps 25; step format true; not_checked advisories 'no database'; step tests true");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("loop: passed: format, tests\n"), "{text}");
    assert!(text.contains("loop: NOT CHECKED: advisories: no database\n"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("loop: passed, NOT CHECKED: 1 "), "{text}");
}

#[test]
fn a_loop_fails_at_its_first_failure_or_names_them_all() {
    let steps = "begin_steps 25; step one false; step two true; step three false";
    let (code, text) = looped(steps);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("loop: FAILED: one\n") && !text.contains("two"), "{text}");
    let (code, text) = looped(&format!("GO_ON=yes; {steps}"));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("loop: passed: two\nloop: FAILED: one\nloop: FAILED: three\n"), "{text}");
}

#[test]
fn a_loop_names_what_a_loop_inside_it_did_not_check() {
    let inner = "step inner bash -c 'echo \"test a::b: ignored\" >>\"$NOT_RUN_LIST\"'";
    let (code, text) = looped(&format!("begin_steps 25; {inner}"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("loop: NOT CHECKED: test a::b: ignored\n"), "{text}");
}

#[test]
fn each_loop_is_documented() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/contributing.md")).unwrap();
    for name in ["`tests/run quick`", "`.ci/run`", "`.ci/full`"] {
        assert!(guide.contains(&format!("| {name} |")), "{name}");
    }
}
