//! The picture: its legend, its numbers, its commits, and the value that wraps around.

use std::path::Path;

use common::cli::exit_code::COMPLETE;
use harness::test_env;
use harness::timeline_files::{ChromeTrace, Shape, svg_shapes, svg_texts};
use rustix::process::{Pid, Signal, kill_process};

use super::file;

/// The entries of the legend: the words before the numbers, or `N` for a number.
fn legend(svg: &str) -> Vec<String> {
    let names = ["start", "compute", "sleep", "lock wait", "lock held", "between steps", "end", "not recorded"];
    let of = |text: &String| {
        let duration = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        let activity =
            names.iter().find(|name| text.strip_prefix(**name).is_some_and(|rest| duration(rest.trim_start())));
        let commits = text.split_once(' ').filter(|(_, rest)| rest.starts_with("commit")).map(|_| "commits");
        let event = ["died", "restarted", "wrapped around in"].into_iter().find(|event| text.starts_with(event));
        activity.copied().or(commits).or(event).map(str::to_owned)
    };
    svg_texts(Path::new(svg)).iter().filter_map(of).collect()
}

fn of_class<'a>(shapes: &'a [Shape], class: &str) -> Vec<&'a Shape> {
    shapes.iter().filter(|shape| shape.class == class && shape.tooltip.is_some()).collect()
}

#[test]
fn the_legend_lists_what_happened_and_nothing_else() {
    let env = test_env!();
    let svg = file(&env, "run.svg");
    let always = ["start", "compute", "lock wait", "lock held", "commits", "between steps", "end"];
    for (args, more) in [
        (&["-n", "10", "--delay", "0"][..], &[][..]),
        (&["-n", "10", "--delay", "20ms"], &["sleep"]),
        (&["-n", "1000000", "--delay", "0"], &["wrapped around in"]),
    ] {
        let _ = env.coordinator(args).args(["--timeline", &svg]).run().expect(COMPLETE);
        let mut listed = legend(&svg);
        let mut expected: Vec<&str> = always.iter().chain(more).copied().collect();
        expected.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, expected, "{args:?}");
    }
}

#[test]
fn every_colour_of_a_bar_is_explained() {
    let env = test_env!();
    let (svg, name) = (file(&env, "run.svg"), env.name("killed"));
    let running = env.sleeping_run(&name, "3s", &["--timeline", &svg]);
    let status = env.status(&name).expect("it runs");
    let pid = status["workers"][1]["pid"].as_i64().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    kill_process(pid.expect("it has a process"), Signal::KILL).expect("it lives");
    let _ = running.finish().expect(COMPLETE);
    let shapes = svg_shapes(svg.as_ref());
    let explained: Vec<&str> =
        shapes.iter().filter(|shape| shape.tooltip.is_none()).map(|shape| shape.class.as_str()).collect();
    for shape in shapes.iter().filter(|shape| shape.tooltip.is_some()) {
        // A commit that is wide enough has the colour of a tick.
        let class = shape.class.trim_end_matches(" cut").replace("commit", "tick");
        // The whole life is transparent, and carries a tooltip alone.
        assert!(
            explained.contains(&class.as_str()) || ["alive", "point"].contains(&class.as_str()),
            "{shape:?} of {explained:?}"
        );
    }
    let listed = legend(&svg);
    assert!(["died", "restarted"].iter().all(|event| listed.contains(&(*event).to_owned())), "{listed:?}");
    assert!(svg_texts(svg.as_ref()).iter().any(|text| text == "died once (faded: cut short)"));
}

#[test]
fn a_commit_is_a_thin_tick_and_a_ticket_that_is_taken_is_none() {
    let env = test_env!();
    let (svg, json) = (file(&env, "run.svg"), file(&env, "run.json"));
    let args = ["-w", "3", "--jobs", "1", "-n", "10", "--delay", "100ms", "--timeline", &svg, "--timeline", &json];
    let _ = env.coordinator(args).run().expect(COMPLETE);
    let shapes = svg_shapes(svg.as_ref());
    let ticks = of_class(&shapes, "tick");
    for tick in &ticks {
        assert!(tick.width.is_some_and(|width| width < 1.5), "{tick:?}");
        let tooltip = tick.tooltip.as_deref().unwrap_or_default();
        assert!(tooltip.contains(": 1 commit for ") && tooltip.ends_with('s'), "its true time: {tooltip}");
    }
    // One that lost its processor took long, and is as wide as that.
    let wide = of_class(&shapes, "commit").into_iter().filter(|shape| shape.width.is_some_and(|width| width >= 2.0));
    assert_eq!(ticks.len() + wide.count(), 3, "one a worker: {shapes:?}");
    let trace = ChromeTrace::read(json.as_ref());
    let spans: Vec<_> = trace.threads.values().flatten().collect();
    let count = |name: &str| spans.iter().filter(|span| span.name == name).count();
    assert_eq!((count("commit"), count("lock held")), (3, 3), "a commit and a ticket each: {spans:?}");
    assert!(svg_texts(svg.as_ref()).iter().any(|text| text.starts_with("3 commits, ")));
}

