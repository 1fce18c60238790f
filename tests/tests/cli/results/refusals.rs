//! Folders that take no result: no permission, a limit for files, a name that is taken while the shard computes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::cli::exit_code::{COMPLETE, INCOMPLETE, OVERFLOW, UNAVAILABLE};
use harness::{
    Command, HeldRun, ResultsFolder, Running, TestEnv, assert_error, secluded, skip, test_env, until, wrapped,
};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Root may write anywhere until it drops that capability.
const POWERLESS: [&str; 3] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];

fn may_drop_power(env: &TestEnv, test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    let may = !is_root || env.program(Path::new("true")).with(wrapped(&POWERLESS)).run().code == Some(0);
    if !may {
        skip(test, "setpriv is not permitted to drop capabilities");
    }
    may
}

fn powerless(command: Command) -> Command {
    if rustix::process::geteuid().is_root() { command.with(wrapped(&POWERLESS)) } else { command }
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the permissions can be set");
}

#[test]
fn a_folder_without_permission_is_refused_before_any_work() {
    if !secluded!(a_folder_without_permission_is_refused_before_any_work) {
        return;
    }
    let env = test_env!();
    if !may_drop_power(&env, "a_folder_without_permission_is_refused_before_any_work") {
        return;
    }
    let folder = ResultsFolder::new(&env, "results");
    let marker = env.path().join("marker");
    let command = format!("echo {{start}} | tee {}", marker.display());
    let run = |shard: &str| {
        powerless(folder.run(&["-n", "100", "--chunk", "50", "--shard", shard, "--exec", &command])).run()
    };
    let refused = |shard: &str, case: &str| {
        let finished = run(shard);
        assert_error(&finished, UNAVAILABLE, "Permission denied");
        assert!(finished.stderr.contains("\nhint: "), "{case}: {finished:?}");
        assert!(!marker.exists() && folder.segments().is_empty(), "{case}");
    };
    fs::create_dir(folder.path()).expect("it can be made");
    permit(folder.path(), 0o555);
    refused("0/2", "an empty folder, read-only");
    permit(folder.path(), 0o000);
    refused("0/2", "an empty folder, closed");
    permit(folder.path(), 0o755);
    let _ = run("0/2").expect(COMPLETE);
    fs::remove_file(&marker).expect("the command ran");
    permit(folder.path(), 0o555);
    refused("1/2", "a folder with a job, read-only");
    assert_eq!(run("0/2").expect(COMPLETE).stdout, "Final shared value: 0\n");
    permit(folder.path(), 0o755);
    let _ = run("1/2").expect(COMPLETE);
    let closed = env.path().join("closed");
    fs::create_dir(&closed).expect("it can be made");
    permit(&closed, 0o555);
    let inside = env.coordinator(["--split", "-n", "10", "--results"]).args([closed.join("new")]);
    assert_error(&powerless(inside).run(), UNAVAILABLE, "Permission denied");
}

/// A run that waits in its first chunk, and has its segment.
fn waiting(folder: &ResultsFolder<'_>, held: &HeldRun<'_>) -> (Running, Vec<String>) {
    let command = format!("{}; echo {{start}}", held.wait());
    let args = ["-n", "100", "--chunk", "50", "-w", "1", "--exec", &command].map(str::to_owned).to_vec();
    let run = folder.run(&[]).args(&args).args(["-v"]).start();
    until("the worker to be there", || run.stderr().contains("launched Process-1"));
    (run, args)
}

/// Fault 69.
#[test]
fn a_limit_for_files_keeps_the_work_and_the_same_command_leaves_the_result_without_it() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let (run, args) = waiting(&folder, &held);
    let pid = Pid::from_raw(run.pid().cast_signed());
    // Room for a part of the result.
    prlimit(pid, Resource::Fsize, Rlimit { current: Some(100), maximum: Some(100) }).expect("it is a child");
    held.release();
    let limited = run.finish().expect(INCOMPLETE);
    assert!(limited.stdout.ends_with("Final shared value: 50\n"), "{limited:?}");
    assert!(limited.stderr.contains("error: cannot leave the result in "), "{limited:?}");
    assert!(limited.stderr.contains("hint: file sizes are limited here: ulimit -f unlimited; then run"), "{limited:?}");
    assert!(limited.stderr.contains("finish it: run the same command again"), "{limited:?}");
    assert_eq!(folder.names(), ["job.json"]);
    held.hold_again();
    // It would wait for ever if it computed anything.
    let again = folder.run(&[]).args(&args).run().expect(COMPLETE);
    assert!(again.stdout.ends_with("Final shared value: 50\n"), "{again:?}");
    assert_eq!(folder.names(), ["0-100.json", "job.json"]);
}

#[test]
fn what_takes_the_name_while_the_shard_computes_and_is_no_result_is_renamed() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let (run, _) = waiting(&folder, &held);
    folder.write("0-100.json", "half a res");
    held.release();
    let finished = run.finish().expect(COMPLETE);
    assert!(finished.stderr.contains("it is renamed to 0-100.json.damaged"), "{finished:?}");
    assert_eq!(folder.names(), ["0-100.json", "0-100.json.damaged", "job.json"]);
    assert_eq!(folder.json("0-100.json")["total"], "50");
}

/// The run holds the folder, under whatever name.
#[test]
fn a_folder_that_is_renamed_gets_the_result_and_one_that_is_removed_keeps_the_work() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let (run, args) = waiting(&folder, &held);
    let elsewhere = env.path().join("elsewhere");
    fs::rename(folder.path(), &elsewhere).expect("it can be renamed");
    held.release();
    let _ = run.finish().expect(COMPLETE);
    assert!(elsewhere.join("0-100.json").exists() && !folder.path().exists());
    held.hold_again();
    fs::rename(&elsewhere, folder.path()).expect("it can be renamed");
    fs::remove_file(folder.path().join("0-100.json")).expect("it is there");
    let run = folder.run(&[]).args(&args).args(["-v"]).start();
    until("the worker to be there", || run.stderr().contains("launched Process-1"));
    let job = fs::read(folder.path().join("job.json")).expect("it is there");
    fs::remove_dir_all(folder.path()).expect("it can be removed");
    held.release();
    let lost = run.finish().expect(INCOMPLETE);
    assert!(lost.stdout.ends_with("Final shared value: 50\n"), "{lost:?}");
    assert!(lost.stderr.contains("error: cannot leave the result in "), "{lost:?}");
    fs::create_dir(folder.path()).expect("it can be made");
    fs::write(folder.path().join("job.json"), job).expect("it can be written");
    held.hold_again();
    let again = folder.run(&[]).args(&args).run().expect(COMPLETE);
    assert!(again.stdout.ends_with("Final shared value: 50\n"), "{again:?}");
}

#[test]
fn a_sum_that_does_not_fit_leaves_no_result_however_often_it_is_started() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let args = ["-n", "5000", "--chunk", "100", "-w", "1", "--overflow", "error"];
    for _ in 0..2 {
        let refused = folder.run(&args).run().expect(OVERFLOW);
        assert!(refused.stderr.contains("1800 of 5000 iterations are applied; look at it: "), "{refused:?}");
        assert_eq!(folder.names(), ["job.json"]);
    }
    env.remove(&folder.segment("0-5000"));
}
