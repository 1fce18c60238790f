//! Every interleaving of a few processes and deaths, in a model of the chunk protocol: each iteration exactly once.
//!
//! Each test reports how many states it has visited. `properties.rs` has the checks; the mutants at the end prove that
//! they can fail.

use super::program::Mutant;
use super::{Chunks, Setup};
use crate::exploration::{self, Look, Violation};

/// Explores everything and expects no violation.
#[track_caller]
fn holds(what: &str, setup: &Setup) {
    exploration::holds(what, &Chunks::new(setup, Look::Through));
}

/// Expects that the mutant breaks that promise, at rest: deaths and recoveries are played out. If the setup has deaths
/// or misjudgements, expects no violation without them.
#[track_caller]
fn breaks(promise: Violation, mutant: Mutant, setup: &Setup) {
    let setup = Setup { mutant, ..*setup };
    exploration::breaks(promise, &Chunks::new(&setup, Look::AtRest));
    if setup.deaths + setup.misjudgements > 0 {
        let quiet = Chunks::new(&Setup { deaths: 0, misjudgements: 0, ..setup }, Look::AtRest);
        exploration::holds(&format!("{mutant:?}, and nobody dies or is thought dead"), &quiet);
    }
}

#[test]
fn two_launched_workers_of_which_two_die_at_any_steps_apply_each_chunk_once() {
    holds("2 launched workers, 3 chunks, 2 deaths", &Setup::run(2, 3, 2));
    holds("2 launched workers, 4 chunks, 1 death", &Setup::run(2, 4, 1));
}

#[test]
fn three_launched_workers_of_which_one_dies_at_any_step_apply_each_chunk_once() {
    holds("3 launched workers, 3 chunks, 1 death", &Setup::run(3, 3, 1));
}

#[test]
fn chunks_of_several_iterations_of_which_the_last_is_short_are_applied_once_each() {
    holds("2 launched workers, 2 chunks of 3 iterations, 2 deaths", &Setup { size: 2, ..Setup::run(2, 3, 2) });
}

#[test]
fn workers_that_leave_when_they_are_asked_to_give_their_chunk_up_and_are_launched_again() {
    holds("2 launched workers, 3 chunks, 1 death, 1 leaves", &Setup { leaves: 1, ..Setup::run(2, 3, 1) });
    holds("2 launched workers, 3 chunks, 2 leave", &Setup { leaves: 2, ..Setup::run(2, 3, 0) });
}

#[test]
fn workers_by_hand_of_which_two_die_at_any_steps_apply_each_chunk_once() {
    holds("2 workers by hand, 3 chunks, 2 deaths", &Setup::by_hand(2, 3, 2));
    holds("2 workers by hand, 3 chunks, 1 death, 1 leaves", &Setup { leaves: 1, ..Setup::by_hand(2, 3, 1) });
}

#[test]
fn a_worker_by_hand_and_a_launched_one_take_over_what_the_other_left() {
    let joined = Setup { open: 1, joiners: 1, ..Setup::run(1, 3, 2) };
    holds("1 launched worker, 1 by hand, 3 chunks, 2 deaths", &joined);
}

#[test]
fn chunks_that_fail_or_kill_their_workers_are_set_aside_once_and_the_others_applied() {
    holds("2 launched workers, 3 chunks, 2 fail, 1 death", &Setup { failures: 2, ..Setup::run(2, 3, 1) });
    holds(
        "2 launched workers, 3 chunks of which the last is short",
        &Setup { size: 2, failures: 2, ..Setup::run(2, 3, 1) },
    );
    holds("2 workers by hand, 2 chunks, 1 fails, 1 death", &Setup { failures: 1, ..Setup::by_hand(2, 2, 1) });
}

