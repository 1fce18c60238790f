//! `--timeline`: the picture and the trace of a run, however the run ends.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;

use common::cli::exit_code::{COMPLETE, INCOMPLETE, INTERRUPTED, UNAVAILABLE, USAGE};
use common::failpoint::Failpoint;
use harness::timeline_files::{ChromeTrace, svg_texts};
use harness::{Injection, TestEnv, assert_error, secluded, test_env};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

/// The entries of the legend.
const LEGEND: [&str; 7] =
    ["compute", "sleep", "lock wait", "lock held, commit", "starting, ending", "died (faded: cut short)", "restarted"];

/// The path of a timeline, as an argument.
fn file(env: &TestEnv, name: &str) -> String {
    env.path().join(name).to_str().expect("the path is text").to_owned()
}

#[test]
fn a_run_is_drawn_with_every_worker_and_the_results_are_the_same() {
    let env = test_env!();
    let (svg, json) = (file(&env, "run.svg"), file(&env, "run.json"));
    // One at a time, so that both runs commit in the same order.
    let args = ["-n", "1000", "--delay", "10ms", "--jobs", "1"];
    let plain = env.coordinator(args).run().expect(COMPLETE);
    let drawn = env.coordinator(args).args(["--timeline", &svg, "--timeline", &json]).run().expect(COMPLETE);
    assert_eq!((&drawn.stdout, &drawn.stderr), (&plain.stdout, &plain.stderr));
    let texts = svg_texts(svg.as_ref());
    for wanted in ["Process-1", "Process-2", "Process-3", "Process-4"].iter().chain(&LEGEND) {
        assert!(texts.iter().any(|text| text == wanted), "no {wanted} in {texts:?}");
    }
    assert!(texts.iter().any(|text| text == "shared value (i32)"), "{texts:?}");
    let trace = ChromeTrace::read(json.as_ref());
    for ticket in 1..=4 {
        assert!(trace.names.contains(&format!("Process-{ticket}")), "{:?}", trace.names);
        let lives = trace.lives(ticket);
        let [(life, spans)] = &lives[..] else { panic!("one life: {lives:?}") };
        assert_eq!(life.args["end"], "has finished");
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["lock wait", "lock held", "compute", "sleep", "lock wait", "lock held"]);
        assert!(spans[3].end - spans[3].start >= 10_000_000, "it slept: {spans:?}");
    }
    let values = trace.values();
    assert_eq!(values.first().map(String::as_str), Some("0"));
    assert!(drawn.stdout.ends_with(&format!("Final shared value: {}\n", trace.last_value())), "{values:?}");
    assert_eq!(values.len(), 6, "none, one a commit, and the last one at the end: {values:?}");
}

#[test]
fn of_an_array_the_first_cell_grows_from_commit_to_commit() {
    let env = test_env!();
    let json = file(&env, "run.json");
    let args = ["-w", "3", "--jobs", "1", "--delay", "0", "-n", "10", "--cells", "2", "--exec", "echo 5 6"];
    let _ = env.coordinator(args).args(["--timeline", &json]).run().expect(COMPLETE);
    assert_eq!(ChromeTrace::read(json.as_ref()).values(), ["0", "5", "10", "15", "15"]);
}

#[test]
fn what_a_killed_worker_was_doing_ends_at_its_death_and_its_restart_follows() {
    let env = test_env!();
    let (name, json, svg) = (env.name("killed"), file(&env, "run.json"), file(&env, "run.svg"));
    let running = env.sleeping_run(&name, "1s", &["--timeline", &json, "--timeline", &svg]);
    let status = env.status(&name).expect("it runs");
    let pid = status["workers"][1]["pid"].as_i64().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    kill_process(pid.expect("it has a process"), Signal::KILL).expect("it lives");
    let _ = running.finish().expect(COMPLETE);
    let trace = ChromeTrace::read(json.as_ref());
    let lives = trace.lives(2);
    let [(killed, before), (restarted, after)] = &lives[..] else { panic!("two lives: {lives:?}") };
    assert_eq!(killed.args["end"], "was killed by signal 9 (SIGKILL)");
    let cut = before.last().expect("it did something");
    assert_eq!((cut.name.as_str(), cut.end, &cut.args["died"]), ("sleep", killed.end, &true.into()), "{before:?}");
    assert_eq!(trace.instants("died"), [(killed.end, 2)]);
    assert_eq!(trace.instants("restarted"), [(restarted.start, 2)]);
    assert!(restarted.start >= killed.end);
    assert!(after.iter().any(|span| span.name == "compute"), "{after:?}");
    assert_eq!(trace.last_value(), "1140");
    let picture = fs::read_to_string(svg).expect("it was written");
    assert!(picture.contains("class=\"sleep cut\"") && picture.contains("1 restart"), "{picture}");
}

/// It records under the lock that it had to wait, so the record shows that it had the lock.
#[test]
fn a_worker_that_dies_with_the_lock_is_drawn_as_its_holder() {
    let env = test_env!();
    for failpoint in [Failpoint::Locked, Failpoint::Published] {
        let json = file(&env, "run.json");
        let injection = Injection { failpoint, action: "kill", times: 1 };
        let args = ["-n", "10", "--delay", "0", "-w", "1", "--timeline", &json];
        let _ = env.coordinator(args).inject(injection).run().expect(COMPLETE);
        let lives = ChromeTrace::read(json.as_ref()).lives(1);
        let cut = lives[0].1.last().expect("it did something");
        assert_eq!((cut.name.as_str(), cut.end, &cut.args["died"]), ("lock held", lives[0].0.end, &true.into()));
    }
}

