//! `list` and `status` on terminals of several widths: no word and no number is cut, or wrapped inside.

use std::process::Stdio;

use common::cli::exit_code::{COMPLETE, INCOMPLETE};
use common::{SegmentName, SharedArray, SharedValue};
use harness::{Terminal, TestEnv, secluded, test_env};

const WIDTHS: [u16; 5] = [40, 60, 80, 100, 120];

/// Longer than a line.
const LONG: &str =
    "a-name-that-somebody-chose-for-a-run-of-theirs-and-that-goes-on-and-on-beyond-the-eighty-columns-of-it";

/// What the command shows on a terminal of that width.
fn on_terminal(env: &TestEnv, args: &[&str], columns: u16) -> String {
    let terminal = Terminal::new(24, columns);
    let command = env.coordinator(args).plain_environment();
    let _ = command.start_on(terminal.line(), Stdio::null()).finish().expect(COMPLETE);
    terminal.finish().replace("\r\n", "\n")
}

/// What the command shows without a terminal.
fn piped(env: &TestEnv, args: &[&str]) -> String {
    env.coordinator(args).run().expect(COMPLETE).stdout
}

/// The words, but for headings, times, and cells that show nothing, and without what ends a part.
fn words(text: &str) -> Vec<&str> {
    let is_heading = |word: &str| word.chars().all(|letter| letter.is_ascii_uppercase());
    let is_time = |word: &str| word.contains('.') && word.parse::<f64>().is_ok();
    let words = text.split_whitespace().map(|word| word.trim_end_matches([';', ':']));
    words.filter(|word| !is_heading(word) && !is_time(word) && !["-", "0"].contains(word)).collect()
}

/// Checks that at each width the terminal breaks no line, but for a word that is longer, and that all words are there.
#[track_caller]
fn assert_whole(env: &TestEnv, args: &[&str]) {
    let piped = piped(env, args);
    for columns in WIDTHS {
        let shown = on_terminal(env, args, columns);
        for line in shown.lines() {
            let fits = line.chars().count() <= columns.into() || !line.trim().contains(' ');
            assert!(fits, "{columns} columns: {line:?} in\n{shown}");
        }
        let there = words(&shown);
        for word in words(&piped) {
            assert!(there.contains(&word), "{columns} columns: no {word:?} in\n{shown}\nof\n{piped}");
        }
    }
}

#[test]
fn status_shows_long_names_large_numbers_and_arrays_whole_at_every_width() {
    let env = test_env!();
    let smallest = format!("echo {}", i128::MIN);
    let cases: [(&str, &[&str]); 6] = [
        ("few", &[]),
        (LONG, &["--split", "-n", "10000000000", "--shard", "3/1000"]),
        ("large", &["--exec", &smallest, "--type", "i64"]),
        ("largest-cells", &["--exec", &format!("{smallest} {}", i128::MIN), "--cells", "2", "--type", "i64"]),
        ("cells", &["--exec", "seq -s ' ' 100000007 7 100000706", "--cells", "100", "--type", "i64"]),
        ("digits", &["--kernel", "prime-digits", "-n", "1000000", "--type", "i64"]),
    ];
    for (label, args) in cases {
        let name = env.create(label, args);
        for _ in 0..2 {
            let worked = env.worker(&name).args(["-q"]).run();
            // One worker may have left nothing to do.
            assert_ne!(worked.code, Some(INCOMPLETE.into()), "{worked:?}");
        }
        assert_whole(&env, &["status", &name]);
        env.remove(&name);
    }
}

