//! The kill tests find mutants of the protocol; without a mutant they find nothing.

use common::ValueType;
use common::failpoint::Mutant;
use harness::crash_rig::{ArrayChanges, Build, Contributions, CrashRig, assert_found};
use harness::{TestEnv, test_env};
use rustix::process::Signal;

/// Kills a victim after each of its stores and recovers; returns the first error.
fn kill_after_each_store(env: &TestEnv, build: Build, recoverer_too: bool) -> Option<Result<usize, String>> {
    CrashRig::new(env, "faulty", build, Contributions::to(1))?.kill_after_each_store(recoverer_too).into()
}

/// Gives one ticket to two workers, the first only slow; returns the error after both are done.
fn supersede(env: &TestEnv, build: Build) -> Option<Result<(), String>> {
    let mut rig = CrashRig::new(env, "superseded", build, Contributions::to(1))?;
    let mut slow = rig.victim();
    assert!(slow.run_to(Signal::WINCH), "it has its ticket");
    rig.victim().finish();
    slow.finish();
    Some(rig.check_after_death())
}

/// The same in up to three passes: what a mutant does wrong may be whole again some instructions later, and a kill now and then
/// comes that many early or late.
fn kill_until_found(env: &TestEnv, build: Build) -> Option<Result<usize, String>> {
    let mut passes = (0..3).map(|_| kill_after_each_store(env, build, false));
    passes.find(|outcome| !matches!(outcome, Some(Ok(_)))).unwrap_or(Some(Ok(0)))
}

/// Fault 5.
#[test]
fn adding_before_marking_is_found() {
    assert_found(kill_until_found(&test_env!(), Build::with(&[Mutant::AddBeforeMark])));
}

/// Fault 5.
#[test]
fn a_value_stored_before_the_commit_point_is_found() {
    assert_found(kill_until_found(&test_env!(), Build::with(&[Mutant::ValueBeforeCommit])));
}

/// Fault 5: of an array, which a kill leaves half changed. Of several cells, so that a kill that comes some instructions early
/// or late shows it, too.
#[test]
fn cells_changed_before_the_commit_point_are_found() {
    let env = test_env!();
    let rig = CrashRig::new(
        &env,
        "faulty",
        Build::with(&[Mutant::AppliedBeforePublished]),
        ArrayChanges::of(ValueType::I32, 5),
    );
    assert_found(rig.map(|mut rig| rig.kill_after_each_store(false)));
}

/// Fault 5.
#[test]
fn a_recovery_that_does_not_declare_the_mutex_consistent_is_found() {
    assert_found(kill_after_each_store(&test_env!(), Build::with(&[Mutant::NoConsistent]), true));
}

/// Fault 5.
#[test]
fn a_commit_that_does_not_check_its_ticket_is_found() {
    assert_found(supersede(&test_env!(), Build::with(&[Mutant::NoRoles, Mutant::NoRecheck])));
}

/// Fault 5: the control. Without roles, the check of the ticket alone is enough.
#[test]
fn a_worker_wrongly_thought_dead_does_not_apply_twice() {
    if let Some(outcome) = supersede(&test_env!(), Build::with(&[Mutant::NoRoles])) {
        outcome.expect("the slow worker finds its ticket taken");
    }
}

/// Fault 5: the control.
#[test]
fn without_a_planted_fault_nothing_is_found() {
    for recoverer_too in [false, true] {
        if let Some(outcome) = kill_after_each_store(&test_env!(), Build::with(&[]), recoverer_too) {
            outcome.expect("the protocol is sound");
        }
    }
}
