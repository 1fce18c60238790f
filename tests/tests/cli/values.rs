//! Values that programs share, as the commands show and remove them.

use std::time::Duration;

use common::cli::exit_code::{COMPLETE, UNAVAILABLE, USAGE};
use common::{SegmentName, SharedArray, SharedValue};
use harness::{TestEnv, assert_error, secluded, skip, test_env, wrapped};

fn list(env: &TestEnv) -> String {
    // Several blanks are one: the columns' widths depend on the names.
    let text = env.coordinator(["list"]).run().expect(COMPLETE).stdout;
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

/// Fault 63.
#[test]
fn list_shows_values_with_who_is_attached_and_remove_unused_clears_those_of_nobody() {
    if !secluded!(list_shows_values_with_who_is_attached_and_remove_unused_clears_those_of_nobody) {
        return;
    }
    let env = test_env!();
    let [used, unused, array] = ["used", "unused", "array"].map(|label| env.name(label));
    let name = |text: &str| text.parse::<SegmentName>().expect("the name is legal");
    let value = SharedValue::create(&name(&used), 7_i64).expect("the name is free");
    SharedValue::create(&name(&unused), 0).expect("the name is free").keep();
    SharedArray::create(&name(&array), &[0.5; 3]).expect("the name is free").keep();
    let by_hand = env.create("by-hand", &[]);
    let text = list(&env);
    let pid = std::process::id();
    assert!(text.contains("NAME STATE TYPE CELLS ATTACHED\n"), "{text}");
    for line in [
        format!("{used} open i64 1 pid {pid}\n"),
        format!("{unused} open i32 1 nobody\n"),
        format!("{array} open f64 3 nobody\n"),
        format!("{by_hand} open sum-of-squares 0 of 4 -\n"),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    let json = env.coordinator(["list", "--format", "json"]).run().expect(COMPLETE).json();
    let segments = json["segments"].as_array().expect("segments are an array");
    let found = |name: &str| segments.iter().find(|segment| segment["name"] == name).expect("it is listed");
    assert_eq!((&found(&used)["attached"][0], &found(&used)["in_use"]), (&pid.into(), &true.into()));
    assert_eq!((&found(&array)["type"], &found(&array)["cells"]), (&"f64".into(), &3.into()));
    assert_eq!((&found(&unused)["kernel"], &found(&unused)["contributions"]), (&().into(), &().into()));
    assert_eq!(found(&unused)["attached"].as_array().map(Vec::len), Some(0));
    assert!(found(&by_hand)["attached"].is_null() && found(&by_hand)["kernel"] == "sum-of-squares");
    // Neither of the two kinds of leftovers is the other one.
    let stale = env.coordinator(["remove", "--stale"]).run().expect(COMPLETE);
    assert_eq!(stale.stderr, "nothing is stale\n");
    let swept = env.coordinator(["remove", "--unused"]).run().expect(COMPLETE);
    let mut removed: Vec<&str> = swept.stderr.lines().filter_map(|line| line.strip_prefix("removed ")).collect();
    removed.sort_unstable();
    assert_eq!(removed, [&array[..], &unused]);
    assert_eq!(value.get(), 7);
    let nothing = env.coordinator(["remove", "--unused"]).run().expect(COMPLETE);
    assert_eq!(nothing.stderr, "no value is unused\n");
    let refused = env.coordinator(["remove", &used]).run();
    assert_error(&refused, UNAVAILABLE, &format!("is in use by pid {pid}"));
    env.remove(&by_hand);
}

#[test]
fn each_form_of_remove_stands_alone() {
    let env = test_env!();
    for other in [&env.name("any")[..], "--stale", "--force"] {
        assert_error(&env.coordinator(["remove", "--unused", other]).run(), USAGE, "cannot be used with");
    }
    assert_error(&env.coordinator(["remove", "--stale", "--force"]).run(), USAGE, "cannot be used with");
}

/// Fault 63: of a process in another PID namespace only the kernel's locks are seen.
#[test]
fn a_value_that_another_container_uses_is_attached_elsewhere() {
    if !secluded!(a_value_that_another_container_uses_is_attached_elsewhere) {
        return;
    }
    let env = test_env!();
    let elsewhere = ["unshare", "--pid", "--fork", "--mount-proc", "--"];
    let probe = env.program("true".as_ref()).with(wrapped(&elsewhere)).run();
    if probe.code != Some(0) {
        skip("a_value_that_another_container_uses_is_attached_elsewhere", "no second PID namespace can be made here");
        return;
    }
    let text = env.name("value");
    let value = SharedValue::create(&text.parse().expect("the name is legal"), 1).expect("the name is free");
    let list = env.coordinator(["list"]).with(wrapped(&elsewhere)).run().expect(COMPLETE).stdout;
    assert!(list.contains("foreign, in use") && list.trim_end().ends_with("elsewhere"), "{list}");
    let swept = env.coordinator(["remove", "--unused"]).with(wrapped(&elsewhere)).run().expect(COMPLETE);
    assert_eq!(swept.stderr, "no value is unused\n");
    assert!(value.lock_within(Duration::ZERO).is_ok());
}
