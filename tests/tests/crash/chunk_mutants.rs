//! The kill tests of chunks and arrays find mutants of the protocol; without a mutant they find nothing.

use common::failpoint::Mutant;
use harness::crash_rig::{Build, Chunks, Contributions, CrashRig, Hand, Subject, assert_found};
use harness::{TestEnv, test_env};
use rustix::process::Signal;

/// Kills a victim after each of its stores; returns the first error.
fn kill(env: &TestEnv, mutants: &'static [Mutant], subject: impl Subject) -> Option<Result<usize, String>> {
    CrashRig::new(env, "faulty", Build::with(mutants), subject)?.kill_after_each_store(false).into()
}

/// Lets a fast worker commit before a slow one, each with its own action. Returns the error if the outcome is not
/// `after`.
fn overtake(mutants: &'static [Mutant], slow: &[&str], fast: &[&str], after: [Hand; 2]) -> Option<Result<(), String>> {
    let env = test_env!();
    let subject = Chunks { after, ..Chunks::beginning(1) };
    let mut rig = CrashRig::new(&env, "overtaken", Build::with(mutants), subject)?;
    let mut slow = rig.victim_with(slow);
    assert!(slow.run_to(Signal::WINCH), "it has its chunk");
    rig.victim_with(fast).finish();
    slow.finish();
    Some(rig.check_after_death())
}

/// A live worker holds 0..3; another one tries to take it over when it commits 3..6.
fn steal_from_the_living(mutants: &'static [Mutant], after: [Hand; 2]) -> Option<Result<(), String>> {
    overtake(mutants, &["chunk", "2", "3", "0"], &["chunk", "1", "3", "2"], after)
}

/// Both workers have one ticket, and 0..3 under it.
fn supersede(mutants: &'static [Mutant]) -> Option<Result<(), String>> {
    overtake(mutants, &["chunk", "1", "3", "0"], &["chunk", "1", "3", "0"], Chunks::taking(1).after)
}

/// The outcome of two workers that leave each other's chunks alone.
fn undisturbed() -> [Hand; 2] {
    [Hand { applied: 3..6, ..Hand::holding(6..9) }, Hand { applied: 0..3, ..Hand::holding(9..12) }]
}

/// Fault 5.
#[test]
fn a_chunk_taken_before_the_commit_point_is_found() {
    let env = test_env!();
    for mutants in [&[Mutant::ChunkBeforeCommit], &[Mutant::CursorBeforeCommit]] {
        assert_found(kill(&env, mutants, Chunks::taking(1)));
    }
}

/// Fault 5.
#[test]
fn a_chunk_that_stays_with_the_one_it_was_taken_from_is_found() {
    assert_found(kill(&test_env!(), &[Mutant::StolenNotCleared], Chunks::stealing(1)));
}

/// Fault 5.
#[test]
fn a_chunk_forgotten_by_who_takes_its_ticket_is_found() {
    assert_found(kill(&test_env!(), &[Mutant::HeldForgotten], Chunks::taking(1)));
}

/// Faults 5 and 33: set aside and held, set aside and lost.
#[test]
fn a_chunk_set_aside_and_applied_or_lost_is_found() {
    let env = test_env!();
    for mutants in [&[Mutant::SetAsideBeforeCommit], &[Mutant::SetAsideForgotten], &[Mutant::SetAsideNotCleared]] {
        assert_found(kill(&env, mutants, Chunks::setting_aside(1)));
    }
}

/// Faults 5 and 35.
#[test]
fn a_ticket_opened_and_not_taken_from_the_log_is_found() {
    assert_found(kill(&test_env!(), &[Mutant::OpenedTicketLogged], Chunks::reopening(1)));
}

/// Fault 5.
#[test]
fn cells_stored_one_by_one_without_a_record_are_found() {
    let env = test_env!();
    assert_found(kill(&env, &[Mutant::AppliedBeforePublished], Contributions::to(2)));
    assert_found(kill(&env, &[Mutant::AppliedBeforePublished], Chunks::taking(2)));
}

/// Fault 5.
#[test]
fn a_chunk_taken_from_the_living_is_found() {
    assert_found(steal_from_the_living(&[Mutant::StealWithoutRole], undisturbed()));
    let stolen = Chunks::stealing(1).after;
    assert_found(steal_from_the_living(&[Mutant::StealWithoutRole, Mutant::NoRecheck], stolen));
}

/// Fault 5: the control. A live worker taken for dead loses its chunk; the check of the chunk keeps it from adding it.
#[test]
fn a_chunk_taken_from_the_living_is_not_applied_twice() {
    let outcomes = [
        steal_from_the_living(&[], undisturbed()),
        steal_from_the_living(&[Mutant::StealWithoutRole], Chunks::stealing(1).after),
    ];
    for outcome in outcomes.into_iter().flatten() {
        outcome.expect("each chunk is applied once");
    }
}

/// Fault 5, and the control: the check of the ticket alone is enough.
#[test]
fn a_chunks_commit_that_does_not_check_its_ticket_is_found() {
    assert_found(supersede(&[Mutant::NoRoles, Mutant::NoRecheck]));
    if let Some(outcome) = supersede(&[Mutant::NoRoles]) {
        outcome.expect("the slow worker finds its ticket taken");
    }
}

/// Fault 5: the control.
#[test]
fn without_a_planted_fault_nothing_is_found_in_chunks() {
    let env = test_env!();
    for subject in [Chunks::stealing(1), Chunks::setting_aside(1)] {
        kill(&env, &[], subject).unwrap_or(Ok(0)).expect("the protocol is sound");
    }
}

/// Fault 5: the control.
#[test]
fn without_a_planted_fault_nothing_is_found_in_arrays() {
    kill(&test_env!(), &[], Contributions::to(2)).unwrap_or(Ok(0)).expect("the protocol is sound");
}
