//! A worker's part in a split run: chunk after chunk, until none is left.

use std::time::{Duration, Instant};

use common::failpoint::Failpoint;
use common::{CommitError, Origin, Phase, Stop, Then};

use crate::chunk_sizer::ChunkSizer;
use crate::error::Error;
use crate::job::Job;

/// How often a worker checks its coordinator and notifies observers.
const LOOK_UP: Duration = Duration::from_millis(20);

/// Contributes chunks until none is left or the worker must leave.
pub fn contribute_chunks(job: &mut Job<'_>) -> Result<(), Error> {
    let mut sizer = ChunkSizer::new(job.starts_processes());
    let mut looked_up = Instant::now();
    let mut then = next(job, &sizer)?;
    let mut ledger = job.lock()?;
    let first = ledger.first_chunk(&job.claim, then);
    job.release(ledger);
    let mut chunk = first?;
    let mut leaves = false;
    while let Some(held) = chunk {
        let (contribution, took) = job.compute(held.clone())?;
        sizer.record(held.end - held.start, took);
        Failpoint::Computed.reach();
        job.sleep(held.start)?;
        if looked_up.elapsed() >= LOOK_UP {
            looked_up = Instant::now();
            job.segment.notify();
            leaves = is_orphaned(job)?;
        }
        leaves |= job.segment.stop_requested() != Stop::No;
        then = if leaves { Then::Leave } else { next(job, &sizer)? };
        let mut ledger = job.lock()?;
        let next = ledger.commit_chunk(&job.claim, &held, contribution, then);
        job.release(ledger);
        if matches!(next, Err(CommitError::Overflow { .. } | CommitError::Unfit { .. })) {
            // It would not fit for another worker either.
            job.ledger.enter(&job.claim, Phase::Failed);
        }
        chunk = next?;
        Failpoint::Committed.reach();
    }
    job.announce_commit();
    let ticket = job.claim.ticket();
    let (sum, chunks) = job.ledger.added(ticket).unwrap_or((0.into(), 0));
    let added = format!("added {sum} in {chunks} {}", if chunks == 1 { "chunk" } else { "chunks" });
    job.say(&added);
    job.print(&format!("Process Process-{ticket} {added}"))?;
    if leaves { Err(Error::Stopped) } else { Ok(()) }
}

/// What to take next: an orphaned chunk, or a new one.
fn next(job: &Job<'_>, sizer: &ChunkSizer) -> Result<Then, Error> {
    let terms = job.segment.terms();
    let left = terms.iterations.saturating_sub(job.ledger.given_out());
    let size = terms.chunk.unwrap_or_else(|| sizer.next(left, job.jobs()));
    Ok(Then::Take { size, orphan: job.ledger.orphan()? })
}

/// Whether the run's coordinator is dead. The worker then finishes its chunk and leaves the rest to `resume`.
fn is_orphaned(job: &Job<'_>) -> Result<bool, Error> {
    Ok(job.segment.terms().origin == Origin::Run && !job.segment.has_coordinator()?)
}
