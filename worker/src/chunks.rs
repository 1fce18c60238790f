//! A worker's part in a range that is shared out: chunk after chunk, until none is left.

use std::time::{Duration, Instant};

use common::plant::{self, Point};
use common::{Error as SegmentError, Origin, Phase, Stop, Then};

use crate::error::Error;
use crate::job::Job;
use crate::pace::Pace;

/// How often a worker looks up from its chunks: whether its coordinator lives, and for who waits for news.
const LOOK_UP: Duration = Duration::from_millis(20);

/// Contributes chunks until none is left, or it is time to leave.
pub fn share(job: &mut Job<'_>) -> Result<(), Error> {
    let mut pace = Pace::new(job.starts_processes());
    let mut looked_up = Instant::now();
    let mut then = next(job, &pace)?;
    let mut guard = job.lock()?;
    let first = guard.first_chunk(&job.claim, then);
    job.release(guard);
    let mut chunk = first?;
    let mut leaves = false;
    while let Some(held) = chunk {
        let (contribution, took) = job.compute(held.clone())?;
        pace.record(held.end - held.start, took);
        plant::at(Point::Computed);
        job.sleep(held.start)?;
        if looked_up.elapsed() >= LOOK_UP {
            looked_up = Instant::now();
            job.segment.notify();
            leaves = is_forsaken(job)?;
        }
        leaves |= job.segment.stop_requested() != Stop::No;
        then = if leaves { Then::Leave } else { next(job, &pace)? };
        let mut guard = job.lock()?;
        let next = guard.commit_chunk(&job.claim, &held, contribution, then);
        job.release(guard);
        if matches!(next, Err(SegmentError::Overflow { .. } | SegmentError::Unfit { .. })) {
            // It would not fit for another worker either.
            job.segment.enter(&job.claim, Phase::Failed);
        }
        chunk = next?;
        plant::at(Point::Committed);
    }
    job.tell_committed();
    let ticket = job.claim.ticket();
    let (sum, chunks) = job.segment.added(ticket).unwrap_or((0.into(), 0));
    job.say(&format!("added {sum} in {chunks} chunks"));
    job.print(&format!("Process Process-{ticket} added {sum} in {chunks} chunks"))?;
    if leaves { Err(Error::Stopped) } else { Ok(()) }
}

/// What to take next: a chunk that a dead worker left, or a new one.
fn next(job: &Job<'_>, pace: &Pace) -> Result<Then, Error> {
    let (segment, terms) = (job.segment, job.segment.terms());
    let left = terms.iterations.saturating_sub(segment.given_out());
    let size = terms.chunk.unwrap_or_else(|| pace.next(left, terms.jobs));
    Ok(Then::Take { size, orphan: segment.orphan()? })
}

/// Whether the run's coordinator is dead: then what is begun is finished, and the rest left to `resume`.
fn is_forsaken(job: &Job<'_>) -> Result<bool, Error> {
    Ok(job.segment.terms().origin == Origin::Run && !job.segment.has_coordinator()?)
}
