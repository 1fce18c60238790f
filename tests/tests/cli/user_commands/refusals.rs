//! Where `--exec-log` is refused before any work, and where a log is lost and nothing else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use common::cli::exit_code::{COMPLETE, UNAVAILABLE, USAGE};
use harness::{assert_error, skip, test_env, wrapped};

use super::{SPLIT, folder, log, names, says};

#[test]
fn a_folder_that_cannot_be_used_is_refused_before_any_work() {
    let env = test_env!();
    let (file, ran) = (env.path().join("file"), env.path().join("ran"));
    fs::write(&file, "").expect("it can be written");
    let command = format!("touch {}; echo 1 # {{start}} {{end}}", ran.display());
    for (path, hint) in [(file.clone(), "name a folder"), (env.path().join("none/logs"), "mkdir -p ")] {
        let finished = env.coordinator(SPLIT).args([&command, "--exec-log", &path.display().to_string()]).run();
        assert_error(&finished, UNAVAILABLE, &format!("cannot use the folder of --exec-log {}: ", path.display()));
        assert!(finished.stderr.contains(hint), "{finished:?}");
    }
    assert!(!ran.exists() && env.segments().is_empty());
}

#[test]
fn a_folder_of_somebody_else_is_refused_before_any_work() {
    if !rustix::process::geteuid().is_root() {
        skip("a_folder_of_somebody_else_is_refused_before_any_work", "root alone can become somebody else");
        return;
    }
    let env = test_env!();
    let logs = folder(&env);
    fs::create_dir(&logs).expect("it can be made");
    for path in [&logs, env.path()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("they can be set");
    }
    let nobody = ["setpriv", "--reuid", "65534", "--clear-groups"];
    let run = env.coordinator(SPLIT).args(["echo 1 # {start}", "--exec-log", &logs.display().to_string()]);
    let finished = run.with(wrapped(&nobody)).run();
    assert_error(&finished, UNAVAILABLE, "Permission denied");
    assert!(finished.stderr.contains("hint: this user must be able to write to it: ls -la "), "{finished:?}");
}

#[test]
fn without_a_command_there_is_nothing_to_log() {
    let env = test_env!();
    let (name, logs) = (env.name("no-command"), folder(&env));
    let log = ["--exec-log", &logs.display().to_string()].map(str::to_owned);
    for (args, reason) in [(&[][..], "--exec"), (&["--kernel", "prime-count"], "--exec-log")] {
        assert_error(&env.coordinator(args).args(&log).run(), USAGE, reason);
    }
    let run = ["--name", &name, "--keep", "-w", "1", "-n", "9", "--delay", "0"];
    let _ = env.coordinator(run).run().expect(COMPLETE);
    let finished = env.coordinator(["resume", &name]).args(&log).run();
    assert_error(&finished, USAGE, &format!("the run of segment \"{name}\" has no --exec"));
    env.remove(&name);
    assert!(!logs.exists());
}

/// Fault 76: what others have put in the place of a log is left alone.
#[test]
fn a_log_that_cannot_be_written_is_noted_once_and_costs_no_result() {
    let env = test_env!();
    let (logs, target) = (folder(&env), env.path().join("target"));
    fs::create_dir(&logs).expect("it can be made");
    fs::write(&target, "").expect("it can be written");
    symlink(&target, logs.join("0-1.log")).expect("it can be made");
    fs::hard_link(&target, logs.join("1-2.log")).expect("it can be made");
    rustix::fs::mkfifoat(rustix::fs::CWD, logs.join("2-3.log"), 0o600.into()).expect("it can be made");
    fs::create_dir(logs.join("3-4.log")).expect("it can be made");
    let command = "echo hello >&2; echo 1 # {start} {end}";
    let run = ["--split", "-n", "5", "--chunk", "1", "-w", "1", "--keep=never", "--exec", command];
    let finished = env.coordinator(run).args(["--exec-log", &logs.display().to_string()]).run().expect(COMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 5\n"), "{finished:?}");
    assert_eq!(finished.stderr.matches("cannot write the log").count(), 1, "{finished:?}");
    says(&finished, &format!("Process-1: cannot write the log {}/0-1.log: ", logs.display()));
    assert_eq!(fs::read_to_string(&target).expect("it is there"), "");
    assert_eq!(log(&logs, "4-5.log"), "== attempt 1 of Process-1\nhello\n== exit code 0\n");
}

/// Faults 53 and 76.
#[test]
fn a_log_beyond_a_limit_on_file_sizes_costs_no_result() {
    let env = test_env!();
    let logs = folder(&env);
    let command = "head -c 900000 /dev/zero | tr '\\0' x >&2; echo 1 # {start} {end}";
    let run = env.coordinator(SPLIT).args([command, "--exec-log", &logs.display().to_string()]);
    let limited = run.with(wrapped(&["sh", "-c", "ulimit -f 400; exec \"$0\" \"$@\""])).run().expect(COMPLETE);
    assert!(limited.stdout.ends_with("Final shared value: 2\n"), "{limited:?}");
    assert_eq!(limited.stderr.matches("File too large").count(), 1, "{limited:?}");
    assert_eq!(names(&logs), ["0-2.log", "2-4.log"]);
}
