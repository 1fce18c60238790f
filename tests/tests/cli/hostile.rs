//! Segments of other builds and containers, unready segments, segments truncated during a run, and systems without
//! resources for a segment.

mod files;
mod headers;
mod offsets;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use common::cli::exit_code::{COMPLETE, FOREIGN, UNAVAILABLE};
use common::{AttachError, DelayRange, Segment, SegmentName};
use harness::{Finished, TestEnv, assert_error, skip, test_env, until, wrapped};
use rustix::process::{Pid, Signal, kill_process};

// Offsets of words in the header.
const VERSION: u64 = 8;
const READY: u64 = 12;
const LAYOUT_HASH: u64 = 16;
const C_LIBRARY: u64 = 32;

/// The unit in which segments are sized.
const PAGE: u64 = 4096;

/// A ready segment for workers started by hand.
fn create(env: &TestEnv, label: &str) -> String {
    let name = env.name(label);
    let args = ["create", &name, "--quiet", "--slots", "8", "--delay", "0", "-n", "10"];
    let _ = env.coordinator(args).run().expect(COMPLETE);
    name
}

fn open(env: &TestEnv, name: &str) -> File {
    File::options().read(true).write(true).open(env.segment(name)).expect("the segment can be opened")
}

/// Whether this machine permits the command; if not, reports the test as skipped.
fn is_permitted(test: &str, words: &[&str]) -> bool {
    let mut probe = Command::new(words[0]);
    let permitted = probe
        .args(&words[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !permitted {
        skip(test, &format!("{words:?} is not permitted"));
    }
    permitted
}

/// Fault 25.
#[test]
fn a_segment_of_another_build_is_refused_by_what_differs() {
    let env = test_env!();
    let name = create(&env, "build");
    let file = open(&env, &name);
    // The size of a word is part of the layout's hash.
    for (offset, reason) in [
        (VERSION, "it has layout version 254, and this program knows 6"),
        (LAYOUT_HASH, "it was made by a build with another memory layout"),
        (C_LIBRARY, "it was made with another C library"),
    ] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset).expect("it can be read");
        let other = if offset == VERSION { 254 } else { byte[0] ^ 3 };
        file.write_all_at(&[other], offset).expect("it can be written");
        assert_error(&env.worker(&name).run(), FOREIGN, reason);
        for command in ["status", "wait", "stop", "resume", "remove"] {
            assert_error(&env.coordinator([command, &name]).run(), FOREIGN, reason);
        }
        file.write_all_at(&byte, offset).expect("it can be written");
    }
    let _ = env.worker(&name).run().expect(COMPLETE);
    let _ = env.coordinator(["remove", &name]).run().expect(COMPLETE);
}

/// Fault 23.
#[test]
fn a_segment_that_may_not_be_opened_is_refused_for_lack_of_permission() {
    // Root may open anything until it drops that capability.
    let powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];
    let test = "a_segment_that_may_not_be_opened_is_refused_for_lack_of_permission";
    let is_root = rustix::process::geteuid().is_root();
    if is_root && !is_permitted(test, &[&powerless[..], &["true"]].concat()) {
        return;
    }
    let env = test_env!();
    let name = create(&env, "forbidden");
    fs::set_permissions(env.segment(&name), fs::Permissions::from_mode(0o000)).expect("the permissions can be set");
    let coordinator = |command: &str| env.coordinator([command, &name]);
    for command in [env.worker(&name), coordinator("status"), coordinator("remove")] {
        let command = if is_root { command.with(wrapped(&powerless)) } else { command };
        assert_error(&command.run(), UNAVAILABLE, "no permission to open segment");
    }
    fs::remove_file(env.segment(&name)).expect("it is still there");
}

/// Fault 26.
#[test]
fn a_segment_that_is_never_published_is_not_ready() {
    let env = test_env!();
    let name = create(&env, "unpublished");
    open(&env, &name).write_all_at(&[0; 4], READY).expect("it can be written");
    assert_error(&env.worker(&name).run(), FOREIGN, "is not ready");
    assert_error(&env.coordinator(["status", &name]).run(), FOREIGN, "is not ready");
    // Its creator is gone, so `remove` needs no force.
    let _ = env.coordinator(["remove", &name]).run().expect(COMPLETE);
}

