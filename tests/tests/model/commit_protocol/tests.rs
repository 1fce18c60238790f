//! Every interleaving of a few processes and deaths, in a model of the commit protocol: Invariant I, and nobody waits.
//!
//! Each test reports how many states it has visited. `properties.rs` has the checks; the mutants at the end prove that
//! they can fail.

use super::program::Mutant;
use super::{Protocol, Setup};
use crate::exploration::{self, Look, Violation};

/// Explores everything and expects no violation.
#[track_caller]
fn holds(what: &str, setup: &Setup) {
    exploration::holds(what, &Protocol::new(setup, Look::Through));
}

/// Expects that the mutant breaks that promise, at rest: deaths and recoveries are played out. If the setup has deaths,
/// expects no violation without them.
#[track_caller]
fn breaks(promise: Violation, mutant: Mutant, setup: &Setup) {
    let setup = Setup { mutant, ..*setup };
    exploration::breaks(promise, &Protocol::new(&setup, Look::AtRest));
    if setup.crashes > 0 {
        let quiet = Protocol::new(&Setup { crashes: 0, ..setup }, Look::AtRest);
        exploration::holds(&format!("{mutant:?}, and nobody dies"), &quiet);
    }
}

#[test]
fn three_launched_workers_of_which_two_die_at_any_steps_contribute_once_each() {
    holds("3 launched workers, 2 deaths", &Setup::run(3, 2));
}

#[test]
fn two_launched_workers_and_their_coordinator_of_which_two_die_at_any_steps_contribute_once_each() {
    holds(
        "2 launched workers, 2 deaths, also of the coordinator",
        &Setup { coordinator_dies: true, ..Setup::run(2, 2) },
    );
}

#[test]
fn three_workers_by_hand_of_which_two_die_at_any_steps_contribute_once_each() {
    holds("3 workers by hand, 2 deaths", &Setup::by_hand(3, 2));
}

#[test]
fn a_worker_by_hand_takes_over_what_another_left_behind() {
    holds("1 launched worker, 2 by hand for 1 ticket, 2 deaths", &Setup::joined(1, 2));
    let with_coordinator = Setup { coordinator_dies: true, ..Setup::joined(1, 1) };
    holds("1 launched worker, 2 by hand for 1 ticket, 1 death, also of the coordinator", &with_coordinator);
}

/// A reported bug: a contribution in the total without a line. A worker by hand commits between the close and the
/// search for such workers, and dies before it applies; only a search under the lock finds it.
#[test]
fn workers_by_hand_are_all_printed_only_if_they_are_looked_for_under_the_lock() {
    let setup = Setup { greets_under_lock: false, ..Setup::joined(1, 1) };
    exploration::breaks(Violation::Unprinted, &Protocol::that_prints_all(&setup));
    let in_time = Protocol::that_prints_all(&Setup::joined(1, 2));
    exploration::holds("1 launched worker, 2 by hand looked for under the lock, 2 deaths", &in_time);
}

#[test]
fn a_worker_wrongly_thought_dead_finds_another_epoch_though_no_role_keeps_its_rival_out() {
    holds("2 launched workers, 1 rival, 1 death", &Setup { roles: false, early: 1, ..Setup::run(2, 1) });
    holds("2 launched workers, 2 rivals", &Setup { roles: false, early: 2, ..Setup::run(2, 0) });
    let taken_over = Setup { roles: false, coordinator_dies: true, ..Setup::run(1, 2) };
    holds("1 launched worker, 2 deaths, also of the coordinator, whose heir sees no worker", &taken_over);
}

#[test]
fn the_role_alone_keeps_a_rival_out_as_well() {
    holds("2 launched workers, 1 rival, 1 death, with roles", &Setup { early: 1, ..Setup::run(2, 1) });
    let unchecked = Setup { early: 1, mutant: Mutant::NoRecheck, ..Setup::run(2, 1) };
    holds("2 launched workers, 1 rival, 1 death, with roles and no recheck", &unchecked);
}

/// `cargo test --release -p tests --test model -- --ignored --test-threads 1`
#[test]
#[ignore = "takes gigabytes and minutes"]
fn the_same_with_one_more_worker_or_death() {
    holds("3 launched workers, 3 deaths", &Setup::run(3, 3));
    holds("4 launched workers, 2 deaths", &Setup::run(4, 2));
    holds(
        "3 launched workers, 1 death, also of the coordinator",
        &Setup { coordinator_dies: true, ..Setup::run(3, 1) },
    );
}

#[test]
fn a_value_changed_before_its_ticket_is_marked_counts_twice() {
    breaks(Violation::Sum, Mutant::AddBeforeMark, &Setup::run(2, 1));
}

#[test]
fn a_value_stored_before_the_commit_point_outlives_a_commit_that_did_not_happen() {
    breaks(Violation::Sum, Mutant::ValueBeforeCommitPoint, &Setup::run(2, 1));
}

#[test]
fn a_record_published_before_it_is_written_cannot_be_applied() {
    breaks(Violation::Damaged, Mutant::PublishedBeforeRecorded, &Setup::run(2, 1));
}

#[test]
fn a_commit_marked_as_applied_too_early_is_not_brought_to_an_end() {
    breaks(Violation::Log, Mutant::AppliedTooEarly, &Setup::run(2, 1));
}

#[test]
fn a_count_ahead_of_the_log_shows_readers_a_ticket_that_is_not_there() {
    breaks(Violation::Log, Mutant::CountedBeforeLogged, &Setup::run(1, 0));
}

#[test]
fn a_commit_that_does_not_recheck_its_ticket_counts_it_twice() {
    breaks(Violation::Twice, Mutant::NoRecheck, &Setup { roles: false, early: 1, ..Setup::run(1, 0) });
}

#[test]
fn a_worker_that_does_not_see_that_its_ticket_is_done_undoes_it() {
    breaks(Violation::Undone, Mutant::DoneIsNotSeen, &Setup::run(2, 1));
}

#[test]
fn a_recovery_that_drops_a_published_record_loses_half_of_it() {
    breaks(Violation::Log, Mutant::RecoveryDrops, &Setup::run(2, 1));
}

#[test]
fn a_recovery_that_adds_instead_of_storing_adds_twice() {
    breaks(Violation::Sum, Mutant::RecoveryIncrements, &Setup::run(2, 1));
}

#[test]
fn a_recovery_that_does_not_make_the_lock_consistent_ends_it_for_all() {
    breaks(Violation::Damaged, Mutant::NoConsistent, &Setup::run(2, 1));
}

#[test]
fn a_recovery_after_deaths_alone_misses_a_panic_and_counts_twice() {
    breaks(Violation::Twice, Mutant::PanicIsNotSeen, &Setup::run(2, 1));
}