#[test]
fn a_run_is_resumed_by_coordinators_that_die_at_any_step_and_ends_with_what_was_set_aside() {
    let setup = Setup { failures: 1, resumes: 1, ..Setup::run(2, 2, 1) };
    holds("2 launched workers, 2 chunks, 1 fails, 1 resume, 1 death", &setup);
    let setup = Setup { failures: 2, resumes: 2, ..Setup::run(1, 2, 2) };
    holds("1 launched worker, 2 chunks, 2 fail, 2 resumes, 2 deaths", &setup);
}

/// Only a worker of the same ticket, or one that still wants a chunk, applies a dead worker's chunk. The coordinator
/// must launch one, also for tickets of workers by hand.
#[test]
fn a_chunk_of_a_dead_worker_by_hand_is_left_behind_if_all_others_are_done_and_nobody_comes() {
    let joined = Setup { open: 1, joiners: 1, replaces: false, ..Setup::run(1, 2, 1) };
    exploration::breaks(Violation::Incomplete, &Chunks::new(&joined, Look::Through));
}

#[test]
fn a_worker_wrongly_thought_dead_finds_its_ticket_or_its_chunk_gone_though_no_role_keeps_its_rival_out() {
    let setup = Setup { misjudgements: 1, roles: false, ..Setup::run(2, 3, 1) };
    holds("2 launched workers, 3 chunks, 1 wrongly thought dead, 1 death, no roles", &setup);
    let setup = Setup { misjudgements: 2, roles: false, ..Setup::run(2, 3, 0) };
    holds("2 launched workers, 3 chunks, 2 wrongly thought dead, no roles", &setup);
}

#[test]
fn the_role_alone_keeps_a_rival_out_as_well() {
    let setup = Setup { misjudgements: 1, ..Setup::run(2, 2, 1) };
    holds("2 launched workers, 2 chunks, 1 rival, 1 death, with roles", &setup);
    let setup = Setup { mutant: Mutant::EpochIsNotCompared, ..setup };
    holds("the same, and no epoch is compared", &setup);
    let setup = Setup { mutant: Mutant::ChunkIsNotCompared, ..setup };
    holds("the same, and no chunk is compared", &setup);
}

/// `cargo test --release -p tests --test model -- --ignored --test-threads 1`
#[test]
#[ignore = "takes gigabytes; the command stands above, and in tests/README.md"]
fn the_same_with_one_more_worker_chunk_or_death() {
    holds("3 launched workers, 3 chunks, 2 deaths", &Setup::run(3, 3, 2));
    holds("3 launched workers, 4 chunks, 1 death", &Setup::run(3, 4, 1));
    holds("2 launched workers, 3 chunks, 3 deaths", &Setup::run(2, 3, 3));
    holds("2 launched workers, 4 chunks, 2 deaths", &Setup::run(2, 4, 2));
    holds("3 workers by hand, 3 chunks, 2 deaths", &Setup::by_hand(3, 3, 2));
    let joined = Setup { open: 1, joiners: 1, ..Setup::run(2, 3, 2) };
    holds("2 launched workers, 1 by hand, 3 chunks, 2 deaths", &joined);
    let misjudged = Setup { misjudgements: 2, roles: false, ..Setup::run(2, 3, 1) };
    holds("2 launched workers, 3 chunks, 2 wrongly thought dead, 1 death, no roles", &misjudged);
}

#[test]
fn a_chunk_taken_by_stores_behind_the_commit_is_taken_by_half() {
    breaks(Violation::Place, Mutant::TakenLater, &Setup::run(2, 2, 1));
}

#[test]
fn a_chunk_that_is_taken_over_and_left_in_its_slot_is_held_twice() {
    breaks(Violation::Place, Mutant::StolenIsNotCleared, &Setup::run(2, 2, 1));
}

#[test]
fn a_worker_that_does_not_look_at_the_role_steals_from_one_that_lives() {
    breaks(Violation::Superseded, Mutant::RoleIsNotAskedFor, &Setup::run(2, 2, 0));
}

