//! Progress on stderr: bars on a terminal, lines elsewhere, nothing where it is turned off.

mod many;

use std::fs;
use std::process::Stdio;

use common::cli::exit_code::{COMPLETE, TERMINATED};
use harness::{Command, HeldRun, Running, Terminal, test_env, until};
use rustix::process::{Pid, Signal, kill_process};

/// Starts a run with stdout and stderr on a terminal.
fn start(command: Command, terminal: &Terminal) -> Running {
    command.start_on(terminal.line(), terminal.line())
}

/// Whether the screen shows just an empty line, these lines, and a summary line that begins with `whole`.
fn shows(lines: &[String], expected: &[&str], whole: &str) -> bool {
    let Some((last, first)) = lines.split_last() else { return false };
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let last = last.rsplit("] ").next().unwrap_or_default();
    first.first() == Some(&"") && first[1..] == *expected && last.starts_with(whole)
}

/// Releases the run, and checks that the terminal then shows just its results, each line intact.
fn ends_with_results_alone(held: &HeldRun<'_>, run: Running, terminal: &Terminal, workers: usize) {
    held.release();
    until("the run to end", || run.has_ended());
    let _ = run.finish().expect(COMPLETE);
    let last = format!("Final shared value: {workers}");
    let lines = terminal.until("the last line", |lines| lines.last() == Some(&last));
    assert_eq!(terminal.scrolled() + lines.len(), workers + 1, "{lines:?}");
    let shown = workers + 1 - lines.len() + 1..;
    for (line, value) in lines[..lines.len() - 1].iter().zip(shown) {
        assert!(line.starts_with("Process Process-"), "{lines:?}");
        assert!(line.ends_with(&format!(" updated shared value to {value}")), "{lines:?}");
    }
}

