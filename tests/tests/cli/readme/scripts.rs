//! The scripts of the pages. A shell reads each of them; the loop for one machine is run, and loses its power.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::cli::exit_code::COMPLETE;
use harness::{Command, ResultsFolder, TestEnv, secluded, test_env, until};
use rustix::process::Signal;

use super::page::Block;
use super::pages;

/// How many primes there are below 10^7.
const TOTAL: &str = "Final shared value: 664579\nExact total: 664579\n";

/// What makes the page's job that small: the text of the page, and its replacement.
const SMALLER: [(&str, &str); 4] =
    [("seq 0 999", "seq 0 9"), ("-n 1e13", "-n 1e7"), ("/1000", "/10"), ("-w auto", "-w 2")];

/// The coordinator, as the loop finds it. The workers of its fourth shard sleep until the power fails.
const COORDINATOR: &str = r#"#!/bin/sh
case $* in *"--shard 3/10 "*) [ -e power-is-back ] || set -- "$@" --delay 1h ;; esac
exec ./coordinator "$@"
"#;

/// The loop of the page, for a smaller job.
fn primes_loop() -> String {
    let pages = pages();
    let blocks = pages.iter().flat_map(|(_, page)| Block::of(page));
    let mut scripts = blocks.filter(|block| block.lines.iter().any(|line| line.starts_with("# primes.sh:")));
    let mut script = scripts.next().expect("the page has the loop").lines.join("\n");
    for (from, to) in SMALLER {
        assert_eq!(script.matches(from).count(), 1, "{from} in {script}");
        script = script.replace(from, to);
    }
    script
}

fn the_loop(env: &TestEnv) -> Command {
    let home = env.path().join("home");
    let programs = home.join(".cargo/bin");
    fs::create_dir_all(&programs).expect("the folder can be made");
    let coordinator = programs.join("coordinator");
    fs::write(&coordinator, COORDINATOR).expect("the script can be written");
    fs::set_permissions(&coordinator, fs::Permissions::from_mode(0o755)).expect("it can be executable");
    fs::write(env.path().join("primes.sh"), primes_loop()).expect("the script can be written");
    env.program(Path::new("sh")).args(["primes.sh"]).with(|shell| {
        shell.current_dir(env.path()).env("HOME", home);
    })
}

#[test]
fn each_script_of_the_pages_is_one_that_a_shell_can_read() {
    let env = test_env!();
    let (file, mut count) = (env.path().join("script"), 0);
    for (path, page) in pages() {
        for block in Block::of(&page).iter().filter(|block| block.language == "sh") {
            fs::write(&file, block.lines.join("\n")).expect("it can be written");
            let read = env.program(Path::new("sh")).args(["-n"]).args([&file]).run();
            assert_eq!((read.code, &*read.stderr), (Some(0), ""), "{}: {block:#?}", path.display());
            count += 1;
        }
    }
    assert!(count >= 8, "the scripts are found: {count}");
}

/// Fault 73: everything that computes is killed, and its memory is gone.
#[test]
fn the_loop_of_the_page_computes_only_what_a_loss_of_power_took() {
    if !secluded!(the_loop_of_the_page_computes_only_what_a_loss_of_power_took) {
        return;
    }
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "primes");
    let before_the_loss = ["0-1000000.json", "1000000-2000000.json", "2000000-3000000.json"];
    let first = the_loop(&env).start();
    until("the fourth shard", || before_the_loss.iter().all(|name| folder.path().join(name).exists()));
    until("its segment", || env.segment(&folder.segment("3000000-4000000")).exists());
    let segment = folder.segment("3000000-4000000");
    env.until_status(&segment, |status| {
        status["workers"].as_array().is_some_and(|workers| workers.iter().any(|worker| worker["state"] == "sleeping"))
    });
    first.signal_group(Signal::KILL);
    assert_eq!(first.finish().signal, Some(9));
    env.until_status(&segment, |status| status["state"] == "stale");
    fs::remove_file(env.segment(&segment)).expect("memory loses it");
    let written = before_the_loss.map(|name| folder.json(name));

    fs::write(env.path().join("power-is-back"), "").expect("it can be written");
    assert_eq!(the_loop(&env).run().expect(COMPLETE).stdout, TOTAL);
    assert_eq!(before_the_loss.map(|name| folder.json(name)), written, "they were computed again");
    let all = folder.names();
    assert_eq!(all.len(), 11, "{all:?}");
    let written: Vec<_> = all.iter().map(|name| folder.json(name)).collect();
    assert_eq!(the_loop(&env).run().expect(COMPLETE).stdout, TOTAL);
    assert_eq!(all.iter().map(|name| folder.json(name)).collect::<Vec<_>>(), written, "they were computed again");
}