#[test]
fn a_chunk_given_out_before_the_commit_point_is_lost_with_a_commit_that_did_not_happen() {
    breaks(Violation::Place, Mutant::GivenOutBeforeCommitPoint, &Setup::run(2, 2, 1));
}

#[test]
fn a_chunk_that_its_record_does_not_speak_of_is_never_taken() {
    breaks(Violation::Incomplete, Mutant::ChunkIsNotMarked, &Setup { replaces: false, ..Setup::by_hand(1, 1, 0) });
}

#[test]
fn a_contribution_added_instead_of_stored_is_added_twice_by_a_recovery() {
    breaks(Violation::Sum, Mutant::ContributionIsAdded, &Setup::run(2, 2, 1));
}

#[test]
fn a_commit_that_does_not_compare_the_chunk_applies_one_that_was_taken_over() {
    let setup = Setup { misjudgements: 1, roles: false, ..Setup::run(2, 2, 0) };
    breaks(Violation::Place, Mutant::ChunkIsNotCompared, &setup);
}

#[test]
fn a_worker_that_does_not_compare_the_epoch_undoes_a_ticket_that_is_done() {
    let setup = Setup { misjudgements: 1, roles: false, ..Setup::run(1, 1, 0) };
    breaks(Violation::Undone, Mutant::EpochIsNotCompared, &setup);
}

#[test]
fn two_workers_of_one_ticket_apply_its_chunk_twice_if_neither_epoch_nor_chunk_is_compared() {
    let setup = Setup { misjudgements: 1, roles: false, ..Setup::run(1, 2, 0) };
    breaks(Violation::Twice, Mutant::NothingIsCompared, &setup);
}

#[test]
fn a_ticket_that_is_done_with_the_last_chunk_given_out_never_commits_it() {
    breaks(Violation::Stranded, Mutant::DoneWithLastChunk, &Setup::run(1, 1, 0));
}

#[test]
fn a_first_chunk_that_ignores_what_a_predecessor_left_loses_it() {
    breaks(Violation::Place, Mutant::PredecessorIsIgnored, &Setup::run(2, 2, 1));
}

#[test]
fn a_commit_marked_as_applied_too_early_leaves_a_chunk_given_out_twice() {
    breaks(Violation::Place, Mutant::AppliedTooEarly, &Setup::run(2, 2, 1));
}

#[test]
fn a_recovery_that_drops_a_published_record_loses_half_of_it() {
    breaks(Violation::Place, Mutant::RecoveryDrops, &Setup::run(2, 2, 1));
}

#[test]
fn a_range_set_aside_before_the_commit_point_is_held_as_well() {
    let setup = Setup { failures: 1, ..Setup::run(1, 2, 1) };
    breaks(Violation::Place, Mutant::SetAsideBeforeCommitPoint, &setup);
}

#[test]
fn a_chunk_that_is_set_aside_and_stays_with_its_ticket_is_applied_as_well() {
    breaks(Violation::Place, Mutant::SetAsideIsKept, &Setup { failures: 1, ..Setup::run(1, 2, 0) });
}

#[test]
fn a_chunk_that_is_set_aside_and_stored_nowhere_is_lost() {
    breaks(Violation::Place, Mutant::SetAsideIsForgotten, &Setup { failures: 1, ..Setup::run(1, 2, 0) });
}

#[test]
fn a_range_that_is_given_out_again_and_stays_set_aside_is_in_two_places() {
    let setup = Setup { failures: 1, resumes: 1, ..Setup::run(1, 2, 0) };
    breaks(Violation::Place, Mutant::RetriedStaysSetAside, &setup);
}

#[test]
fn a_ticket_that_is_opened_and_stays_in_the_log_is_counted_though_it_is_not_done() {
    let setup = Setup { failures: 1, resumes: 1, ..Setup::run(1, 2, 0) };
    breaks(Violation::Log, Mutant::OpenedStaysLogged, &setup);
}