#[test]
fn status_of_forty_workers_and_set_aside_ranges_fits_every_width() {
    let env = test_env!();
    let name = env.name("forty");
    let command = "test {start} -gt 12 && kill -9 $PPID; test {start} -gt 6 && exit 7; echo 1";
    let run = ["--name", &name, "--split", "--exec", command, "-n", "20", "--chunk", "1"];
    let finished = env.coordinator(run).args(["-w", "40", "--restarts", "1"]).run().expect(INCOMPLETE);
    assert!(finished.stderr.contains("7 of 20 iterations are applied"), "{finished:?}");
    assert_whole(&env, &["status", &name]);
    let narrow = on_terminal(&env, &["status", &name], 60);
    assert!(narrow.lines().any(|line| line.ends_with("),")), "lines end between ranges: {narrow}");
    env.remove(&name);
}

#[test]
fn an_array_is_its_first_cells_and_their_number_in_a_row_and_wraps_between_cells_above() {
    let env = test_env!();
    let name = env.create("array", &["--exec", "seq -s ' ' 100000007 7 100000706", "--cells", "100", "--type", "i64"]);
    let _ = env.worker(&name).args(["-q"]).run().expect(COMPLETE);
    let first = "[100000007, 100000014, … 100 cells]";
    let shown = on_terminal(&env, &["status", &name], 80);
    assert!(shown.contains(&format!("\n  value: {first}\n")), "{shown}");
    let value =
        shown.lines().skip_while(|line| !line.starts_with("value: ")).take_while(|line| !line.starts_with("lock"));
    let value: Vec<&str> = value.collect();
    let cells: Vec<String> = (1..=100).map(|cell| (100_000_000 + 7 * cell).to_string()).collect();
    assert!(value.len() > 10 && value[1..].iter().all(|line| line.starts_with("  ")), "{shown}");
    let value: Vec<&str> = value.iter().map(|line| line.trim()).collect();
    assert_eq!(value.join(" "), format!("value: [{}] (i64)", cells.join(", ")));
    // Without a terminal a row stays a row.
    let piped = piped(&env, &["status", &name]);
    let row = piped.lines().find(|line| line.starts_with("Process-1 ")).expect("it has a row");
    assert!(row.ends_with(&format!("{first}  {first}")), "{piped}");
    env.remove(&name);
}

#[test]
fn list_shows_names_and_kernels_whole_at_every_width() {
    if !secluded!(list_shows_names_and_kernels_whole_at_every_width) {
        return;
    }
    let env = test_env!();
    let name = |label: &str| env.name(label).parse::<SegmentName>().expect("the name is legal");
    let value = SharedValue::create(&name("value"), 7_i64).expect("the name is free");
    let array = SharedArray::create(&name(&format!("values-{LONG}")), &[0.5; 100]).expect("the name is free");
    let cubes = env.path().join("cubes");
    let cubes = cubes.to_str().expect("the path is text");
    let kernel = "a-kernel-whose-name-tells-all-that-it-computes-of-the-range";
    let names = [
        env.create("short", &[]),
        env.create("multiprocess-0123456789abcdef", &["--split"]),
        env.create(LONG, &["--worker", cubes, "--kernel", kernel]),
    ];
    assert_whole(&env, &["list"]);
    let shown = on_terminal(&env, &["list"], 80);
    assert!(shown.contains(&format!("\n{}\n", names[2])), "a long name has a line of its own: {shown}");
    drop((value, array));
    for name in &names {
        env.remove(name);
    }
}

#[test]
fn a_watch_shows_whole_words_too() {
    let env = test_env!();
    let name = env.create("watched", &["-w", "1", "--kernel", "prime-digits", "-n", "1000000", "--type", "i64"]);
    let _ = env.worker(&name).args(["-q"]).run().expect(COMPLETE);
    for columns in [60, 80] {
        let shown = on_terminal(&env, &["status", &name, "--watch"], columns);
        let frame = shown.rsplit("\u{1b}[H").next().unwrap_or_default().replace("\u{1b}[K", "").replace("\u{1b}[J", "");
        let there = words(&frame);
        for word in words(&piped(&env, &["status", &name])) {
            assert!(there.contains(&word), "{columns} columns: no {word:?} in\n{frame}");
        }
    }
    env.remove(&name);
}
