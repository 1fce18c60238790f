//! Many workers on a terminal: those that live have a line each, and the bar keeps its width.

use std::fs;

use common::cli::exit_code::TERMINATED;
use harness::{HeldRun, Terminal, test_env};
use rustix::process::Signal;

use super::{ends_with_results_alone, shows, start};

#[test]
fn forty_workers_have_a_line_each_where_they_fit_and_else_those_that_live() {
    let env = test_env!();
    for (rows, columns) in [(24, 80), (50, 200)] {
        let (held, terminal) = (HeldRun::new(&env), Terminal::new(rows, columns));
        let run = start(held.command("40", &["--jobs", "4"]), &terminal);
        let row = |number: usize| {
            let state = if number <= 4 { "computing   0%" } else { "pending" };
            format!("{:<10}  {state}", format!("Process-{number}"))
        };
        let mut expected: Vec<String> = (1..=40).map(row).collect();
        if rows == 24 {
            expected.truncate(4);
            expected.push("4 computing, 36 pending".to_owned());
        }
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        terminal.until("all of them", |lines| shows(lines, &expected, "0 of 40 contributions"));
        assert_eq!(terminal.scrolled(), 0);
        ends_with_results_alone(&held, run, &terminal, 40);
        held.hold_again();
    }
}

/// Here the first ones are done.
#[test]
fn the_workers_that_live_are_shown_whatever_their_numbers_are() {
    let env = test_env!();
    let (held, terminal) = (HeldRun::new(&env), Terminal::new(24, 80));
    let passed = env.path().join("passed");
    // Thirty workers find a folder to make; the others wait.
    let first = format!("for i in $(seq 30); do mkdir '{}'.$i 2>/dev/null && echo 1 && exit; done", passed.display());
    let command = format!("{first}; {}", held.script());
    let args = ["-w", "40", "--delay", "0", "--jobs", "4", "--exec", &command];
    let run = start(env.coordinator(args).plain_environment(), &terminal);
    let lines =
        terminal.until("the last ones", |lines| lines.iter().any(|line| line == "4 computing, 6 pending, 30 done"));
    let rows: Vec<&String> = lines.iter().filter(|line| line.ends_with("  computing   0%")).collect();
    assert_eq!(rows.len(), 4, "{lines:?}");
    assert!(!rows.iter().any(|row| row.starts_with("Process-1 ")), "{lines:?}");
    ends_with_results_alone(&held, run, &terminal, 40);
}

#[test]
fn the_bar_keeps_its_width_while_the_words_beside_it_grow() {
    let env = test_env!();
    let (held, terminal) = (HeldRun::new(&env), Terminal::new(24, 80));
    let (begun, first) = (env.path().join("begun"), env.path().join("first"));
    // All wait for the beginning; then one goes on at once, and the others wait for the release.
    let wait = format!("until [ -e '{}' ]; do sleep 0.02; done", begun.display());
    let command = format!("{wait}; mkdir '{}' 2>/dev/null || {}; echo 1", first.display(), held.wait());
    let args = ["-w", "1000", "--jobs", "2", "--delay", "0", "--exec", &command];
    let run = start(env.coordinator(args).plain_environment(), &terminal);
    let width = |lines: &[String]| lines.last().and_then(|line| line.find(']'));
    let lines = terminal.until("the beginning", |lines| lines.last().is_some_and(|line| line.contains("0 of 1000 ")));
    let before = width(&lines);
    assert!(before.is_some(), "{lines:?}");
    fs::write(&begun, "").expect("it can be written");
    let is_longer = |line: &String| line.contains("1 of 1000") && line.contains(" left, ");
    let lines = terminal.until("the time left and a rate", |lines| lines.last().is_some_and(is_longer));
    assert_eq!(width(&lines), before, "{lines:?}");
    run.signal(Signal::TERM);
    held.release();
    let _ = run.finish().expect(TERMINATED);
}

#[test]
fn four_hundred_workers_are_summed_up_below_those_that_live() {
    let env = test_env!();
    let (held, terminal) = (HeldRun::new(&env), Terminal::new(50, 200));
    let run = start(held.command("400", &["--jobs", "4"]), &terminal);
    let mut rows: Vec<String> = (1..=4).map(|number| format!("Process-{number}    computing   0%")).collect();
    rows.push("4 computing, 396 pending".to_owned());
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    terminal.until("the counts", |lines| shows(lines, &rows, "0 of 400 contributions"));
    assert_eq!(terminal.scrolled(), 0);
    ends_with_results_alone(&held, run, &terminal, 400);
}
