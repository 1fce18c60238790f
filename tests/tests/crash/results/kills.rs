//! A shard's writer killed at each point of what it seldom does: where there are no hard links, and where its result
//! differs.

use std::collections::BTreeSet;
use std::fs;

use common::cli::exit_code::COMPLETE;
use harness::crash_rig::stride;
use harness::ptrace::{Gait, Stop, Traced};
use harness::{report, secluded, test_env};
use libc::SYS_linkat;
use rustix::io::Errno;
use serde_json::Value;

use super::answers::Answer::{Refused, Right};
use super::answers::answer;
use super::{RESULT, Shard, can_trace};

/// Kills a shard's writer at each system call behind a certain point, until it ends before; returns the number of
/// kills, and what was left.
fn kill_after(
    shard: &Shard<'_>,
    prepare: impl Fn(&mut Traced),
    check: impl Fn(&str) -> &'static str,
) -> (usize, BTreeSet<&'static str>) {
    let (mut kills, mut left) = (0, BTreeSet::new());
    // The end of one call is the beginning of the next one.
    for points in (0..).step_by(stride(2)) {
        shard.renew();
        let mut victim = shard.start().expect("it worked a moment ago");
        prepare(&mut victim);
        let is_over = !(0..points).all(|_| victim.go(Gait::Call) != Stop::End);
        victim.kill();
        left.insert(check(&format!("kill at point {points} behind it")));
        if is_over {
            break;
        }
        kills += 1;
    }
    (kills, left)
}

/// Fault 68.
#[test]
fn a_writer_killed_where_there_are_no_hard_links_has_left_all_of_its_result_or_nothing() {
    if !secluded!(a_writer_killed_where_there_are_no_hard_links_has_left_all_of_its_result_or_nothing) {
        return;
    }
    let env = test_env!();
    let shard = Shard::new(&env);
    if !can_trace(&shard, "a_writer_killed_where_there_are_no_hard_links") {
        return;
    }
    let (kills, left) =
        kill_after(&shard, |victim| answer(victim, &[Refused(SYS_linkat, Errno::PERM)]), |case| shard.check(case));
    report(&format!("killed {kills} times at system calls of a shard's end without hard links"));
    assert_eq!(left, BTreeSet::from(["segment", "both", "result"]));
}

/// Fault 71.
#[test]
fn a_writer_killed_where_its_result_differs_has_left_all_of_it_beside_the_first_or_nothing() {
    if !secluded!(a_writer_killed_where_its_result_differs_has_left_all_of_it_beside_the_first_or_nothing) {
        return;
    }
    let env = test_env!();
    let shard = Shard::new(&env);
    if !can_trace(&shard, "a_writer_killed_where_its_result_differs") {
        return;
    }
    let first = shard.folder().join(RESULT);
    let _ = shard.env.coordinator(Shard::args(&shard.folder())).run().expect(COMPLETE);
    let other = fs::read_to_string(&first).expect("it is there").replace("\"285\"", "\"286\"");
    assert!(other.contains("286"), "{other}");
    let check = |case: &str| {
        assert_eq!(fs::read_to_string(&first).ok().as_ref(), Some(&other), "{case}: the first one stays");
        let again = shard.env.coordinator(Shard::args(&shard.folder())).run();
        assert!(again.code == Some(0) && again.stdout.ends_with("Final shared value: 286\n"), "{case}: {again:?}");
        assert!(!shard.env.segment(shard.name.as_str()).exists(), "{case}: {again:?}");
        let mut names = shard.names();
        assert!(names.remove("job.json") && names.remove(RESULT) && names.len() <= 1, "{case}: {names:?}");
        let Some(name) = names.first() else { return "the first" };
        assert!(name.starts_with("0-10.differs-"), "{case}: {name}");
        let text = fs::read_to_string(shard.folder().join(name)).expect("it is there");
        let beside: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{case}: {error}: {text}"));
        assert_eq!((&beside["job"], &beside["total"]), (&shard.job["id"], &"285".into()), "{case}");
        fs::remove_file(shard.folder().join(name)).expect("it is there");
        "both"
    };
    let taken = |victim: &mut Traced| {
        answer(victim, &[Right(SYS_linkat)]);
        fs::write(&first, &other).expect("it can be written");
    };
    let (kills, left) = kill_after(&shard, taken, check);
    report(&format!("killed {kills} times at system calls of a shard whose result differs"));
    assert_eq!(left, BTreeSet::from(["the first", "both"]));
}