#[test]
fn commits_of_chunks_are_counted_and_not_those_locks_that_took_one() {
    let env = test_env!();
    let (svg, json) = (file(&env, "run.svg"), file(&env, "run.json"));
    let args = ["--split", "-n", "1000", "--chunk", "10", "-w", "2", "--timeline", &svg, "--timeline", &json];
    let _ = env.coordinator(args).run().expect(COMPLETE);
    let spans: Vec<_> = ChromeTrace::read(json.as_ref()).threads.into_values().flatten().collect();
    assert_eq!(spans.iter().filter(|span| span.name == "commit").count(), 100);
    assert!(svg_texts(svg.as_ref()).iter().any(|text| text.starts_with("100 commits, ")));
}

#[test]
fn where_the_value_wraps_the_exact_total_grows_and_each_wrap_is_marked() {
    let env = test_env!();
    let (svg, json) = (file(&env, "run.svg"), file(&env, "run.json"));
    // 2^30 each: the second commit wraps. The fourth one brings the value back to 0 without leaving its range.
    let args = ["-w", "4", "--jobs", "1", "--delay", "0", "--exec", "echo 1073741824"];
    let run = env.coordinator(args).args(["--timeline", &svg, "--timeline", &json]).run().expect(COMPLETE);
    assert!(run.stdout.ends_with("Final shared value: 0\n"), "{run:?}");
    let trace = ChromeTrace::read(json.as_ref());
    let totals = ["0", "1073741824", "2147483648", "3221225472", "4294967296", "4294967296"];
    assert_eq!(trace.values(), totals);
    let wrapped: Vec<u64> = trace.instants("wrapped around").iter().map(|(at, _)| *at).collect();
    assert_eq!(wrapped, [trace.counter[2].0], "at the second commit");
    let shapes = svg_shapes(svg.as_ref());
    let tooltips: Vec<_> = of_class(&shapes, "wrap").iter().filter_map(|shape| shape.tooltip.clone()).collect();
    assert_eq!(tooltips, ["exact total 2,147,483,648; shared value -2,147,483,648; it wrapped around"]);
    let texts = svg_texts(svg.as_ref());
    for wanted in [
        "exact total of the shared value (i32), which wrapped around where marked",
        "wrapped around in 1 step",
        "4,000,000,000",
    ] {
        assert!(texts.iter().any(|text| text == wanted), "no {wanted} in {texts:?}");
    }
}

#[test]
fn each_contribution_stands_at_the_right_as_people_write_it() {
    let env = test_env!();
    let svg = file(&env, "run.svg");
    for (args, expected) in [
        (&["-w", "2", "-n", "1000"][..], &["332,833,500", "332,833,500"][..]),
        (&["-w", "1", "--split", "-n", "1000", "--chunk", "1"], &["332,833,500 in 1,000 chunks"]),
        (&["-w", "1", "--cells", "3", "--exec", "echo 1 20000 3"], &["1; 20,000; 3"]),
        (&["-w", "1", "--type", "f64", "--exec", "echo 31415.926535897932"], &["31,415.92654"]),
        (&["-w", "1", "--independent", "-n", "1000000"], &["333,332,833,333,500,000"]),
    ] {
        let _ = env.coordinator(args).args(["--delay", "0", "--timeline", &svg]).run().expect(COMPLETE);
        let texts = svg_texts(svg.as_ref());
        let found: Vec<&str> = texts
            .iter()
            .map(String::as_str)
            .filter(|text| expected.iter().any(|wanted| text.starts_with(wanted)))
            .collect();
        assert_eq!(found.len(), expected.len(), "{expected:?} in {texts:?}");
        assert!(texts.iter().any(|text| text == "contribution"), "{texts:?}");
    }
}
