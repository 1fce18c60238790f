//! `--timeline`: the picture and the trace of a run, however the run ends.

mod failures;
mod picture;

use std::fs;

use common::cli::exit_code::{COMPLETE, INTERRUPTED};
use common::failpoint::Failpoint;
use harness::timeline_files::{ChromeTrace, svg_texts};
use harness::{Injection, TestEnv, test_env};
use rustix::process::{Pid, Signal, kill_process};

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
    for wanted in ["Process-1", "Process-2", "Process-3", "Process-4"] {
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
        // The time between two steps is named only where it is long enough to be seen.
        let names: Vec<&str> = names.into_iter().filter(|name| *name != "between steps").collect();
        assert_eq!(names, ["start", "lock wait", "lock held", "compute", "sleep", "lock wait", "commit", "end"]);
        let slept = spans.iter().find(|span| span.name == "sleep").expect("it slept");
        assert!(slept.end - slept.start >= 10_000_000, "{spans:?}");
        assert_eq!(spans.first().map(|span| span.start), Some(life.start), "all of its life has a name");
        assert_eq!(spans.last().map(|span| span.end), Some(life.end), "it ends when the worker has left");
        assert_eq!(life.args["contribution"], "332,833,500");
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
    let running = env.sleeping_run(&name, "3s", &["--timeline", &json, "--timeline", &svg]);
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
        let last = lives[0].1.iter().rfind(|span| span.name != "end").expect("it did something");
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
    assert!(svg_texts(svg.as_ref()).iter().any(|text| text.contains("1,000 of 1,000 iterations in 34 chunks")));
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