/// Fault 26.
#[test]
fn a_segment_that_is_published_late_is_attached_to() {
    let env = test_env!();
    let name = create(&env, "late");
    let parsed: SegmentName = name.parse().expect("it is a name");
    let file = open(&env, &name);
    until("a publication that was not too late", || {
        file.write_all_at(&[0; 4], READY).expect("it can be written");
        let began = Instant::now();
        thread::scope(|scope| {
            let published_at = scope.spawn(|| {
                thread::sleep(Duration::from_millis(100));
                file.write_all_at(&1_u32.to_le_bytes(), READY).expect("it can be written");
                began.elapsed()
            });
            let outcome = Segment::attach(&parsed).map(drop);
            // An attach waits half a second. If the machine was too busy to publish by then, the test proves nothing.
            let too_late = published_at.join().expect("it only sleeps and writes") > Duration::from_millis(400);
            assert!(too_late || outcome.is_ok(), "{outcome:?}");
            assert!(matches!(outcome, Ok(()) | Err(AttachError::NotReady { .. })), "{outcome:?}");
            outcome.is_ok()
        })
    });
    let _ = env.coordinator(["remove", &name]).run().expect(COMPLETE);
}

/// Checks that a run whose segment was truncated ended with an error and without a total.
#[track_caller]
fn has_no_total(finished: &Finished, case: impl fmt::Debug) {
    assert_eq!(finished.code, Some(FOREIGN.into()), "{case:?}: {finished:?}");
    assert!(finished.stderr.contains("error: "), "{case:?}: {finished:?}");
    assert!(!finished.stdout.contains("Final shared value"), "{case:?}: {finished:?}");
}

/// Faults 27 and 59.
#[test]
fn a_segment_cut_short_while_its_workers_compute_ends_the_run_without_a_total() {
    let env = test_env!();
    for length in [0, PAGE] {
        let name = env.name(&format!("computing-{length}"));
        let run = env.coordinator(["--name", &name, "-w", "2", "-n", "1e12", "--delay", "0"]).start();
        env.until_status(&name, |status| status["workers"][1]["state"] == "computing");
        open(&env, &name).set_len(length).expect("it can be cut");
        has_no_total(&run.finish(), length);
        assert!(!env.segment(&name).exists(), "its owner removes what is left of it");
    }
}

/// Faults 27 and 59.
#[test]
fn a_segment_cut_short_while_its_workers_sleep_ends_the_run_without_a_total() {
    let env = test_env!();
    for (label, cut) in
        [("all", |_| 0), ("slots", |_| PAGE), ("log", |length| length - PAGE)] as [(_, fn(u64) -> u64); 3]
    {
        let name = env.name(label);
        let run = env.coordinator(["--name", &name, "-w", "2", "-n", "10", "--delay", "60s"]).start();
        let status = env
            .until_status(&name, |status| (0..2).all(|index: usize| status["workers"][index]["state"] == "sleeping"));
        let file = open(&env, &name);
        let length = file.metadata().expect("it has a length").len();
        file.set_len(cut(length)).expect("it can be cut");
        end_workers(&status);
        has_no_total(&run.finish(), label);
        assert!(!env.segment(&name).exists(), "{label}: its owner removes what is left of it");
    }
}