/// Whether there is an escape sequence for a colour or style.
fn has_colours(written: &str) -> bool {
    let mut sequences = written.split("\x1b[").skip(1);
    sequences.any(|text| text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'))
}

#[test]
fn four_workers_have_a_line_each_and_leave_nothing_but_results() {
    let env = test_env!();
    let (held, terminal) = (HeldRun::new(&env), Terminal::new(24, 80));
    let run = start(held.command("4", &[]), &terminal);
    let rows = [1, 2, 3, 4].map(|number| format!("Process-{number}  computing   0%"));
    terminal
        .until("a line each", |lines| shows(lines, &rows.each_ref().map(String::as_str), "0 of 4 contributions, 0:0"));
    assert_eq!(terminal.scrolled(), 0);
    assert!(has_colours(&terminal.written()));
    ends_with_results_alone(&held, run, &terminal, 4);
}

#[test]
fn a_range_that_is_shared_out_is_shown_with_its_chunks() {
    let env = test_env!();
    let (held, terminal) = (HeldRun::new(&env), Terminal::new(24, 100));
    let command = format!("until [ {{end}} -lt 5 -o -e '{}' ]; do sleep 0.02; done; echo 1", held.gate().display());
    let args = ["--split", "--chunk", "1", "-n", "8", "-w", "1", "--exec", &command];
    let run = start(env.coordinator(args).plain_environment(), &terminal);
    terminal.until("the fifth chunk", |lines| {
        let worker = "Process-1  computing   0%            4 chunks";
        shows(lines, &[worker], "50% in 4 chunks, 0:") && lines[2].starts_with("[=")
    });
    held.release();
    until("the run to end", || run.has_ended());
    let _ = run.finish().expect(COMPLETE);
    let results = ["Process Process-1 added 8 in 8 chunks", "Final shared value: 8"];
    terminal.until("the results alone", |lines| lines == results);
}

#[test]
fn a_note_stands_whole_above_the_display_which_tells_of_the_restart() {
    let env = test_env!();
    let (held, terminal, name) = (HeldRun::new(&env), Terminal::new(24, 120), env.name("note"));
    let run = start(held.command("2", &["--name", &name]), &terminal);
    terminal.until("both", |lines| shows(lines, &["Process-1  computing   0%", "Process-2  computing   0%"], "0 of 2"));
    let status = env.until_status(&name, |status| status["workers"][0]["state"] == "computing");
    let pid = status["workers"][0]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a process id");
    kill_process(Pid::from_raw(pid).expect("it is one"), Signal::KILL).expect("it lives");
    let note = format!(
        "note: Process-1 (pid {pid}) was killed by signal 9 (SIGKILL) before its contribution; launching it again (1 of 3)"
    );
    terminal.until("the note and the display", |lines| {
        let rows = ["Process-1  computing   0%        restarted once", "Process-2  computing   0%"];
        lines.first() == Some(&note) && shows(&lines[1..], &rows, "0 of 2 contributions")
    });
    held.release();
    until("the run to end", || run.has_ended());
    let _ = run.finish().expect(COMPLETE);
    let lines = terminal.until("the results", |lines| lines.last().is_some_and(|line| line == "Final shared value: 2"));
    assert_eq!((lines.len(), &lines[0]), (4, &note));
}

#[test]
fn a_terminal_may_change_its_size() {
    let env = test_env!();
    let (held, terminal) = (HeldRun::new(&env), Terminal::new(24, 80));
    let run = start(held.command("4", &[]), &terminal);
    let rows = |label: &str| [1, 2, 3, 4].map(|number| format!("{label}{number}  computing   0%"));
    for (height, columns, expected) in [
        (24, 80, rows("Process-").to_vec()),
        (5, 80, vec!["4 computing".to_owned()]),
        (24, 20, rows("").to_vec()),
        (2, 20, vec![]),
        (50, 200, rows("Process-").to_vec()),
    ] {
        terminal.resize(height, columns);
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let what = format!("{height} lines of {columns}");
        terminal.until(&what, |lines| shows(lines, &expected, "0 of 4"));
        terminal.settle();
        terminal.until(&what, |lines| shows(lines, &expected, "0 of 4"));
    }
    // Too small for anything.
    terminal.resize(1, 1);
    terminal.until("nothing", <[String]>::is_empty);
    held.release();
    until("the run to end", || run.has_ended());
    let _ = run.finish().expect(COMPLETE);
    terminal.until("the last line", |lines| lines.last().is_some_and(|line| line == "Final shared value: 4"));
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted() {
    let env = test_env!();
    let coloured = [
        (vec![("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], true),
        (vec![("NO_COLOR", "")], true),
        (vec![("NO_COLOR", "1")], false),
        (vec![("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
        (vec![("CLICOLOR", "0")], false),
    ];
    for (variables, is_coloured) in coloured {
        let (held, terminal) = (HeldRun::new(&env), Terminal::new(24, 80));
        let run = held.command("2", &["--jobs", "1"]).with(|process| _ = process.envs(variables.clone()));
        let run = start(run, &terminal);
        terminal.until("the display", |lines| {
            shows(lines, &["Process-1  computing   0%", "Process-2  pending"], "0 of 2 contributions")
        });
        assert_eq!(has_colours(&terminal.written()), is_coloured, "{variables:?}");
        ends_with_results_alone(&held, run, &terminal, 2);
        held.hold_again();
    }
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines() {
    let env = test_env!();
    for (terms, args) in [(Some("dumb"), ["--progress", "auto"]), (None, ["--progress", "bar"])] {
        let (held, terminal) = (HeldRun::new(&env), Terminal::new(24, 80));
        let run = held.command("2", &args).with(|process| {
            match terms {
                Some(term) => process.env("TERM", term),
                None => process.env_remove("TERM"),
            };
        });
        let run = start(run, &terminal);
        let lines = terminal.until("a line", |lines| !lines.is_empty());
        assert!(lines[0].starts_with("progress: 0 of 2 contributions, 2 "), "{lines:?}");
        held.release();
        until("the run to end", || run.has_ended());
        let _ = run.finish().expect(COMPLETE);
        terminal.until("the last line", |lines| lines.last().is_some_and(|line| line == "Final shared value: 2"));
        assert!(!terminal.written().contains('\x1b'));
        held.hold_again();
    }
}

#[test]
fn a_long_run_without_a_terminal_says_how_far_it_is() {
    let env = test_env!();
    let held = HeldRun::new(&env);
    let run = held.command("3", &["--jobs", "2"]).start();
    until("a line", || run.stderr().ends_with('\n'));
    held.release();
    let finished = run.finish().expect(COMPLETE);
    let line = finished.stderr.strip_prefix("progress: 0 of 3 contributions, 2 computing, 1 pending; 0:");
    assert!(line.is_some_and(|line| line.trim_end().parse::<u32>().is_ok()), "{finished:?}");
    assert_eq!(finished.lines().len(), 4, "{finished:?}");
}

#[test]
fn the_time_left_is_told_once_something_is_done() {
    let env = test_env!();
    let held = HeldRun::new(&env);
    // Only the first worker does not wait.
    let first = env.path().join("first");
    let command = format!("mkdir '{}' || {}", first.display(), held.script());
    let args = ["-w", "3", "--delay", "0", "--progress", "plain", "--exec", &command];
    let run = env.coordinator(args).start();
    until("a line", || run.stderr().contains(" left\n"));
    held.release();
    let finished = run.finish().expect(COMPLETE);
    let line =
        finished.stderr.lines().find_map(|line| line.strip_prefix("progress: 1 of 3 contributions, 2 computing; "));
    assert!(line.is_some_and(|line| line.contains("; about ")), "{finished:?}");
}

#[test]
fn short_runs_and_quiet_ones_say_nothing() {
    let env = test_env!();
    let results = |args: &[&str], terminal: Option<&Terminal>| {
        let run = env.coordinator(["-w", "1", "-n", "10"]).args(args).plain_environment();
        let finished = match terminal {
            Some(terminal) => run.start_on(Stdio::piped(), terminal.line()).finish(),
            None => run.run(),
        };
        finished.expect(COMPLETE)
    };
    for how in ["auto", "bar", "plain", "none"] {
        assert_eq!(results(&["--delay", "600ms", "--progress", how], None).stderr, "");
    }
    let terminal = Terminal::new(24, 80);
    for args in [&["--progress", "none"] as &[&str], &["-q"], &["-q", "--progress", "bar"], &["--progress", "plain"]] {
        let _ = results(&[&["--delay", "600ms"], args].concat(), Some(&terminal));
        assert_eq!(terminal.written(), "", "{args:?}");
    }
}

#[test]
fn a_stopped_terminal_keeps_no_signal_from_the_run() {
    let env = test_env!();
    let (held, terminal) = (HeldRun::new(&env), Terminal::new(24, 80));
    let run = held.command("2", &[]).start_on(Stdio::piped(), terminal.line());
    terminal.until("the display", |lines| {
        shows(lines, &["Process-1  computing   0%", "Process-2  computing   0%"], "0 of 2 contributions")
    });
    terminal.stop(true);
    let rows = terminal.lines()[..3].to_vec();
    // It draws ten times a second, and the content changes once a second.
    let before = wakings(run.pid());
    until("it to try", || wakings(run.pid()) > before + 20);
    run.signal(Signal::TERM);
    let finished = run.finish().expect(TERMINATED);
    assert_eq!(finished.stdout, "Final shared value: 0\n");
    assert_eq!(terminal.lines()[..3], rows);
}

/// How often the process has slept.
fn wakings(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    switches.and_then(|count| count.trim().parse().ok()).expect("it is told")
}
