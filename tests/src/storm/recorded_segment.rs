//! A segment whose victims record outside of it what they do (`victims/storm.rs`).

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use common::cli::exit_code;
use common::{Ledger, LockedLedger, Removal, Segment, SegmentName, Snapshot};

use super::BOUND;
use crate::integer;
use crate::test_env::TestEnv;

/// A segment for victims, and their record, a file.
pub struct RecordedSegment<'a> {
    env: &'a TestEnv,
    /// Its name.
    pub name: SegmentName,
    record: PathBuf,
    /// The test's own attachment to it.
    pub segment: Segment,
}

impl<'a> RecordedSegment<'a> {
    /// A segment with room for that many tickets.
    pub fn new(env: &'a TestEnv, label: &str, slots: u32) -> Self {
        let (name, record) = (env.name(label), env.path().join(label));
        let slots = slots.to_string();
        let _ = env.coordinator(["create", &name, "-w", "1", "--slots", &slots]).run().expect(exit_code::COMPLETE);
        File::create(&record).expect("the record can be made");
        let name: SegmentName = name.parse().expect("the name is legal");
        Self { env, segment: Segment::attach(&name).expect("it is there"), name, record }
    }

    /// A victim that makes that many contributions and holds the lock that long for each.
    pub fn victim(&self, contributions: u32, hold: Duration) -> Command {
        let mut victim = Command::new(self.env.path().join("storm-victim"));
        victim.arg(self.name.as_str()).arg(&self.record);
        victim.args([contributions.to_string(), hold.as_micros().to_string()]);
        victim
    }

    /// Takes the lock within [`BOUND`].
    pub fn lock(&self) -> LockedLedger<'_> {
        Ledger::of(&self.segment).lock_within(BOUND).expect("the lock is to be had")
    }

    /// The contributions of the record's lines of one kind, by ticket, and the number of lines. A ticket may appear
    /// again only with the same contribution.
    fn recorded(text: &str, kind: &str) -> (HashMap<u32, i128>, usize) {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut recorded = HashMap::new();
        let mut count = 0;
        for line in lines.filter(|line| line[0] == kind) {
            let (ticket, contribution) = (line[1].parse().expect("a ticket"), line[2].parse().expect("a number"));
            assert_eq!(*recorded.entry(ticket).or_insert(contribution), contribution, "{kind} {ticket}");
            count += 1;
        }
        (recorded, count)
    }

    /// Checks Invariant I against the record once every victim is gone, then removes the segment.
    pub fn finish(self) -> Snapshot {
        drop(self.lock());
        let snapshot = Snapshot::of(&self.segment).expect("it can be read");
        snapshot.check().expect("the ledger holds together");
        let record = fs::read_to_string(&self.record).expect("the record can be read");
        let (intents, _) = Self::recorded(&record, "intent");
        let (applied, count) = Self::recorded(&record, "applied");
        assert_eq!(applied.len(), count, "a contribution is applied once");
        for (ticket, contribution) in applied {
            let done = snapshot.worker(ticket).and_then(|worker| worker.contribution.clone());
            assert_eq!(done, Some(contribution.into()), "Process-{ticket} was reported as applied");
        }
        let mut total = 0_i128;
        for worker in &snapshot.workers {
            let Some(contribution) = &worker.contribution else { continue };
            let contribution = contribution.as_slice()[0].integer().expect("it holds integers");
            assert_eq!(intents.get(&worker.ticket), Some(&contribution), "Process-{}", worker.ticket);
            total += contribution;
        }
        let [a, b, c, d, ..] = total.to_le_bytes();
        assert_eq!(integer(&snapshot.value), i128::from(i32::from_le_bytes([a, b, c, d])));
        assert_eq!(self.env.segments(), [self.env.segment(self.name.as_str())], "no debris");
        assert_eq!(common::unlink(&self.segment).expect("it can be removed"), Removal::Removed);
        snapshot
    }
}
