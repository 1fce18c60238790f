//! The decisions as tables.

use super::*;
use AfterExit::{Adopt, Finish, GiveUp, LeaveOpen, Restart};
use TicketStanding::{Done, Open, Owned};
use WorkerExit::{Code, Signal};

fn give_up(reason: &str) -> AfterExit {
    GiveUp(reason.to_owned())
}

fn restart(charged: u32, text: &str) -> AfterExit {
    let (reason, follows) = text.split_once("; ").unwrap();
    Restart { charged, reason: reason.to_owned(), follows: follows.to_owned() }
}

/// An exit of a worker with two restarts left.
fn exit(how: WorkerExit, ticket: TicketStanding) -> Exit {
    let (mode, has_failed, is_stopping) = (Mode::Repeat, false, false);
    Exit {
        how,
        ticket,
        mode,
        has_failed,
        chunk: None,
        has_lost_chunk: false,
        restarts: 1,
        most_restarts: 3,
        is_stopping,
    }
}

#[test]
fn what_follows_from_an_exit_depends_on_ticket_run_exit_chunk_and_restarts_in_this_order() {
    let killed = exit(Signal(9), Open);
    let refused = exit(Code(exit_code::OVERFLOW.into()), Open);
    let spent = Exit { restarts: 3, ..killed };
    for (exit, expected) in [
        (exit(Code(0), Done), Finish),
        (exit(Signal(9), Done), Finish),
        (Exit { is_stopping: true, has_failed: true, ..exit(Code(1), Done) }, Finish),
        (exit(Signal(9), Owned(Some(7))), Adopt(Some(7))),
        (Exit { is_stopping: true, ..exit(Code(0), Owned(None)) }, Adopt(None)),
        (Exit { is_stopping: true, ..killed }, LeaveOpen),
        (Exit { is_stopping: true, ..refused }, LeaveOpen),
        (
            Exit { is_stopping: true, has_failed: true, ..refused },
            give_up("ended with exit code 7: its contribution does not fit"),
        ),
        (exit(Code(0), Open), give_up("ended with exit code 0: it did not contribute; is it a worker executable?")),
        (exit(Code(2), Open), give_up("ended with exit code 2: it rejects its arguments or the segment's terms")),
        (exit(Code(4), Open), give_up("ended with exit code 4: it cannot use the segment")),
        (exit(Code(6), Open), give_up("ended with exit code 6: it found nothing to do")),
        (refused, give_up("ended with exit code 7: its contribution does not fit")),
        (Exit { has_failed: true, ..refused }, give_up("ended with exit code 7: its contribution does not fit")),
        (Exit { has_failed: true, ..exit(Code(1), Open) }, give_up("gave up: its kernel failed")),
        (Exit { has_failed: true, ..spent }, give_up("gave up: its kernel failed")),
        (
            exit(Code(1), Open),
            restart(2, "ended with exit code 1 before its contribution; launching it again (2 of 3)"),
        ),
        (
            exit(Code(101), Open),
            restart(2, "panicked (exit code 101) before its contribution; launching it again (2 of 3)"),
        ),
        (killed, restart(2, "was killed by signal 9 (SIGKILL) before its contribution; launching it again (2 of 3)")),
        (
            Exit { mode: Mode::Split, restarts: 2, ..killed },
            restart(3, "was killed by signal 9 (SIGKILL) without a chunk; launching it again (3 of 3)"),
        ),
        (spent, give_up("was killed by signal 9 (SIGKILL) before its contribution, after 3 restarts")),
        (
            Exit { mode: Mode::Split, restarts: 1, most_restarts: 1, ..killed },
            give_up("was killed by signal 9 (SIGKILL) without a chunk, after 1 restart"),
        ),
        (
            Exit { restarts: 0, most_restarts: 0, ..killed },
            give_up("was killed by signal 9 (SIGKILL) before its contribution, after 0 restarts"),
        ),
    ] {
        assert_eq!(after_exit(&exit), expected, "{exit:?}");
    }
}

#[test]
fn a_death_with_a_chunk_is_charged_to_the_chunk_until_it_is_set_aside() {
    let killed = Exit { mode: Mode::Split, ..exit(Signal(9), Open) };
    let spent = Exit { restarts: 3, ..killed };
    let with_chunk = |deaths| Exit { chunk: Some(HeldChunk { start: 4, end: 5, deaths }), ..killed };
    for (exit, expected) in [
        (with_chunk(0), restart(1, "was killed by signal 9 (SIGKILL) with chunk 4..5; launching it again (1 of 3)")),
        (
            Exit { restarts: 3, ..with_chunk(2) },
            restart(3, "was killed by signal 9 (SIGKILL) with chunk 4..5; launching it again (3 of 3)"),
        ),
        (
            Exit { restarts: 0, how: Code(2), ..with_chunk(3) },
            restart(0, "ended with exit code 2 with chunk 4..5; 4 workers died with it, so it is set aside"),
        ),
        (
            Exit { most_restarts: 0, ..with_chunk(0) },
            restart(1, "was killed by signal 9 (SIGKILL) with chunk 4..5; 1 worker died with it, so it is set aside"),
        ),
        (
            Exit { has_lost_chunk: true, ..spent },
            restart(
                3,
                "was killed by signal 9 (SIGKILL) with a chunk that another worker took over; launching it again",
            ),
        ),
        (
            with_chunk(4),
            restart(2, "was killed by signal 9 (SIGKILL) before it set its chunk aside; launching it again (2 of 3)"),
        ),
        (
            Exit { how: Code(0), ..with_chunk(0) },
            restart(1, "ended with exit code 0 with chunk 4..5; launching it again (1 of 3)"),
        ),
        (
            Exit { how: Code(exit_code::OVERFLOW.into()), has_failed: true, ..with_chunk(0) },
            give_up("ended with exit code 7: its contribution does not fit"),
        ),
        (
            Exit { how: Code(1), has_failed: true, ..with_chunk(0) },
            give_up("gave up: there is no room to set more chunks aside"),
        ),
        (Exit { is_stopping: true, ..with_chunk(0) }, LeaveOpen),
    ] {
        assert_eq!(after_exit(&exit), expected, "{exit:?}");
    }
}

/// Faults 46 and 48.
#[test]
fn an_adopted_worker_leaves_a_ticket_or_a_chunk_to_others_and_each_further_launch_is_a_restart() {
    let launched = |is_done, restarts| AdoptedExit::Launched { is_done, restarts, most_restarts: 2 };
    let reason = "another process held its ticket, and did not contribute, after 2 restarts".to_owned();
    for (exit, expected) in [
        (AdoptedExit::Reserved { is_done: true }, AfterAdoptedExit::Nothing),
        (AdoptedExit::Reserved { is_done: false }, AfterAdoptedExit::Queue),
        (launched(true, 2), AfterAdoptedExit::Nothing),
        (
            launched(false, 1),
            AfterAdoptedExit::Restart { charged: 2, follows: "launching it again (2 of 2)".to_owned() },
        ),
        (launched(false, 2), AfterAdoptedExit::GiveUp(reason)),
        (AdoptedExit::Joined { has_failed: true }, AfterAdoptedExit::Nothing),
        (AdoptedExit::Joined { has_failed: false }, AfterAdoptedExit::OfferChunk),
    ] {
        assert_eq!(after_adopted_exit(exit), expected, "{exit:?}");
    }
}
