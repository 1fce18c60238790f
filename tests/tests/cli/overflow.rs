//! The shared `i32` at its limits: it wraps as in C, or rejects what does not fit; also when a recovery finishes the
//! commit.

use common::cli::exit_code::{COMPLETE, OVERFLOW};
use common::failpoint::Failpoint;
use common::{Cells, Claim, CommitError, Committed, Ledger, LockOutcome, Number, Overflow, Segment, Snapshot, Terms};
use harness::{Injection, TestEnv, integer, test_env};

const MAX: i128 = i32::MAX as i128;
const MIN: i128 = i32::MIN as i128;

/// The contribution with `-n 1500`: it fits an `i32` once, not twice.
const ONCE: i128 = 1_123_875_250;

/// A segment for eight contributions by this process.
fn segment(env: &TestEnv, label: &str, overflow: Overflow) -> Segment {
    let terms = Terms { overflow, ..Terms::by_hand("sum-of-squares", 8) };
    let name = env.name(label).parse().expect("it is a name");
    Segment::create(&name, &terms).expect("it can be made")
}

fn join(segment: &Segment) -> Claim {
    Ledger::of(segment).lock(|_, _| {}).expect("nobody has the lock").join().expect("there is a ticket")
}

fn commit(segment: &Segment, claim: &Claim, contribution: i128) -> Result<Committed, CommitError> {
    Ledger::of(segment).lock(|_, _| {}).expect("nobody has the lock").commit(claim, contribution)
}

/// Makes the contributions in turn and checks the value after each.
#[track_caller]
fn gives(segment: &Segment, steps: &[(i128, i128)]) {
    for (contribution, value) in steps {
        let committed = commit(segment, &join(segment), *contribution).expect("it fits or wraps");
        assert_eq!(integer(&committed.value), *value, "after {contribution}");
        let snapshot = Snapshot::of(segment).expect("it can be read");
        assert_eq!((snapshot.check(), snapshot.value), (Ok(()), committed.value));
    }
}

/// Checks that a contribution is rejected, changes nothing, and leaves its ticket usable for one that fits.
#[track_caller]
fn refuses(segment: &Segment, contribution: i128, fitting: i128) {
    let claim = join(segment);
    let before = Snapshot::of(segment).expect("it can be read");
    let outcome = commit(segment, &claim, contribution);
    assert!(matches!(outcome, Err(CommitError::Overflow { kind: "i32", .. })), "{contribution}: {outcome:?}");
    let after = Snapshot::of(segment).expect("it can be read");
    assert_eq!((after.done(), after.check(), &after.value), (before.done(), Ok(()), &before.value));
    let committed = commit(segment, &claim, fitting).expect("it fits");
    assert_eq!(integer(&committed.value), integer(&before.value) + fitting);
}

/// Fault 32.
#[test]
fn a_value_reaches_both_ends_exactly() {
    let env = test_env!();
    for overflow in [Overflow::Wrap, Overflow::Error] {
        let segment = segment(&env, "ends", overflow);
        // MAX - MIN does not fit an i32, but each sum does.
        gives(
            &segment,
            &[(MAX, MAX), (-MAX, 0), (MIN, MIN), (-MIN, 0), (MIN, MIN), (MAX - MIN, MAX), (MIN - MAX, MIN)],
        );
        assert!(!Snapshot::of(&segment).expect("it can be read").has_wrapped());
        common::unlink(&segment).expect("it can be removed");
    }
}

/// Fault 32.
#[test]
fn one_past_an_end_wraps_to_the_other() {
    let env = test_env!();
    let segment = segment(&env, "wraps", Overflow::Wrap);
    gives(&segment, &[(MAX, MAX), (1, MIN), (-1, MAX), (1 << 32, MAX), (MAX + 1, -1), (MIN - 1, MAX - 1)]);
    let snapshot = Snapshot::of(&segment).expect("it can be read");
    assert_eq!(snapshot.exact_total(), Some(Cells::One(MAX + (1 << 32) + (MAX + 1) + (MIN - 1))));
    assert!(snapshot.has_wrapped());
    common::unlink(&segment).expect("it can be removed");
}

/// Fault 32.
#[test]
fn contributions_of_128_bits_wrap_like_any_others() {
    let env = test_env!();
    let segment = segment(&env, "wide", Overflow::Wrap);
    gives(&segment, &[(i128::MAX, -1), (i128::MAX, -2), (i128::MIN, -2), (i128::MIN + 5, 3)]);
    common::unlink(&segment).expect("it can be removed");
}

