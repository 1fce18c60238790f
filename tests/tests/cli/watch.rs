//! `status --watch`, stopped processes in `status`, and SIGUSR1: none of them disturbs the run.

use std::collections::BTreeSet;
use std::io::pipe;
use std::process::Stdio;

use common::cli::exit_code::{COMPLETE, INCOMPLETE, INTERRUPTED, UNAVAILABLE};
use harness::{Terminal, TestEnv, test_env, until};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The process of that worker.
fn process(status: &Value, worker: usize) -> Pid {
    let pid = status["workers"][worker]["pid"].as_i64().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    pid.expect("it has a process")
}

/// What `status` says.
fn status(env: &TestEnv, name: &str) -> String {
    env.coordinator(["status", name]).run().expect(COMPLETE).stdout
}

fn last_table(stdout: &str) -> &str {
    stdout.rsplit("\n\n").next().unwrap_or(stdout)
}

#[test]
fn a_watch_ends_with_the_run_and_shows_how_it_ended() {
    let env = test_env!();
    for (keep, end) in [(&[][..], "finished, asked to stop, removed"), (&["--keep"], "finished, asked to stop;")] {
        let name = env.name("ends");
        let running = env.sleeping_run(&name, "1h", keep);
        let watching = env.coordinator(["status", &name, "--watch"]).start();
        until("the run to be shown", || watching.stdout().contains("sleeping"));
        let _ = env.coordinator(["stop", "--now", &name]).run().expect(COMPLETE);
        let watched = watching.finish().expect(COMPLETE);
        let _ = running.finish().expect(INCOMPLETE);
        let table = last_table(&watched.stdout);
        assert!(table.starts_with(&format!("{name}: {end}")), "{watched:?}");
        assert_eq!(table.contains("next: "), !keep.is_empty(), "{watched:?}");
        if !keep.is_empty() {
            env.remove(&name);
        }
    }
}

#[test]
fn a_watch_shows_each_contribution_by_hand_and_ends_with_the_last_one() {
    let env = test_env!();
    let name = env.create("hand", &["-w", "2"]);
    let watching = env.coordinator(["status", &name, "--watch"]).start();
    for done in 0..2 {
        until("the contributions to be shown", || watching.stdout().contains(&format!("{done} of 2 contributions")));
        let _ = env.worker(&name).run().expect(COMPLETE);
    }
    let watched = watching.finish().expect(COMPLETE);
    assert!(last_table(&watched.stdout).contains("2 of 2 contributions"), "{watched:?}");
    env.remove(&name);
}

#[test]
fn a_watch_as_json_is_an_object_a_line_and_none_twice() {
    let env = test_env!();
    let name = env.create("lines", &["-w", "2"]);
    let watching = env.coordinator(["status", &name, "--watch", "--format", "json"]).start();
    until("the first line", || watching.stdout().ends_with('\n'));
    for _ in 0..2 {
        let _ = env.worker(&name).run().expect(COMPLETE);
    }
    let watched = watching.finish().expect(COMPLETE);
    let mut seen = BTreeSet::new();
    for line in watched.lines() {
        let mut object: Value = serde_json::from_str(line).expect("it is JSON");
        object["elapsed_s"] = Value::Null;
        for worker in object["workers"].as_array_mut().expect("workers are an array") {
            worker["time_s"] = Value::Null;
        }
        assert!(seen.insert(object.to_string()), "twice: {line}");
    }
    let last: Value = serde_json::from_str(watched.lines().last().expect("there is a line")).expect("it is JSON");
    assert_eq!((&last["contributions"]["done"], &last["complete"]), (&2.into(), &true.into()));
    env.remove(&name);
}

#[test]
fn who_watches_keeps_nobody_from_removing() {
    let env = test_env!();
    let name = env.create("free", &[]);
    let watching = env.coordinator(["status", &name, "--watch"]).start();
    until("the segment to be shown", || watching.stdout().contains("next: "));
    env.remove(&name);
    let watched = watching.finish().expect(COMPLETE);
    assert!(last_table(&watched.stdout).starts_with(&format!("{name}: open, removed;")), "{watched:?}");
}

#[test]
fn a_watch_ends_at_ctrl_c_and_leaves_the_run_alone() {
    let env = test_env!();
    let name = env.create("interrupted", &[]);
    let watching = env.coordinator(["status", &name, "--watch"]).start();
    until("the segment to be shown", || watching.stdout().contains("next: "));
    watching.signal(Signal::INT);
    let _ = watching.finish().expect(INTERRUPTED);
    assert!(status(&env, &name).contains("open; "));
    env.remove(&name);
}

