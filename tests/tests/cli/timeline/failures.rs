//! Pictures that cannot be written, and workers that cannot note anything.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;

use common::cli::exit_code::{COMPLETE, INCOMPLETE, UNAVAILABLE, USAGE};
use harness::{assert_error, secluded, test_env};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::file;

#[test]
fn a_file_of_another_kind_is_refused_before_anything_is_started() {
    let env = test_env!();
    for wrong in ["run.png", "run", ".svg", "run.svgz", ""] {
        let path = if wrong.is_empty() { String::new() } else { file(&env, wrong) };
        assert_error(&env.coordinator(["--timeline", &path]).run(), USAGE, "--timeline");
        assert!(wrong.is_empty() || !Path::new(&path).exists(), "{path}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_of_before_the_run() {
    let env = test_env!();
    let (missing, folder) = (file(&env, "no/run.svg"), file(&env, "folder.svg"));
    fs::create_dir(&folder).expect("a folder can be made");
    let good = file(&env, "good.json");
    for path in [&missing, &folder] {
        let args = ["--name", &env.name("never"), "--timeline", &good, "--timeline", path];
        assert_error(&env.coordinator(args).run(), INCOMPLETE, "cannot write the timeline");
        assert!(!Path::new(&good).exists(), "a run that does not begin leaves no file");
    }
}

#[test]
fn a_run_that_does_not_begin_leaves_the_last_picture_alone() {
    let env = test_env!();
    let (svg, name) = (file(&env, "run.svg"), env.create("taken", &[]));
    fs::write(&svg, "the last picture").expect("it can be written");
    assert_error(&env.coordinator(["--name", &name, "--timeline", &svg]).run(), UNAVAILABLE, &name);
    assert_eq!(fs::read_to_string(&svg).expect("it is there"), "the last picture");
    env.remove(&name);
}

/// The limit on file sizes is set during the run; its signal is ignored.
#[test]
fn a_picture_that_fails_at_the_end_is_told_of_and_spoils_no_result() {
    let env = test_env!();
    let (svg, name, coordinator) = (file(&env, "run.svg"), env.name("full"), file(&env, "coordinator"));
    let shell = env.program(Path::new("/bin/sh")).args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", &coordinator]);
    let running = shell.args(["--name", &name, "-n", "10", "--delay", "3s", "--timeline", &svg]).start();
    env.until_status(&name, |status| {
        let workers = status["workers"].as_array();
        workers.is_some_and(|workers| workers.iter().all(|worker| worker["state"] == "sleeping"))
    });
    let limit = Rlimit { current: Some(0), maximum: getrlimit(Resource::Fsize).maximum };
    prlimit(Pid::from_raw(running.pid().cast_signed()), Resource::Fsize, limit).expect("it can be limited");
    let finished = running.finish().expect(INCOMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 1140\n"), "{finished:?}");
    assert!(finished.stderr.contains("error: cannot write the timeline"), "{finished:?}");
    assert!(finished.stderr.contains("\nhint: file sizes are limited here: "), "{finished:?}");
    assert!(!Path::new(&svg).exists(), "a picture is whole or not there");
}

/// Fault 61.
#[test]
fn a_picture_for_which_the_disk_has_no_room_leaves_the_last_one_whole() {
    if !secluded!(a_picture_for_which_the_disk_has_no_room_leaves_the_last_one_whole) {
        return;
    }
    let env = test_env!();
    let disk = env.path().join("disk");
    fs::create_dir(&disk).expect("a folder can be made");
    // In this test's mount namespace alone.
    let mounted = env.program("mount".as_ref()).args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"]).args([&disk]).run();
    let _ = mounted.expect(COMPLETE);
    let svg = disk.join("run.svg");
    for before in [None, Some("the last picture")] {
        if let Some(before) = before {
            fs::write(&svg, before).expect("it has room");
        }
        let run =
            env.coordinator(["-w", "40", "-n", "10", "--delay", "0"]).args(["--timeline".as_ref(), svg.as_os_str()]);
        let finished = run.run().expect(INCOMPLETE);
        assert!(finished.stdout.ends_with("Final shared value: 11400\n"), "{finished:?}");
        let error = format!("error: cannot write the timeline {}: No space left on device", svg.display());
        assert!(finished.stderr.contains(&error), "{finished:?}");
        assert!(finished.stderr.contains(&format!("\nhint: make room: df -h {}", disk.display())), "{finished:?}");
        let left: Vec<_> = fs::read_dir(&disk).expect("it is there").filter_map(Result::ok).collect();
        assert_eq!(left.len(), before.iter().len(), "no draft is left");
        assert_eq!(fs::read_to_string(&svg).ok().as_deref(), before);
    }
    let _ = env.program("umount".as_ref()).args([&disk]).run().expect(COMPLETE);
}

/// A worker writes only to the file of the coordinator that launched it.
#[test]
fn a_worker_that_cannot_note_anything_contributes_all_the_same() {
    let env = test_env!();
    let text = "someone else's".repeat(10);
    let other = file(&env, "other");
    fs::write(&other, &text).expect("it can be written");
    let mut memory = File::from(memfd_create("other", MemfdFlags::CLOEXEC).expect("it can be made"));
    memory.write_all(text.as_bytes()).expect("it can be written");
    let in_memory = format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd());
    for to in ["/proc/1/fd/0", "/nowhere", &other, &in_memory] {
        let name = env.create("mute", &["-w", "1"]);
        let _ = env.worker(&name).args(["--ticket", "1", "--timeline-to", to]).run().expect(COMPLETE);
        assert_eq!(env.status(&name).expect("it is there")["value"], 285);
        env.remove(&name);
    }
    assert_eq!(fs::read_to_string(&other).expect("it is there"), text);
    assert_eq!(fs::read_to_string(in_memory).expect("it is there"), text);
}
