//! The shared memory that an operation works on.

use std::sync::atomic::{AtomicU32, Ordering};

use common::{Mode, Segment, SegmentName, SharedValue, Terms};

use super::operation::Operation;
use crate::baseline::BaselineLocks;
use crate::measurement::BenchError;

pub struct Fixture {
    pub locks: BaselineLocks,
    pub name: SegmentName,
    segment: Option<Segment>,
    value: Option<SharedValue<i32>>,
}

impl Fixture {
    /// Creates the baseline locks, and the segment or value if the operation needs one.
    pub fn new(operation: Operation, slots: u32) -> Result<Self, BenchError> {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let name = format!("speed-{}-{}", std::process::id(), CREATED.fetch_add(1, Ordering::Relaxed)).parse()?;
        let by_hand = Terms::by_hand("sum-of-squares", 1);
        let terms = match operation {
            Operation::Contribution => Some(Terms { slots, ..by_hand }),
            Operation::Chunk => Some(Terms { mode: Mode::Split, iterations: 1 << 40, slots: 64, ..by_hand }),
            _ => None,
        };
        let segment = terms.map(|terms| Segment::create(&name, &terms)).transpose()?;
        let value = if operation == Operation::ValueAdd { Some(SharedValue::create(&name, 0)?) } else { None };
        Ok(Self { locks: BaselineLocks::create()?, name, segment, value })
    }

    /// Unlinks the name once every process is attached: a killed bench then leaves nothing behind.
    pub fn unlink(&mut self) -> Result<(), BenchError> {
        drop(self.value.take());
        if let Some(segment) = self.segment.take() {
            common::unlink(&segment)?;
        }
        Ok(())
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // It may be unlinked already.
        let _ = self.unlink();
    }
}