#[test]
fn a_watch_of_a_run_of_which_everyone_is_killed_says_how_to_finish_it() {
    let env = test_env!();
    let name = env.name("stale");
    let running = env.sleeping_run(&name, "1h", &[]);
    let watching = env.coordinator(["status", &name, "--watch"]).start();
    until("the run to be shown", || watching.stdout().contains("sleeping"));
    running.signal_group(Signal::KILL);
    let watched = watching.finish().expect(INCOMPLETE);
    let table = last_table(&watched.stdout);
    assert!(table.starts_with(&format!("{name}: stale;")), "{watched:?}");
    assert!(table.contains(&format!("next: coordinator resume {name}")), "{watched:?}");
    assert!(watched.stderr.contains("its coordinator is dead"), "{watched:?}");
    env.remove(&name);
}

#[test]
fn there_is_nothing_to_watch_without_a_segment() {
    let env = test_env!();
    let _ = env.coordinator(["status", &env.name("none"), "--watch"]).run().expect(UNAVAILABLE);
}

#[test]
fn on_a_terminal_a_watch_draws_in_place_and_never_more_than_fits() {
    const ROWS: u16 = 12;
    const COLUMNS: u16 = 50;
    let env = test_env!();
    let name = env.create("drawn", &["-w", "30"]);
    let terminal = Terminal::new(ROWS, COLUMNS);
    let watching = env.coordinator(["status", &name, "--watch"]).plain_environment();
    let watching = watching.start_on(terminal.line(), Stdio::null());
    for _ in 0..30 {
        let _ = env.worker(&name).args(["-q"]).run().expect(COMPLETE);
    }
    let _ = watching.finish().expect(COMPLETE);
    let shown = terminal.finish();
    let mut frames = shown.split("\x1b[H");
    assert_eq!(frames.next().map(|before| before.trim_end_matches("\r\n")), Some(""), "what was there scrolls up");
    let frames: Vec<&str> = frames.collect();
    for frame in &frames {
        let lines: Vec<&str> = frame.strip_suffix("\x1b[J").expect("what is below is cleared").lines().collect();
        assert!(lines.len() < ROWS.into(), "{frame}");
        for line in lines {
            let line = line.strip_suffix("\x1b[K").expect("the rest of the line is cleared");
            assert!(line.chars().count() < COLUMNS.into() && !line.contains('\x1b'), "{line:?}");
        }
    }
    let last = frames.last().expect("there is a frame");
    for part in ["open;", "value: 8550", "Process-1 ", "more: ", " done", "next: "] {
        assert!(last.contains(part), "{part}: {last}");
    }
    env.remove(&name);
}

#[test]
fn a_stopped_worker_is_shown_with_what_lets_it_go_on() {
    let env = test_env!();
    let name = env.name("worker");
    let running = env.sleeping_run(&name, "1h", &["-w", "2"]);
    let before = env.status(&name).expect("it runs");
    let worker = process(&before, 1);
    kill_process(worker, Signal::STOP).expect("it lives");
    let stopped = env.until_status(&name, |status| status["workers"][1]["stopped"] == true);
    assert_eq!((&stopped["workers"][0]["stopped"], &stopped["state"]), (&false.into(), &"running".into()));
    let text = status(&env, &name);
    let kill = format!("next: continue the stopped processes: kill -CONT {}; or", worker.as_raw_nonzero());
    for part in ["running, 1 of 2 workers stopped;", "sleeping, stopped", &kill] {
        assert!(text.contains(part), "{part}: {text}");
    }
    kill_process(worker, Signal::CONT).expect("it lives");
    env.until_status(&name, |status| status["workers"][1]["stopped"] == false);
    running.signal(Signal::INT);
    let _ = running.finish().expect(INTERRUPTED);
}

