//! The audit, from a snapshot and under the lock: both find the same.

use std::sync::atomic::Ordering::Relaxed;

use super::Snapshot;
use crate::ledger::{Ledger, TakeOver, Then, Totals, Violation};
use crate::redo::ClaimState;
use crate::removal;
use crate::segment::Segment;
use crate::terms::{Mode, Origin, Terms};
use crate::value::{Cells, Number, ValueType};

/// A segment that has lost its name again.
fn segment(label: &str, terms: &Terms) -> Segment {
    let name = format!("audit-{label}-{}", std::process::id()).parse().unwrap();
    let segment = Segment::create(&name, terms).unwrap();
    removal::unlink(&segment).unwrap();
    segment
}

fn run(value_type: ValueType, workers: u32) -> Terms {
    Terms { value_type, origin: Origin::Run, slots: workers + 1, ..Terms::by_hand("sum-of-squares", workers) }
}

fn commit(segment: &Segment, ticket: u32, contribution: impl Into<Cells<Number>>) {
    let mut ledger = Ledger::of(segment).lock(|_, _| {}).unwrap();
    let TakeOver::Taken(claim) = ledger.take(ticket).unwrap() else { panic!("ticket {ticket} is done") };
    ledger.commit(&claim, contribution).unwrap();
}

/// What both find.
fn audit(segment: &Segment) -> Result<Totals, Violation> {
    let locked = Ledger::of(segment).lock(|_, _| {}).unwrap().totals();
    let snapshot = Snapshot::of(segment).unwrap();
    assert!(snapshot.is_consistent);
    let copied = snapshot.check().map(|()| snapshot.totals());
    assert_eq!(locked, copied.clone().map(Some));
    copied
}

fn violation(segment: &Segment) -> String {
    audit(segment).expect_err("the ledger contradicts itself").to_string()
}

#[test]
fn a_run_is_complete_when_its_own_tickets_are_done() {
    let segment = segment("complete", &run(ValueType::I32, 2));
    commit(&segment, 3, i128::from(i32::MAX));
    commit(&segment, 2, 7);
    let totals = audit(&segment).unwrap();
    assert_eq!((totals.is_complete, totals.has_wrapped()), (false, true));
    commit(&segment, 1, -8);
    let totals = audit(&segment).unwrap();
    assert_eq!((totals.is_complete, totals.has_wrapped()), (true, false));
    assert_eq!(totals.value.to_string(), (i32::MAX - 1).to_string());
    assert_eq!(totals.exact.unwrap().to_string(), (i32::MAX - 1).to_string());
}

#[test]
fn a_run_by_hand_is_complete_with_as_many_contributions_as_it_wants() {
    let terms = Terms { slots: 3, value_type: ValueType::I64, ..Terms::by_hand("sum-of-squares", 2) };
    let segment = segment("by-hand", &terms);
    commit(&segment, 3, i128::MAX);
    assert!(!audit(&segment).unwrap().is_complete);
    commit(&segment, 1, 1);
    let totals = audit(&segment).unwrap();
    assert_eq!((totals.is_complete, totals.exact.clone(), totals.has_wrapped()), (true, None, true));
}

#[test]
fn fractions_are_added_in_the_order_of_the_log() {
    let segment = segment("fractions", &Terms { cells: 2, ..run(ValueType::F64, 3) });
    // In the order of the tickets, the first sum would be 0.0.
    for (ticket, first) in [(3, 1e16), (1, -1e16), (2, 1.0)] {
        commit(&segment, ticket, vec![Number::Float(first), Number::Float(0.5)]);
    }
    let totals = audit(&segment).unwrap();
    assert_eq!((totals.value.to_string(), totals.exact, totals.is_complete), ("[1.0, 1.5]".to_owned(), None, true));
}

#[test]
fn independent_results_leave_the_value_alone() {
    let segment = segment("independent", &Terms { mode: Mode::Independent, ..run(ValueType::I32, 1) });
    commit(&segment, 1, 5);
    assert!(audit(&segment).unwrap().is_complete);
    segment.view().header.core.value.store(5, Relaxed);
    assert_eq!(violation(&segment), "the value is 5, and the contributions make 0");
}

