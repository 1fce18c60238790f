//! Several starts of one shard on one machine, of which some are killed, and `resume` with other folders.

use std::time::Duration;
use std::{fs, thread};

use common::cli::exit_code::{COMPLETE, INCOMPLETE, TIMEOUT, UNAVAILABLE, USAGE};
use harness::{HeldRun, ResultsFolder, Running, assert_error, test_env, until};
use rustix::process::Signal;

#[test]
fn of_many_starts_at_once_one_computes_and_all_print_its_result() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let calls = env.path().join("calls");
    let command = format!("echo {{start}} >> {}; echo {{start}}", calls.display());
    let args = ["-n", "100", "--chunk", "10", "-w", "2", "--exec", &command];
    let starts: Vec<Running> = (0..8).map(|_| folder.run(&args).start()).collect();
    for start in starts {
        let finished = start.finish().expect(COMPLETE);
        assert!(finished.stdout.ends_with("Final shared value: 450\n"), "{finished:?}");
    }
    assert_eq!(folder.names(), ["0-100.json", "job.json"]);
    assert_eq!(fs::read_to_string(calls).expect("it ran").lines().count(), 10, "each chunk is computed once");
}

/// Fault 68.
#[test]
fn a_start_that_waits_takes_up_the_work_of_one_that_is_killed() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let calls = env.path().join("calls");
    let command =
        format!("echo {{start}} >> {}; test {{start}} -lt 50 || {}; echo {{start}}", calls.display(), held.wait());
    let args = ["-n", "100", "--chunk", "10", "-w", "1", "--exec", &command];
    let first = folder.run(&args).start();
    until("the first to be at its sixth chunk", || {
        fs::read_to_string(&calls).is_ok_and(|calls| calls.lines().count() == 6)
    });
    let waiting = [folder.run(&args).start(), folder.run(&args).start()];
    for start in &waiting {
        until("the others to wait", || start.stderr().contains("waiting for it"));
    }
    first.signal_group(Signal::KILL);
    assert_eq!(first.finish().signal, Some(9));
    until("one of them to be at the sixth chunk", || {
        fs::read_to_string(&calls).is_ok_and(|calls| calls.lines().count() == 7)
    });
    held.release();
    for start in waiting {
        let finished = start.finish().expect(COMPLETE);
        assert!(finished.stdout.ends_with("Final shared value: 450\n"), "{finished:?}");
    }
    let calls = fs::read_to_string(calls).expect("it ran");
    assert_eq!(calls.lines().collect::<Vec<_>>(), ["0", "10", "20", "30", "40", "50", "50", "60", "70", "80", "90"]);
}

/// The command of the second start sleeps for less than that start's timeout, but for longer than what the wait leaves of it.
#[test]
fn a_start_that_waits_and_takes_up_gives_up_when_its_timeout_has_passed_since_it_began() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let calls = env.path().join("calls");
    let (log, never_ending) = (calls.display(), held.wait());
    let command =
        format!("echo {{start}} >> {log}; case $(wc -l < {log}) in 1) {never_ending};; 2) sleep 3.5;; esac; echo 5");
    let args = ["-n", "100", "--chunk", "100", "-w", "1", "--exec", &command];
    let first = folder.run(&args).start();
    until("the first to compute", || fs::read_to_string(&calls).is_ok_and(|calls| calls.ends_with('\n')));
    let second = folder.run(&args).args(["--timeout", "4s"]).start();
    until("the second to wait", || second.stderr().contains("waiting for it"));
    // So much of its timeout passes while it waits.
    thread::sleep(Duration::from_secs(1));
    first.signal_group(Signal::KILL);
    assert_eq!(first.finish().signal, Some(9));
    let second = second.finish().expect(TIMEOUT);
    assert!(second.stderr.contains("run the same command again"), "{second:?}");
    let again = folder.run(&args).run().expect(COMPLETE);
    assert!(again.stdout.ends_with("Final shared value: 5\n"), "{again:?}");
}

/// Its result would be one of the other job.
#[test]
fn a_kept_part_is_not_resumed_into_another_folder() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let cure = env.path().join("cure");
    let command = format!("test {{start}} = 0 -o -e {} && echo {{start}}", cure.display());
    let args = ["-n", "100", "--chunk", "50", "--restarts", "0", "--exec", &command];
    let _ = folder.run(&args).run().expect(INCOMPLETE);
    let name = folder.segment("0-100");
    fs::write(&cure, "").expect("it can be written");
    // The same terms, and another job.
    let other = ResultsFolder::new(&env, "other");
    let _ = other.run(&args).run().expect(COMPLETE);
    let resume = |path: &std::path::Path| env.coordinator(["resume", &name, "--results"]).args([path]).run();
    assert_error(&resume(other.path()), USAGE, "does not go into");
    assert_error(&resume(&env.path().join("nowhere")), UNAVAILABLE, "No such file or directory");
    assert_error(&resume(&cure), UNAVAILABLE, "Not a directory");
    assert_eq!(
        (folder.names(), other.names()),
        (vec!["job.json".into()], vec!["0-100.json".into(), "job.json".into()])
    );
    let _ = resume(folder.path()).expect(COMPLETE);
    assert_eq!(folder.names(), ["0-100.json", "job.json"]);
}

#[test]
fn a_shard_of_another_job_starts_no_command() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let marker = env.path().join("marker");
    let args = |command: &str| ["-n", "100", "--shard", "1/2", "--exec", command].map(str::to_owned);
    let _ = folder.run(&["-n", "100", "--shard", "0/2", "--exec", "echo {start}"]).run().expect(COMPLETE);
    let command = format!("echo {{start}} | tee {}", marker.display());
    assert_error(&folder.run(&[]).args(args(&command)).run(), USAGE, "command is \"echo {start}\" there");
    assert!(!marker.exists() && folder.segments().is_empty() && folder.names() == ["0-50.json", "job.json"]);
    let _ = folder.run(&[]).args(args("echo {start}")).run().expect(COMPLETE);
}
