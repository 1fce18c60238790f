//! What `--exec-log` keeps.

use std::fs;

use common::cli::exit_code::{COMPLETE, INCOMPLETE};
use harness::{test_env, until};

use super::{SPLIT, folder, log, names, says};

/// A command that fails for 2..4 until there is a file, and writes to stderr all the same.
fn moody(good: &std::path::Path) -> String {
    format!("echo working on {{start}} >&2; [ {{start}} = 0 ] || [ -e {} ] || exit 3; echo 1 # {{end}}", good.display())
}

#[test]
fn a_log_has_each_attempt_with_its_worker_and_its_end_also_after_a_resume() {
    let env = test_env!();
    let (logs, good, name) = (folder(&env), env.path().join("good"), env.name("moody"));
    let (run, command) = (SPLIT.map(|word| if word == "--keep=never" { "--keep" } else { word }), moody(&good));
    let options = ["--name", &name, "--restarts", "1", "--exec-log", &logs.display().to_string()].map(str::to_owned);
    let _ = env.coordinator(run).args([&command]).args(&options).run().expect(INCOMPLETE);
    assert_eq!(names(&logs), ["0-2.log", "2-4.log"]);
    assert_eq!(log(&logs, "0-2.log"), "== attempt 1 of Process-1\nworking on 0\n== exit code 0\n");
    let attempt = |number| format!("== attempt {number} of Process-1\nworking on 2\n== exit code 3\n");
    let failed = [attempt(1), attempt(2)].concat();
    assert_eq!(log(&logs, "2-4.log"), failed);
    fs::write(&good, "").expect("it can be written");
    // A relative folder is of where the coordinator is.
    let resumed = env.coordinator(["resume", &name, "--exec-log", "logs"]);
    let _ = resumed.with(|coordinator| _ = coordinator.current_dir(env.path())).run().expect(COMPLETE);
    let text = log(&logs, "2-4.log");
    let last = text.strip_prefix(&failed).expect("what was there stays");
    assert!(
        last.ends_with("\nworking on 2\n== exit code 0\n") && last.starts_with("== attempt 1 of Process-"),
        "{text}"
    );
}

#[test]
fn who_succeeds_in_silence_leaves_no_log_and_who_fails_leaves_one() {
    let env = test_env!();
    let logs = folder(&env);
    let command = "[ {start} = 0 ] && echo 1 || echo many # {end}";
    let run = env.coordinator(SPLIT).args([command, "--restarts", "0", "--exec-log", &logs.display().to_string()]);
    let _ = run.run().expect(INCOMPLETE);
    assert_eq!(names(&logs), ["2-4.log"]);
    assert_eq!(log(&logs, "2-4.log"), "== attempt 1 of Process-1\n== not a number: \"many\"\n");
}

#[test]
fn workers_with_the_same_range_have_a_log_each() {
    let env = test_env!();
    let logs = folder(&env);
    let command = "echo from $KILLPROOF_WORKER >&2; echo 1";
    let run = ["-n", "9", "-w", "3", "--delay", "0", "--exec", command, "--exec-log", &logs.display().to_string()];
    let _ = env.coordinator(run).run().expect(COMPLETE);
    assert_eq!(names(&logs), [1, 2, 3].map(|worker| format!("0-9.process-{worker}.log")));
    for worker in [1, 2, 3] {
        let expected = format!("== attempt 1 of Process-{worker}\nfrom {worker}\n== exit code 0\n");
        assert_eq!(log(&logs, &format!("0-9.process-{worker}.log")), expected);
    }
}

#[test]
fn all_of_a_long_stderr_is_kept_also_of_a_command_that_takes_too_long() {
    let env = test_env!();
    let logs = folder(&env);
    let noise = "head -c 1000000 /dev/zero | tr '\\0' x >&2";
    let command = format!("{noise}; [ {{start}} = 0 ] || sleep 1h; echo 1 # {{end}}");
    let more =
        ["--exec-timeout", "2s", "--restarts", "0", "--exec-log", &logs.display().to_string()].map(str::to_owned);
    let _ = env.coordinator(SPLIT).args([&command]).args(&more).run().expect(INCOMPLETE);
    let noise = "x".repeat(1_000_000);
    assert_eq!(log(&logs, "0-2.log"), format!("== attempt 1 of Process-1\n{noise}\n== exit code 0\n"));
    assert_eq!(log(&logs, "2-4.log"), format!("== attempt 1 of Process-1\n{noise}\n== took longer than 2s\n"));
}

#[test]
fn a_worker_that_is_killed_leaves_what_was_written_and_the_next_attempt_begins_a_line() {
    let env = test_env!();
    let (logs, once) = (folder(&env), env.path().join("once"));
    // The command ends its worker once the log has what it wrote.
    let seen = format!("until grep -q begun {}/0-2.log; do sleep 0.01; done", logs.display());
    let deadly = format!("if ! [ -e {0} ]; then touch {0}; {seen}; kill -9 $PPID; sleep 1; fi", once.display());
    let command = format!("printf 'begun, but no end' >&2; {deadly}; echo 1 # {{start}} {{end}}");
    let run = env.coordinator(SPLIT).args([&command, "--exec-log", &logs.display().to_string()]);
    says(&run.run().expect(COMPLETE), "was killed by signal 9 (SIGKILL) with chunk 0..2");
    let attempt = "== attempt 1 of Process-1\nbegun, but no end\n";
    assert_eq!(log(&logs, "0-2.log"), format!("{attempt}{attempt}== exit code 0\n"));
}

#[test]
fn a_run_that_is_stopped_says_so_in_its_log() {
    let env = test_env!();
    let logs = folder(&env);
    let command = "echo begun >&2; sleep 1h # {start} {end}";
    let run = env.coordinator(SPLIT).args([command, "--exec-log", &logs.display().to_string()]).start();
    until("the command to write", || fs::read_to_string(logs.join("0-2.log")).is_ok_and(|text| text.contains("begun")));
    run.signal(rustix::process::Signal::INT);
    let _ = run.finish().expect(130);
    assert_eq!(log(&logs, "0-2.log"), "== attempt 1 of Process-1\nbegun\n== stopped\n");
}
