//! Runs in a program that forks.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, sleep};

use common::{
    AttachError, CommitError, Condition, ForkError, Ledger, Lifecycle, LockError, Phase, RemoveError, RunState,
    Segment, SegmentName, Snapshot, SystemError, TakeOver, Terms, TicketError, remove, unlink,
};
use harness::fork::{fork, join};

use crate::LIFE;

/// A run's segment in a child: readable where it is mapped, and everything else is an error.
pub fn run(name: &SegmentName) {
    let segment = Segment::create(name, &Terms { slots: 2, ..Terms::by_hand("none", 1) }).expect("the name is free");
    let ledger = Ledger::of(&segment);
    let Ok(TakeOver::Taken(claim)) = ledger.lock(|_, _| {}).expect("nobody holds it").take(1) else {
        panic!("the ticket is free")
    };
    let mut held = Some(ledger.lock(|_, _| {}).expect("nobody holds it"));
    join(fork(|| {
        assert!(segment.is_inherited());
        assert!(matches!(ledger.lock_within(LIFE), Err(LockError::Forked(ForkError::Inherited { .. }))));
        let mut locked = held.take().expect("it is there");
        assert!(matches!(locked.take(2), Err(TicketError::Forked(ForkError::LockOfParent { .. }))));
        assert!(matches!(locked.join(), Err(TicketError::Forked(_))));
        assert!(matches!(locked.commit(&claim, 1), Err(CommitError::Forked(ForkError::LockOfParent { .. }))));
        assert!(matches!(locked.reopen(), Err(CommitError::Forked(_))));
        locked.close();
        drop(locked);
        let forked = |error: SystemError| {
            error.source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<ForkError>)
        };
        assert!(matches!(unlink(&segment), Err(RemoveError::Forked(ForkError::Inherited { .. }))));
        assert!(forked(segment.become_coordinator().expect_err("it is the parent's")));
        assert!(forked(segment.has_worker(1).expect_err("it cannot be asked")));
        assert!(forked(RunState::of(&segment).expect_err("it cannot be asked")));
        assert!(matches!(Snapshot::of(&segment), Err(AttachError::Forked(_))));
        ledger.enter(&claim, Phase::Failed);
        // What the child attaches to is its own.
        let own = Segment::attach(name).expect("it is there");
        assert!(!own.is_inherited() && own.has_worker(1).expect("it can be asked"), "the parent has its ticket");
        drop(own);
    }));
    assert!(!ledger.has_failed(1) && segment.lifecycle() == Lifecycle::Open);
    held.take().expect("it is there").commit(&claim, 5).expect("the ticket is its own");
    drop(held);
    // As the destructors of a child that returns would do it.
    let mut segment = Some(segment);
    join(fork(|| drop(segment.take())));
    unlink(&segment.expect("it is the parent's")).expect("it is there");
}

/// One thread forks children that stay, another one opens and drops segments all the while; that many stay open. Prints a line
/// and stays.
pub fn storm(name: &SegmentName, kept: usize) {
    const MOST_FORKS: u32 = 200;
    let numbered = |number: usize| format!("{name}-{number}").parse::<SegmentName>().expect("the name is legal");
    let create = |number| Segment::create(&numbered(number), &Terms::by_hand("none", 1)).expect("the name is free");
    let is_over = AtomicBool::new(false);
    let fork_often = || {
        let is_next = |_: &u32| !is_over.load(Relaxed);
        let forks = (0..MOST_FORKS).take_while(is_next).map(|_| fork(|| sleep(LIFE)));
        forks.collect::<Vec<_>>().len()
    };
    thread::scope(|scope| {
        let forks = scope.spawn(fork_often);
        let segments: Vec<Segment> = (0..kept)
            .map(|number| {
                drop(create(kept));
                remove(&numbered(kept), Condition::Unattached).expect("nobody is attached");
                drop(create(number));
                Segment::attach(&numbered(number)).expect("it is there")
            })
            .collect();
        is_over.store(true, Relaxed);
        println!("{} forks", forks.join().expect("no panic"));
        sleep(LIFE);
        drop(segments);
    });
}