#[test]
fn a_stopped_a_stopping_and_a_live_run_are_told_apart() {
    let env = test_env!();
    let name = env.name("apart");
    let running = env.sleeping_run(&name, "1h", &["-w", "1"]);
    assert!(status(&env, &name).starts_with(&format!("{name}: running; ")));
    let is_stopped = |status: &Value| [&status["coordinator"], &status["workers"][0]].map(|who| who["stopped"] == true);
    // As a terminal's Ctrl-Z does.
    running.signal_group(Signal::STOP);
    let all = env.until_status(&name, |status| is_stopped(status) == [true, true]);
    let text = status(&env, &name);
    assert!(text.starts_with(&format!("{name}: running, stopped; ")), "{text}");
    let (coordinator, worker) = (running.pid(), process(&all, 0).as_raw_nonzero());
    assert!(text.contains(&format!("coordinator: pid {coordinator}, stopped")), "{text}");
    assert!(text.contains(&format!("kill -CONT {coordinator} {worker}; ")), "{text}");
    running.signal_group(Signal::CONT);
    env.until_status(&name, |status| is_stopped(status) == [false, false]);
    let _ = env.coordinator(["stop", &name]).run().expect(COMPLETE);
    assert_eq!(env.status(&name).expect("it runs")["stop"], "drain");
    let text = status(&env, &name);
    assert!(text.starts_with(&format!("{name}: running, asked to stop; ")), "{text}");
    assert!(text.contains(&format!("coordinator stop --now {name}")), "{text}");
    running.signal(Signal::INT);
    let _ = running.finish().expect(INTERRUPTED);
}

#[test]
fn status_tells_progress_and_time_of_a_worker_that_computes() {
    let env = test_env!();
    let name = env.name("computes");
    let running = env.coordinator(["--name", &name, "-n", "4e12", "-w", "1"]).start();
    let status = env.until_status(&name, |status| {
        let progress = &status["workers"][0]["progress"];
        !progress.is_null() && harness::whole(&progress["done"]) > 0
    });
    let worker = &status["workers"][0];
    assert_eq!(worker["progress"]["total"], "4000000000000");
    assert!(worker["time_s"].as_f64().is_some_and(|time| time > 0.0), "{worker}");
    assert!(self::status(&env, &name).contains("computing 0%"));
    running.signal(Signal::INT);
    let _ = running.finish().expect(INTERRUPTED);
}

/// Also for the whole job, as with a shell's `kill -USR1 %1`.
#[test]
fn sigusr1_shows_the_status_on_stderr_and_disturbs_nobody() {
    let env = test_env!();
    let name = env.name("asked");
    let running = env.sleeping_run(&name, "1h", &[]);
    let tables = || running.stderr().matches(&format!("next: coordinator wait {name}")).count();
    running.signal(Signal::USR1);
    until("the status to be told", || tables() == 1);
    running.signal_group(Signal::USR1);
    until("the status to be told again", || tables() == 2);
    let told = running.stderr();
    for part in [&format!("{name}: running; "), &format!("coordinator: pid {}, alive", running.pid()), "sleeping"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let workers = &env.status(&name).expect("it runs")["workers"];
    assert!(workers.as_array().is_some_and(|all| all.iter().all(|worker| worker["restarts"] == 0)), "{workers}");
    running.signal(Signal::INT);
    let finished = running.finish().expect(INTERRUPTED);
    assert_eq!(finished.stdout, "Final shared value: 0\n");
}

#[test]
fn sigusr1_is_heard_by_a_resumed_run() {
    let env = test_env!();
    let name = env.name("resumed");
    let running = env.sleeping_run(&name, "1h", &["-w", "1"]);
    running.signal_group(Signal::KILL);
    env.until_status(&name, |status| status["state"] == "stale");
    let resumed = env.coordinator(["resume", &name]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    resumed.signal(Signal::USR1);
    until("the status to be told", || resumed.stderr().contains(&format!("next: coordinator wait {name}")));
    resumed.signal(Signal::INT);
    let _ = resumed.finish().expect(INTERRUPTED);
    env.remove(&name);
}

/// Nobody reads stderr: the status is dropped, and the run continues.
#[test]
fn sigusr1_does_not_wait_for_a_reader() {
    let env = test_env!();
    let name = env.name("unread");
    let (_reader, writer) = pipe().expect("a pipe can be made");
    fcntl_setfl(&writer, OFlags::NONBLOCK).expect("it can be made not to block");
    for size in [4096, 1] {
        while rustix::io::write(&writer, &[b'.'; 4096][..size]).is_ok() {}
    }
    fcntl_setfl(&writer, OFlags::empty()).expect("it can be made to block again");
    // The harness reads stderr itself, so the pipe comes in as stdin.
    let running = env
        .program("/bin/sh".as_ref())
        .args(["-c", "exec \"$0\" \"$@\" 2>&0 </dev/null"])
        .args([env.path().join("coordinator")])
        .args(["--name", &name, "--delay", "1h", "-w", "1", "-n", "10"])
        .with(|shell| _ = shell.stdin(Stdio::from(writer)))
        .start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    running.signal(Signal::USR1);
    let _ = env.coordinator(["stop", "--now", &name]).run().expect(COMPLETE);
    let _ = running.finish().expect(INCOMPLETE);
}