/// Fault 27.
#[test]
fn a_segment_cut_and_grown_again_gives_no_total_that_lacks_what_was_told() {
    let env = test_env!();
    let name = env.name("regrown");
    // With this seed the first worker is done at once, and the second sleeps longer than the test.
    let delay: DelayRange = "0..60s".parse().expect("it is a range");
    let goes_well = |seed: &u64| delay.draw(*seed, 1).as_millis() < 500 && delay.draw(*seed, 2).as_secs() > 50;
    let seed = (0..1_000_000).find(goes_well).expect("one seed in a thousand does").to_string();
    let args = ["--name", &name, "-w", "2", "-n", "10", "--delay", "0..60s", "--seed", &seed];
    let run = env.coordinator(args).start();
    until("a contribution to be told", || run.stdout().contains("updated shared value to 285"));
    env.until_status(&name, |status| status["workers"][1]["state"] == "sleeping");
    let status = env.status(&name).expect("it is still whole");
    let file = open(&env, &name);
    let length = file.metadata().expect("it has a length").len();
    file.set_len(0).and_then(|()| file.set_len(length)).expect("it can be cut and grown");
    end_workers(&status);
    let finished = run.finish();
    assert_eq!(finished.signal, None, "{finished:?}");
    assert_ne!(finished.code, Some(COMPLETE.into()), "{finished:?}");
    assert!(!finished.stdout.contains("Final shared value: 0"), "{finished:?}");
    let _ = fs::remove_file(env.segment(&name));
}

/// Terminates the launched workers of a run, so that its coordinator reads the segment.
fn end_workers(status: &serde_json::Value) {
    let workers = status["workers"].as_array().expect("workers are an array");
    for worker in workers.iter().filter(|worker| worker["state"] == "sleeping") {
        let pid = worker["pid"].as_i64().and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        // They sleep for a minute, so the PIDs are not reused.
        kill_process(pid.expect("a worker that sleeps has an id"), Signal::TERM).expect("it can be ended");
    }
}

/// Fault 28.
#[test]
fn a_creation_without_descriptors_is_an_error_and_leaves_nothing() {
    let env = test_env!();
    let name = env.name("descriptors");
    for command in [&["create", &name][..], &["run", "--delay", "0", "-w", "1", "--name", &name]] {
        let mut refused = 0;
        // The critical limit depends on what is open at the start; below some limit no program can be loaded.
        for limit in 4..20 {
            let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
            let finished = env.coordinator(command).args(["-q"]).with(wrapped(&["sh", "-c", &script])).run();
            if finished.stderr.contains("cannot create segment") {
                assert_error(&finished, UNAVAILABLE, "Too many open files");
                let hint = format!("hint: this process may have {limit} files open");
                assert!(finished.stderr.contains(&hint), "{finished:?}");
                refused += 1;
            }
            if finished.code == Some(COMPLETE.into()) {
                let _ = fs::remove_file(env.segment(&name));
            }
            assert_eq!(finished.signal, None, "{limit}: {finished:?}");
            assert!(env.segments().is_empty(), "{limit}: {finished:?}");
        }
        assert!(refused > 0, "{command:?}");
    }
}

/// Faults 28 and 58.
#[test]
fn a_creation_without_room_is_an_error_and_leaves_nothing() {
    let test = "a_creation_without_room_is_an_error_and_leaves_nothing";
    let env = test_env!();
    // No room for the pages, and no room for one more file.
    for (option, lacks, hint) in [
        (
            "size=16k",
            " bytes, and /dev/shm has 16384 of 16384 free",
            "ask for less: fewer --workers, --slots or --cells",
        ),
        ("nr_inodes=1", "/dev/shm has room for 1 files and folders, and has them", "remove files that nobody needs"),
    ] {
        let mount = format!("mount -t tmpfs -o {option} tmpfs /dev/shm");
        if !is_permitted(test, &["unshare", "--mount", "sh", "-c", &mount]) {
            return;
        }
        // Leftovers show on stdout, which `assert_error` requires to be empty.
        let script = format!("{mount} && {{ \"$0\" \"$@\"; code=$?; ls -A /dev/shm; exit $code; }}");
        for command in ["create", "run"] {
            let args: &[&str] = if command == "create" { &["create", "full", "-q"] } else { &["run", "-q"] };
            let finished = env.coordinator(args).with(wrapped(&["unshare", "--mount", "sh", "-c", &script])).run();
            assert_error(&finished, UNAVAILABLE, lacks);
            assert!(finished.stderr.contains(&format!("\nhint: {hint}")), "{finished:?}");
        }
    }
}