#[test]
fn an_interrupted_run_is_drawn_as_far_as_it_came() {
    let env = test_env!();
    let (name, json, svg) = (env.name("signal"), file(&env, "run.json"), file(&env, "run.svg"));
    let running = env.sleeping_run(&name, "1h", &["--timeline", &json, "--timeline", &svg]);
    let _ = env.worker(&name).args(["--delay", "0"]).run().expect(COMPLETE);
    running.signal(Signal::INT);
    let finished = running.finish().expect(INTERRUPTED);
    assert_eq!(finished.lines().last(), Some(&"Final shared value: 285"));
    let trace = ChromeTrace::read(json.as_ref());
    for ticket in 1..=4 {
        let lives = trace.lives(ticket);
        let last = lives[0].1.last().expect("it did something");
        assert_eq!((lives.len(), last.name.as_str()), (1, "sleep"));
    }
    assert!(!trace.lives(5).is_empty(), "who joined by hand is there too");
    assert_eq!(trace.last_value(), "285");
    assert!(trace.instants("died").is_empty(), "they were asked to leave");
    let texts = svg_texts(svg.as_ref());
    assert!(texts.iter().any(|text| text.starts_with("incomplete (SIGINT): 1 of 5 contributions")), "{texts:?}");
    env.remove(&name);
}

#[test]
fn a_split_run_has_a_span_for_each_chunk() {
    let env = test_env!();
    let (json, svg) = (file(&env, "run.json"), file(&env, "run.svg"));
    let args = ["--split", "-n", "1000", "--chunk", "30", "-w", "3", "--timeline", &json, "--timeline", &svg];
    let _ = env.coordinator(args).run().expect(COMPLETE);
    let trace = ChromeTrace::read(json.as_ref());
    let mut chunks: Vec<(u64, u64)> = Vec::new();
    for span in trace.threads.values().flatten() {
        let range = span.name.strip_prefix("compute ").and_then(|range| range.split_once(".."));
        chunks.extend(range.map(|(start, end)| (start.parse().expect("a number"), end.parse().expect("a number"))));
    }
    chunks.sort_unstable();
    let all: Vec<(u64, u64)> = (0..1000).step_by(30).map(|start| (start, (start + 30).min(1000))).collect();
    assert_eq!(chunks, all);
    assert_eq!(trace.last_value(), "332833500");
    assert!(svg_texts(svg.as_ref()).iter().any(|text| text.contains("1_000 of 1_000 iterations in 34 chunks")));
}

#[test]
fn a_resumed_run_is_drawn_from_what_is_left_and_what_the_ledger_knows() {
    let env = test_env!();
    let (name, json) = (env.name("resumed"), file(&env, "run.json"));
    let running = env.sleeping_run(&name, "1h", &[]);
    let _ = env.worker(&name).args(["--delay", "0"]).run().expect(COMPLETE);
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    let resumed = env.coordinator(["resume", &name, "--timeline", &json]).start();
    env.until_status(&name, |status| status["state"] == "running");
    resumed.signal(Signal::INT);
    let _ = resumed.finish().expect(INTERRUPTED);
    let trace = ChromeTrace::read(json.as_ref());
    let by_hand = trace.lives(5);
    assert_eq!(by_hand[0].0.args["end"], "has contributed");
    assert!(by_hand[0].1.iter().any(|span| span.name == "compute"), "{by_hand:?}");
    let values = trace.values();
    assert_eq!((&values[0][..], &values[values.len() - 1][..]), ("0", "285"), "{values:?}");
    env.remove(&name);
}

#[test]
fn two_hundred_workers_fit_into_a_page() {
    let env = test_env!();
    let svg = file(&env, "run.svg");
    let args = ["-w", "200", "-n", "1000", "--delay", "0..50ms", "-q", "--timeline", &svg];
    let _ = env.coordinator(args).run().expect(COMPLETE);
    let size = fs::metadata(&svg).expect("it was written").len();
    assert!(size < 1_000_000, "{size}");
    let texts = svg_texts(svg.as_ref());
    let labels = texts.iter().filter(|text| text.starts_with("Process-")).count();
    assert!((10..=50).contains(&labels), "labels are thinned out: {labels}");
}

#[test]
fn many_chunks_are_merged_and_fit_into_a_page() {
    let env = test_env!();
    let (json, svg) = (file(&env, "run.json"), file(&env, "run.svg"));
    let args = ["--split", "-n", "30000", "--chunk", "1", "-w", "8", "-q", "--timeline", &svg, "--timeline", &json];
    let _ = env.coordinator(args).run().expect(COMPLETE);
    let size = fs::metadata(&svg).expect("it was written").len();
    assert!(size < 1_000_000, "{size}");
    svg_texts(svg.as_ref());
    let spans = ChromeTrace::read(json.as_ref()).threads.into_values().flatten();
    assert_eq!(spans.filter(|span| span.name.starts_with("compute ")).count(), 30_000);
}

#[test]
fn results_that_stay_apart_have_no_value_that_grows() {
    let env = test_env!();
    let (json, svg) = (file(&env, "run.json"), file(&env, "run.svg"));
    let args = ["--independent", "-n", "1000", "-w", "2", "--timeline", &json, "--timeline", &svg];
    let _ = env.coordinator(args).run().expect(COMPLETE);
    assert!(ChromeTrace::read(json.as_ref()).counter.is_empty());
    assert!(!svg_texts(svg.as_ref()).iter().any(|text| text.contains("value")));
}

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
    let running = shell.args(["--name", &name, "-n", "10", "--delay", "1s", "--timeline", &svg]).start();
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