#[test]
fn a_contradiction_is_found() {
    type Change = fn(&Segment);
    let cases: [(&str, Change, &str); 6] = [
        ("value", |it| it.view().header.core.value.store(9, Relaxed), "the value is 9, and the contributions make 111"),
        (
            "contribution",
            |it| it.view().slots[1].entry.contribution[0].store(4, Relaxed),
            "the value is 111, and the contributions make 105",
        ),
        // It is added as often as it is named.
        ("twice", |it| it.view().log[1].store(1, Relaxed), "the value is 111, and the contributions make 102"),
        (
            "nobody",
            |it| {
                it.view().log[2].store(77, Relaxed);
                it.view().header.core.value.store(11, Relaxed);
            },
            "the log has 3 entries, which name 2 of 2 finished tickets",
        ),
        (
            "not done",
            |it| it.view().slots[2].claim.store(ClaimState::Taken { epoch: 1 }.word(), Relaxed),
            "the value is 111, and the contributions make 11",
        ),
        (
            "log",
            |it| it.view().header.redo.done_count.store(2, Relaxed),
            "the value is 111, and the contributions make 11",
        ),
    ];
    for (label, change, expected) in cases {
        let segment = segment(&label.replace(' ', "-"), &run(ValueType::I32, 3));
        for ticket in 1..=3 {
            commit(&segment, ticket, 10_i128.pow(ticket - 1));
        }
        assert!(audit(&segment).unwrap().is_complete);
        change(&segment);
        assert_eq!(violation(&segment), expected, "{label}");
    }
}

#[test]
fn a_finished_ticket_without_its_part_of_the_sum_is_missing_in_the_log() {
    let segment = segment("unlogged", &run(ValueType::I32, 2));
    commit(&segment, 1, 0);
    commit(&segment, 2, 0);
    segment.view().log[1].store(1, Relaxed);
    assert_eq!(violation(&segment), "the log has 2 entries, which name 1 of 1 finished tickets");
}

#[test]
fn a_split_run_is_complete_when_nothing_is_held_or_set_aside() {
    let terms = Terms { mode: Mode::Split, iterations: 10, ..run(ValueType::U64, 1) };
    let segment = segment("split", &terms);
    let mut ledger = Ledger::of(&segment).lock(|_, _| {}).unwrap();
    let TakeOver::Taken(claim) = ledger.take(1).unwrap() else { panic!("it is done") };
    let then = Then::Take { size: 6, orphan: None };
    let first = ledger.first_chunk(&claim, then).unwrap().unwrap();
    let second = ledger.commit_chunk(&claim, &first, 30, then).unwrap().unwrap();
    drop(ledger);
    assert!(!audit(&segment).unwrap().is_complete);
    let mut ledger = Ledger::of(&segment).lock(|_, _| {}).unwrap();
    assert_eq!(ledger.commit_chunk(&claim, &second, 12, then).unwrap(), None);
    drop(ledger);
    let totals = audit(&segment).unwrap();
    assert_eq!((totals.value.to_string(), totals.is_complete), ("42".to_owned(), true));
    segment.view().slots[0].iterations.store(9, Relaxed);
    let expected = "10 iterations were given out, 9 are applied, 0 set aside, and workers hold 0";
    assert_eq!(violation(&segment), expected);
}

/// Large enough for the pages to be given back on the way.
#[test]
fn an_audit_of_many_tickets_leaves_few_pages_mapped() {
    let segment = segment("many", &run(ValueType::I64, 20 * 1024));
    for ticket in [1, 1024, 1025, 5000, 20 * 1024] {
        commit(&segment, ticket, i128::from(ticket));
    }
    let touch = || segment.view().slots.iter().filter(|slot| slot.claim.load(Relaxed) != 0).count();
    assert_eq!(touch(), 5);
    let all = resident(&segment);
    assert!(all >= 20 * 128, "{all} KiB");
    let totals = Ledger::of(&segment).lock(|_, _| {}).unwrap().totals().unwrap().unwrap();
    assert_eq!((totals.value.to_string(), totals.is_complete), ("27530".to_owned(), false));
    let left = resident(&segment);
    assert!(left < all / 2, "{left} of {all} KiB");
    assert_eq!(touch(), 5);
}

/// How many KiB of the segment this process has mapped (`proc_pid_smaps(5)`).
fn resident(segment: &Segment) -> u64 {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut lines = maps.lines().skip_while(|line| !line.contains(segment.name().as_str()));
    let rss = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
    rss.trim().strip_suffix(" kB").unwrap().trim().parse().unwrap()
}

#[test]
fn a_truncated_segment_has_no_totals() {
    let segment = segment("truncated", &run(ValueType::I64, 4096));
    commit(&segment, 1, 1);
    segment.release_pages();
    let ledger = Ledger::of(&segment).lock(|_, _| {}).unwrap();
    rustix::fs::ftruncate(segment.file().unwrap(), 4096).unwrap();
    assert_eq!(ledger.totals(), Ok(None));
    segment.release_pages();
    assert_eq!(ledger.totals(), Ok(None));
}
