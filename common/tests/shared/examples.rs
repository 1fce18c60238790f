//! The example programs, as cargo has built them beside the tests.

use std::env;
use std::process::Command;

/// What the example printed; nothing if it was not built, which `cargo test` does and `cargo test --test` does not.
fn run(example: &str) -> Option<String> {
    let test = env::current_exe().expect("the test knows its executable");
    let program = test.parent()?.parent()?.join("examples").join(example);
    if !program.exists() {
        common::say(&format!("SKIPPED {example}: it is not built\n"));
        return None;
    }
    let output = Command::new(program).output().expect("it can be started");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stderr.is_empty(), "{}: {stdout}{stderr}", output.status);
    Some(stdout.into_owned())
}

#[test]
fn program_b_prints_what_the_python_program_prints() {
    let Some(printed) = run("program_b") else { return };
    let lines: Vec<&str> = printed.lines().collect();
    let [updates @ .., last] = &lines[..] else { panic!("it prints something") };
    assert_eq!(*last, "Final shared value: -1958387328");
    let values = ["584144992", "1168289984", "1752434976", "-1958387328"];
    let mut names = Vec::new();
    for (update, value) in updates.iter().zip(values) {
        let (name, value_then) = update.split_once(" updated shared value to ").expect("it is about an update");
        assert_eq!(value_then, value, "{printed}");
        names.push(name);
    }
    names.sort_unstable();
    assert_eq!(names, ["Process Process-1", "Process Process-2", "Process Process-3", "Process Process-4"]);
    assert_eq!(updates.len(), 4);
}

#[test]
fn the_histogram_counts_each_square_once() {
    let Some(printed) = run("histogram") else { return };
    let counts: Vec<u32> = printed.lines().filter_map(|line| line.split_whitespace().last()?.parse().ok()).collect();
    assert_eq!(counts, [191_569, 146_991, 123_916, 109_179, 98_699, 90_769, 84_482, 79_345, 75_050]);
}