/// Fault 32.
#[test]
fn one_past_an_end_is_refused_and_changes_nothing() {
    let env = test_env!();
    let segment = segment(&env, "refuses", Overflow::Error);
    refuses(&segment, MAX + 1, MAX);
    refuses(&segment, 1, 0);
    refuses(&segment, i128::MAX, -MAX);
    refuses(&segment, MIN - 1, MIN);
    refuses(&segment, -1, 0);
    refuses(&segment, i128::MIN, 1);
    common::unlink(&segment).expect("it can be removed");
}

/// Fault 32.
#[test]
fn a_run_whose_results_never_fit_ends_with_the_code_for_overflow() {
    let env = test_env!();
    let name = env.name("never");
    let args = ["--overflow", "error", "-w", "4", "--delay", "0", "--name", &name, "--format", "json"];
    let finished = env.coordinator(args).run().expect(OVERFLOW);
    assert!(finished.stderr.contains("overflow: adding 333332833333500000 to 0 does not fit into i32"), "{finished:?}");
    let report = finished.json();
    assert_eq!((&report["value"], &report["complete"], &report["wrapped"]), (&0.into(), &false.into(), &false.into()));
    assert_eq!((&report["contributions"]["done"], &report["restarts"]), (&0.into(), &0.into()));
    assert!(env.segments().is_empty());
}

/// Fault 32.
#[test]
fn a_run_keeps_the_contributions_that_fitted() {
    let env = test_env!();
    let args = ["--overflow", "error", "-w", "4", "--delay", "0", "-n", "1500"];
    let finished = env.coordinator(args).run().expect(OVERFLOW);
    assert_eq!(finished.lines().last().copied(), Some("Final shared value: 1123875250"), "{finished:?}");
    assert!(finished.stderr.contains("1 of 4 contributions are applied"), "{finished:?}");
    assert!(finished.stderr.contains("adding 1123875250 to 1123875250 does not fit into i32"), "{finished:?}");
}

/// Kills the first worker where its commit is published and not applied, or applied in part.
fn death_at(failpoint: Failpoint) -> Injection {
    Injection { failpoint, action: "kill", times: 1 }
}

/// Fault 32.
#[test]
fn a_value_that_wraps_after_a_recovery_is_right() {
    let env = test_env!();
    for failpoint in [Failpoint::Published, Failpoint::HalfApplied] {
        let args = ["-w", "2", "--delay", "0", "-n", "1500", "--format", "json"];
        let report = env.coordinator(args).inject(death_at(failpoint)).run().expect(COMPLETE).json();
        assert_eq!(report["value"].as_i64(), Some(i64::try_from(2 * ONCE).expect("it fits") - (1 << 32)), "{report}");
        assert_eq!((&report["wrapped"], &report["recoveries"]), (&true.into(), &1.into()), "{report}");
    }
}

/// Fault 32.
#[test]
fn an_overflow_after_a_recovery_is_refused() {
    let env = test_env!();
    for failpoint in [Failpoint::Published, Failpoint::HalfApplied] {
        let args = ["--overflow", "error", "-w", "2", "--delay", "0", "-n", "1500", "--format", "json"];
        let report = env.coordinator(args).inject(death_at(failpoint)).run().expect(OVERFLOW).json();
        assert_eq!(
            (report["value"].as_i64(), &report["recoveries"]),
            (i64::try_from(ONCE).ok(), &1.into()),
            "{report}"
        );
        assert_eq!(report["contributions"]["done"], 1, "{report}");
    }
}

/// Fault 32.
#[test]
fn a_recovered_commit_leaves_exactly_the_room_that_is_left() {
    let env = test_env!();
    for failpoint in [Failpoint::Published, Failpoint::HalfApplied] {
        let name = env.name("room");
        let args = ["create", &name, "-q", "--overflow", "error", "-n", "1500", "--delay", "0"];
        let _ = env.coordinator(args).run().expect(COMPLETE);
        let dead = env.worker(&name).inject(death_at(failpoint)).run();
        assert!(dead.signal.is_some(), "{dead:?}");
        let segment = Segment::attach(&name.parse().expect("it is a name")).expect("it is whole");
        let mut guard = Ledger::of(&segment).lock(|_, _| {}).expect("its owner is dead");
        assert_eq!(guard.outcome(), LockOutcome::OwnerDied);
        let claim = guard.join().expect("there is a ticket");
        assert!(matches!(
            guard.commit(&claim, MAX - ONCE + 1),
            Err(CommitError::Overflow { value: Number::Integer(ONCE), .. })
        ));
        assert_eq!(integer(&guard.commit(&claim, MAX - ONCE).expect("it fits").value), MAX);
        drop(guard);
        assert_eq!(Snapshot::of(&segment).expect("it can be read").check(), Ok(()));
        common::unlink(&segment).expect("it can be removed");
    }
}
