//! A worker's part in a split run: chunk after chunk, until none is left.

use std::ops::Range;
use std::time::{Duration, Instant};

use common::failpoint::Failpoint;
use common::{Cause, Claim, CommitError, LockedLedger, Phase, Stop, Then, counted};

use crate::chunk_sizer::ChunkSizer;
use crate::error::Error;
use crate::job::Job;
use crate::kernel::Contribution;
use crate::report;

/// How often a worker checks its coordinator and notifies observers.
const LOOK_UP: Duration = Duration::from_millis(20);

/// A worker's way through the chunks.
struct Chunks<'j, 'a> {
    job: &'j mut Job<'a>,
    sizer: ChunkSizer,
    looked_up: Instant,
    /// Whether it leaves after the chunk at hand.
    leaves: bool,
    /// How many chunks it has set aside.
    set_aside: u64,
}

/// Contributes chunks until none is left or the worker must leave. A chunk that cannot be computed is set aside.
pub fn contribute_chunks(job: &mut Job<'_>) -> Result<(), Error> {
    let sizer = ChunkSizer::new(job.starts_processes(), job.first_chunk());
    let mut chunks = Chunks { job, sizer, looked_up: Instant::now(), leaves: false, set_aside: 0 };
    let mut chunk = chunks.first()?;
    while let Some(held) = chunk {
        chunk = match chunks.job.compute(held.clone()) {
            Ok((contribution, took)) => chunks.commit(&held, contribution, took)?,
            Err(ref error @ Error::Failed { cause, attempts, .. }) => {
                report::line(Some(chunks.job.claim.ticket()), &format!("{error}; it is set aside"));
                chunks.set_aside(&held, cause, attempts)?
            }
            Err(error) => return Err(error),
        };
    }
    let leaves = chunks.leaves || chunks.must_leave();
    let set_aside = chunks.set_aside;
    job.announce_commit();
    let ticket = job.claim.ticket();
    let (sum, chunks) = job.ledger.added(ticket).unwrap_or((0.into(), 0));
    let added = format!("added {sum} in {}", counted(chunks, "chunk"));
    job.say(&added);
    job.print(&format!("Process Process-{ticket} {added}"))?;
    match (set_aside, leaves) {
        (0, false) => Ok(()),
        (0, true) => Err(Error::Stopped),
        (chunks, _) => Err(Error::SetAside { chunks, name: job.args.name().clone() }),
    }
}

impl Chunks<'_, '_> {
    fn first(&mut self) -> Result<Option<Range<u64>>, Error> {
        let then = self.then()?;
        Ok(self.locked(false, |ledger, claim| ledger.first_chunk(claim, then))??)
    }

    /// Adds a chunk's contribution; returns the next chunk.
    fn commit(
        &mut self,
        held: &Range<u64>,
        contribution: Contribution,
        took: Duration,
    ) -> Result<Option<Range<u64>>, Error> {
        self.sizer.record(held.end - held.start, took);
        Failpoint::Computed.reach();
        self.job.sleep(held.start)?;
        let then = self.then()?;
        match self.locked(true, |ledger, claim| ledger.commit_chunk(claim, held, contribution, then))? {
            Err(error @ CommitError::Unfit { .. }) => {
                let what = format!("{}..{}: {error}; it is set aside", held.start, held.end);
                report::line(Some(self.job.claim.ticket()), &what);
                self.set_aside(held, Cause::Failed, 1)
            }
            Err(error @ CommitError::Overflow { .. }) => {
                // It would not fit for another worker either. The stop first: a worker that is killed in between leaves a
                // chunk that may be tried again.
                if self.job.segment.terms().origin.is_run() {
                    self.job.segment.request_stop(Stop::Drain);
                }
                self.job.ledger.enter(&self.job.claim, Phase::Overflowed);
                Err(error.into())
            }
            next => {
                Failpoint::Committed.reach();
                Ok(next?)
            }
        }
    }

    /// Sets a chunk aside; returns the next one.
    fn set_aside(&mut self, held: &Range<u64>, cause: Cause, attempts: u32) -> Result<Option<Range<u64>>, Error> {
        let then = self.then()?;
        Ok(self.locked(false, |ledger, claim| ledger.set_aside(claim, held, cause, attempts, then))??)
    }

    /// Takes the lock for a step, which may commit, and counts the chunks that the step sets aside: its own, or those of
    /// dead workers.
    fn locked(
        &mut self,
        commits: bool,
        step: impl FnOnce(&mut LockedLedger<'_>, &Claim) -> Result<Option<Range<u64>>, CommitError>,
    ) -> Result<Result<Option<Range<u64>>, CommitError>, Error> {
        let mut ledger = self.job.lock()?;
        let before = self.job.ledger.set_aside_count();
        let done = step(&mut ledger, &self.job.claim);
        self.set_aside += self.job.ledger.set_aside_count().saturating_sub(before);
        self.job.release(ledger, commits && done.is_ok());
        Ok(done)
    }

    /// Whether no more chunks are given out.
    fn must_leave(&self) -> bool {
        self.job.segment.stop_requested() != Stop::No || self.job.ledger.has_stopped_itself()
    }

    /// What to do after the chunk at hand: leave, or take an orphaned chunk, or a new one.
    fn then(&mut self) -> Result<Then, Error> {
        let (segment, ledger) = (self.job.segment, self.job.ledger);
        let now = self.job.step_ended();
        if now.saturating_duration_since(self.looked_up) >= LOOK_UP {
            self.looked_up = now;
            segment.notify();
            self.leaves |= is_orphaned(self.job)?;
        }
        self.leaves |= self.must_leave();
        if self.leaves {
            return Ok(Then::Leave);
        }
        let terms = segment.terms();
        let left = ledger.left();
        let size = terms.chunk.unwrap_or_else(|| self.sizer.next(left, self.job.jobs()));
        Ok(Then::Take { size, orphan: ledger.orphan()? })
    }
}

/// Whether the run's coordinator is dead. The worker then finishes its chunk and leaves the rest to `resume`.
fn is_orphaned(job: &Job<'_>) -> Result<bool, Error> {
    Ok(job.segment.terms().origin.is_run() && !job.segment.has_coordinator()?)
}
