//! The start of a run whose result goes into a folder, perhaps after, or beside, another start of the same.
//!
//! The segment's name follows from the job and the part. So a start on the machine where an earlier one died finds what that one has
//! left, and one beside a live one waits for it.

use std::time::{Duration, Instant};

use common::cli::{self, exit_code};
use common::{
    AttachError, Condition, CreateError, Lifecycle, Observer, Segment, SegmentInfo, SegmentName, Snapshot, Terms,
};
use rustix::event::{PollFd, PollFlags};

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::readiness;
use crate::results::Results;
use crate::results::shard_result::ShardResult;
use crate::signals::Signals;

/// How often to look at a live start.
const INTERVAL: Duration = Duration::from_millis(100);

/// What a start finds.
pub enum Found {
    /// The result, which is in the folder already.
    Result(ShardResult),
    /// Nothing: its segment is new.
    New(Segment),
    /// The segment that a dead or incomplete start has left. This process coordinates it now.
    Segment(Segment),
    /// It ended while it waited, with this exit code.
    Ended(u8),
}

/// A start of a part.
pub struct ShardStart<'a> {
    pub results: &'a Results,
    pub terms: &'a Terms,
    pub signals: &'a mut Signals,
    /// When to give up waiting for another start.
    pub deadline: Option<Instant>,
    pub caller: Option<&'a Caller>,
}

/// What a start finds in its segment's place.
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
enum Place {
    Empty,
    /// Another start is at work in its segment.
    Busy,
    /// A segment whose coordinator is dead or has left it; this process coordinates it now.
    Left(Segment),
}

impl ShardStart<'_> {
    /// Finds the result, or takes up the segment of another start. Waits while that start lives; without one, creates the segment.
    pub fn find(mut self) -> Result<Found> {
        let name = self.results.segment_name();
        if let Some(result) = self.results.stored()? {
            self.clear_leftover(&name);
            return Ok(Found::Result(result));
        }
        self.results.must_be_writable()?;
        let mut has_waited = false;
        loop {
            let place = self.look(&name)?;
            // Meanwhile the other start, or one on another machine, may have left it. Complete work is compared with it.
            let is_complete = matches!(&place, Place::Left(segment) if is_complete(segment));
            if has_waited
                && !is_complete
                && let Some(result) = self.results.seen()
            {
                drop(place);
                self.clear_leftover(&name);
                return Ok(Found::Result(result));
            }
            match place {
                Place::Left(segment) => return Ok(Found::Segment(segment)),
                Place::Busy => {
                    if !std::mem::replace(&mut has_waited, true) {
                        // Also with --quiet: it may take as long as the other start does.
                        cli::note(&format!(
                            "another start of this shard is at work, or stopped; waiting for it: coordinator status {name}"
                        ));
                    }
                    if let Some(code) = self.wait(&name) {
                        return Ok(Found::Ended(code));
                    }
                }
                Place::Empty => match Segment::create(&name, self.terms) {
                    Ok(segment) => return self.unless_stored(segment),
                    Err(CreateError::Exists { .. }) => {}
                    Err(error) => return Err(Error::creating(error)),
                },
            }
        }
    }

    /// The new segment, unless another start has left the result and removed its segment since the last look.
    fn unless_stored(&self, segment: Segment) -> Result<Found> {
        let stored = self.results.stored();
        if !matches!(stored, Ok(None)) {
            segment.mark_over(Lifecycle::ToBeRemoved);
            common::unlink(&segment)?;
        }
        Ok(stored?.map_or(Found::New(segment), Found::Result))
    }

    fn look(&self, name: &SegmentName) -> Result<Place> {
        match self.take_up(name) {
            Err(Error::Segment(common::Error::Attach(AttachError::NoSegment { .. }))) => Ok(Place::Empty),
            Err(Error::Segment(common::Error::Attach(AttachError::BeingRemoved { .. }))) => Ok(Place::Busy),
            place => place,
        }
    }

    /// Takes up the segment of that name, if its coordinator is dead or has left it.
    fn take_up(&self, name: &SegmentName) -> Result<Place> {
        let observer = Observer::open(name)?;
        if observer.lifecycle() == Lifecycle::ToBeRemoved {
            // Its coordinator removes it, or was killed before it could.
            let _ = common::remove_marked(name);
            return Ok(if observer.is_linked() { Place::Busy } else { Place::Empty });
        }
        if observer.has_coordinator()? {
            return Ok(Place::Busy);
        }
        let left_by = SegmentInfo::of(name)?.coordinator;
        let segment = Segment::attach_to_resume(name)?;
        if !segment.become_coordinator()? || !segment.is_linked() || segment.lifecycle() == Lifecycle::ToBeRemoved {
            return Ok(Place::Busy);
        }
        if !self.results.has_terms(segment.terms()) {
            return Err(Error::creating(CreateError::Exists { name: name.clone() }));
        }
        if let Some(pid) = left_by {
            self.results.clear_after(pid);
        }
        Ok(Place::Left(segment))
    }

    /// Waits a moment; returns an exit code if the wait is over.
    fn wait(&mut self, name: &SegmentName) -> Option<u8> {
        let left = self.deadline.map_or(INTERVAL, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            let hint = format!("see how far it is: coordinator status {name}");
            cli::report(&format!("timeout: another start of this shard is at work in segment \"{name}\""), Some(&hint));
            return Some(exit_code::TIMEOUT);
        }
        let mut signal = [PollFd::from_borrowed_fd(self.signals.descriptor(), PollFlags::IN)];
        readiness::wait(&mut signal, Some(left.min(INTERVAL)));
        if self.caller.is_some_and(Caller::has_ended) {
            return Some(exit_code::INCOMPLETE);
        }
        let signal = self.signals.stop_signals().into_iter().next()?;
        cli::report(
            &format!("{} while another start of this shard is at work in segment \"{name}\"", signal.name),
            None,
        );
        Some(signal.exit_code)
    }

    /// Removes what a start has left that was killed after its result was written.
    fn clear_leftover(&self, name: &SegmentName) {
        if let Ok(left) = SegmentInfo::of(name)
            && !left.is_in_use
            && !is_kept(name)
        {
            if let Some(pid) = left.coordinator {
                self.results.clear_after(pid);
            }
            // If it cannot be removed now, the next start or `remove` does it.
            let _ = common::remove(name, Condition::Unattached);
        }
    }
}

/// Whether `--keep always` has kept it: it is complete, and was reported.
fn is_kept(name: &SegmentName) -> bool {
    Observer::open(name).is_ok_and(|segment| segment.lifecycle() == Lifecycle::Reported && is_complete(&segment))
}

fn is_complete(segment: &impl AsRef<Observer>) -> bool {
    Snapshot::of(segment).is_ok_and(|snapshot| snapshot.is_complete())
}
