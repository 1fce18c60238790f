//! Notices that are lost, processes that are out of reach, and processes that do not end.

use std::fs;
use std::process::Command;

use common::cli::exit_code;
use harness::ptrace::seize;
use harness::{HeldRun, assert_error, skip, test_env, until, which, wrapped};
use rustix::process::Signal;

fn can_inject() -> bool {
    let works = |strace| Command::new(strace).args(["-o", "/dev/null", "true"]).status().is_ok_and(|end| end.success());
    which("strace").is_some_and(works)
}

/// Fault 50: the call that would reap the last worker fails, and no further SIGCHLD comes.
#[test]
fn a_lost_exit_is_found_by_the_next_look() {
    const TEST: &str = "a_lost_exit_is_found_by_the_next_look";
    if !can_inject() {
        return skip(TEST, "no strace, or it may not trace");
    }
    let env = test_env!();
    let name = env.name("lost");
    for (error, when) in [("EINTR", "2+2"), ("ECHILD", "2+2"), ("ECHILD", "1+2")] {
        let inject = format!("inject=wait4:error={error}:when={when}");
        let strace = ["strace", "-o", "/dev/null", "-e", "trace=wait4", "-e", &inject];
        let args = ["--name", &name, "-w", "2", "-n", "10", "--delay", "100ms", "-q"];
        let finished = env.coordinator(args).with(wrapped(&strace)).run().expect(exit_code::COMPLETE);
        assert_eq!(finished.stdout, "570\n", "{finished:?}");
    }
}

/// The signal comes while it waits until stderr takes its error.
#[test]
fn a_signal_does_not_take_an_error_away() {
    const TEST: &str = "a_signal_does_not_take_an_error_away";
    if !can_inject() {
        return skip(TEST, "no strace, or it may not trace");
    }
    let env = test_env!();
    let strace =
        ["strace", "-o", "/dev/null", "-e", "trace=?poll,ppoll", "-e", "inject=?poll,ppoll:error=EINTR:when=1+2"];
    let finished = env.coordinator(["status", &env.name("none")]).with(wrapped(&strace)).run();
    assert_error(&finished, exit_code::UNAVAILABLE, "no segment");
}

/// Fault 46: a process out of reach takes the ticket of each launched worker, which dies, and gives it back later.
///
/// The worker is a script, and the process is a Python program: a record lock excludes an open file description lock.
#[test]
fn a_ticket_held_by_a_stranger_after_its_worker_died_leads_to_no_more_launches_than_restarts() {
    const TEST: &str = "a_ticket_held_by_a_stranger_after_its_worker_died_leads_to_no_more_launches_than_restarts";
    /// The byte of ticket 1: the first one of its slot.
    const HOLD: &str = "import fcntl, os, sys, time\n\
                        request, path = sys.argv[1:]\n\
                        while True:\n    \
                            if os.path.exists(request):\n        \
                                file = open(path, 'r+b')\n        \
                                fcntl.lockf(file, fcntl.LOCK_EX, 1, 4096)\n        \
                                os.unlink(request)\n        \
                                time.sleep(0.4)\n        \
                                file.close()\n    \
                            time.sleep(0.01)\n";
    let Some(python) = which("python3") else { return skip(TEST, "no python3") };
    let env = test_env!();
    let (name, request, launches) = (env.name("held"), env.path().join("request"), env.path().join("launches"));
    let worker = env.path().join("dies");
    let (wanted, counted) = (request.display(), launches.display());
    let script =
        format!("#!/bin/sh\necho >> {counted}\n: > {wanted}\nwhile [ -e {wanted} ]; do sleep 0.01; done\nkill -9 $$\n");
    fs::write(&worker, script).expect("it can be written");
    let is_executable = Command::new("chmod").arg("+x").arg(&worker).status().expect("chmod is there");
    assert!(is_executable.success());
    let path = env.segment(&name);
    let stranger = env.program(&python).args(["-c", HOLD]).args([&request, &path]).start();
    let worker = worker.display().to_string();
    let args = ["--name", &name, "-w", "1", "--restarts", "2", "--timeout", "60s", "--worker", &worker];
    let finished = env.coordinator(args).run().expect(exit_code::INCOMPLETE);
    drop(stranger);
    assert_eq!(fs::read_to_string(&launches).expect("it is there").lines().count(), 3, "{finished:?}");
    assert!(finished.stderr.contains("after 2 restarts"), "{finished:?}");
}

/// Fault 51: a dead process that another one traces cannot be reaped by its parent: it stands for one in state D.
#[test]
fn a_child_that_does_not_end_does_not_keep_a_second_ctrl_c_waiting() {
    const TEST: &str = "a_child_that_does_not_end_does_not_keep_a_second_ctrl_c_waiting";
    let env = test_env!();
    let name = env.name("unreaped");
    let running = env.sleeping_run(&name, "1h", &["-w", "1", "-v", "--grace", "1h"]);
    let status = env.status(&name).expect("it is there");
    let pid = status["workers"][0]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("it has a worker");
    let Ok(_seized) = seize(pid) else {
        running.signal(Signal::INT);
        let _ = running.finish();
        return skip(TEST, "tracing is not permitted");
    };
    running.signal(Signal::INT);
    until("the first one to be heard", || running.stderr().contains("stopping"));
    running.signal(Signal::INT);
    let finished = running.finish().expect(exit_code::INTERRUPTED);
    assert!(finished.stderr.contains(&format!("killed, and not gone after a second: pid {pid}\n")), "{finished:?}");
}

/// Fault 49: 70 dead workers that nobody has reaped, each with a chunk. Their ids still exist.
#[test]
fn the_last_worker_does_the_chunks_of_many_dead_ones_whose_ids_exist() {
    let env = test_env!();
    let name = env.create("zombies", &["--split", "-n", "80", "--chunk", "1", "-w", "80", "--delay", "1h"]);
    let holders: Vec<_> = (0..70).map(|_| env.worker(&name).start()).collect();
    env.until_status(&name, |status| status["split"]["given_out"] == "70");
    for holder in &holders {
        holder.signal(Signal::KILL);
    }
    until("all to be zombies", || holders.iter().all(harness::Running::has_ended));
    let _ = env.worker(&name).args(["--delay", "0"]).run().expect(exit_code::COMPLETE);
    let status = env.status(&name).expect("it is there");
    assert_eq!(
        (&status["complete"], &status["split"]["iterations_done"]),
        (&true.into(), &"80".into()),
        "{}",
        status["missing"]
    );
    drop(holders);
    env.remove(&name);
}

/// Fault 52: as under `nohup`, or in the background of a script.
#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    let env = test_env!();
    let held = HeldRun::new(&env);
    let name = env.name("ignored");
    let ignoring = ["sh", "-c", "trap '' INT TERM HUP; exec \"$0\" \"$@\""];
    let running = held.command("2", &["--name", &name]).with(wrapped(&ignoring)).start();
    env.until_status(&name, |status| {
        let workers = status["workers"].as_array();
        workers.is_some_and(|workers| workers.iter().all(|worker| worker["state"] == "computing"))
    });
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        // Both programs: they are one process group.
        running.signal_group(signal);
    }
    held.release();
    let finished = running.finish().expect(exit_code::COMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 2\n"), "{finished:?}");
}
