//! Limits of the system: file sizes, processes.

use std::fs;

use common::cli::exit_code;
use common::failpoint::Failpoint;
use harness::{Injection, assert_error, secluded, test_env, wrapped};

/// Fault 53.
#[test]
fn a_limit_on_file_sizes_is_an_error_with_a_hint_and_leaves_nothing() {
    if !secluded!(a_limit_on_file_sizes_is_an_error_with_a_hint_and_leaves_nothing) {
        return;
    }
    let env = test_env!();
    let script = "ulimit -f 1; exec \"$0\" \"$@\"";
    for args in [&["--name", "limited"] as &[&str], &["create", "limited"]] {
        let finished = env.coordinator(args).with(wrapped(&["sh", "-c", script])).run();
        assert_error(&finished, exit_code::UNAVAILABLE, "File too large");
        assert!(finished.stderr.contains("hint: file sizes are limited here: ulimit -f unlimited\n"), "{finished:?}");
        assert_eq!(env.all_segments(), Vec::<std::path::PathBuf>::new());
    }
}

/// Faults 36 and 53: the file grows too large that stdout is.
#[test]
fn a_result_beyond_a_limit_on_file_sizes_is_on_stderr_too() {
    let env = test_env!();
    let full = env.path().join("full");
    fs::write(&full, vec![b'x'; 600_000]).expect("it can be written");
    let script = format!("ulimit -f 400; exec \"$0\" \"$@\" >> {}", full.display());
    let args = ["-w", "1", "-n", "10", "--delay", "0", "-q"];
    let finished = env.coordinator(args).with(wrapped(&["sh", "-c", &script])).run().expect(exit_code::INCOMPLETE);
    let said = "error: cannot write results to stdout: File too large (os error 27)\n\
                hint: file sizes are limited here: ulimit -f unlimited\n285\n";
    assert_eq!(finished.stderr, said);
}

/// Fault 53: who is killed by SIGXFSZ has the exit code 153 in a shell.
#[test]
fn a_command_has_the_default_action_for_files_that_grow_too_large() {
    let env = test_env!();
    let file = env.path().join("large");
    let grow = format!("sh -c 'ulimit -f 1; exec head -c 9999 /dev/zero > {}'", file.display());
    let command = format!("{grow}; echo $? # {{start}} {{end}}");
    let finished = env.coordinator(["-w", "1", "--delay", "0", "-q", "--exec", &command]).run();
    assert_eq!(finished.expect(exit_code::COMPLETE).stdout, "153\n");
}

/// Fault 53: a timeline beyond the limit is named, and changes no result.
#[test]
fn a_timeline_within_a_limit_on_file_sizes_has_spans_or_a_word() {
    let env = test_env!();
    let script = "ulimit -f 400; exec \"$0\" \"$@\"";
    let timeline = env.path().join("run.json");
    let run = |args: &[&str]| {
        let timeline = timeline.display().to_string();
        let timed = ["--delay", "0", "--timeline", &timeline];
        env.coordinator(args).args(timed).with(wrapped(&["sh", "-c", script])).run()
    };
    let finished = run(&["-n", "10"]).expect(exit_code::COMPLETE);
    assert!(finished.stderr.contains("note: the timeline may show only the first "), "{finished:?}");
    let text = fs::read_to_string(&timeline).expect("it is written");
    assert!(text.contains("\"compute\""), "{text}");

    let args = ["--split", "-n", "10000", "--chunk", "1", "-w", "2", "--type", "i64"];
    let finished = run(&args).expect(exit_code::INCOMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 333283335000\n"), "{finished:?}");
    assert!(finished.stderr.contains("error: cannot write the timeline "), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("hint: file sizes are limited here: ulimit -f unlimited\n"),
        "{}",
        finished.stderr
    );
}

/// Fault 55.
#[test]
fn a_command_that_cannot_be_started_now_is_started_later() {
    let env = test_env!();
    let run = |times| {
        let injection = Injection { failpoint: Failpoint::Commanding, action: "refuse", times };
        let args = ["-w", "1", "--delay", "0", "--restarts", "0", "--exec", "echo 1 # {start} {end}"];
        env.coordinator(args).inject(injection).run()
    };
    let finished = run(5).expect(exit_code::COMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 1\n"), "{finished:?}");
    let finished = run(1000).expect(exit_code::INCOMPLETE);
    assert!(finished.stderr.contains("cannot start sh (tried 8 times): "), "{}", finished.stderr);
}
