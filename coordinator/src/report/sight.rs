//! A segment as an onlooker sees it: its ledger, who is with it, and who of them is stopped.

use common::process::Process;
use common::{Mode, RunState, Segment, SegmentName, Snapshot, Stop, WorkerState};

use crate::error::{Error, Result};

/// What `status` shows. The ledger in it holds together.
#[derive(Clone, PartialEq)]
pub struct Sight {
    /// The ledger.
    pub snapshot: Snapshot,
    /// Who is with the segment.
    pub state: RunState,
    /// The tickets whose workers live and are stopped (SIGSTOP, Ctrl-Z, a debugger).
    pub stopped: Vec<u32>,
    /// Whether the coordinator is.
    pub has_stopped_coordinator: bool,
    /// Whether the name does not stand for it any more.
    pub is_removed: bool,
}

impl Sight {
    /// The segment of that name, without attaching to it.
    pub fn of(name: &SegmentName) -> Result<Self> {
        let (snapshot, state) = Snapshot::of(name)?;
        Self::new(snapshot, state, false)
    }

    /// A segment that is observed.
    pub fn at(segment: &Segment) -> Result<Self> {
        let mut was_linked = segment.is_linked();
        loop {
            let (state, snapshot) = (segment.run_state()?, segment.snapshot()?);
            // A coordinator that is gone has removed it before; and what is removed is read once more, for its last change.
            let is_linked = segment.is_linked();
            if is_linked == was_linked {
                return Self::new(snapshot, state, !is_linked);
            }
            was_linked = is_linked;
        }
    }

    /// The run that this very process coordinates.
    pub fn of_own(segment: &Segment) -> Result<Self> {
        let snapshot = Snapshot { has_coordinator: true, ..segment.snapshot()? };
        Self::new(snapshot, RunState::Running, !segment.is_linked())
    }

    fn new(snapshot: Snapshot, state: RunState, is_removed: bool) -> Result<Self> {
        snapshot.check().map_err(|violation| Error::Violation { name: snapshot.name.clone(), violation })?;
        let stopped =
            snapshot.workers.iter().filter(|worker| worker.is_stopped()).map(|worker| worker.ticket).collect();
        let has_stopped_coordinator = snapshot.has_stopped_coordinator();
        Ok(Self { snapshot, state, stopped, has_stopped_coordinator, is_removed })
    }

    /// Whether nothing but the time tells the two apart.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        let timeless = |sight: &Self| {
            let snapshot = Snapshot { elapsed: std::time::Duration::ZERO, ..sight.snapshot.clone() };
            Self { snapshot, ..sight.clone() }
        };
        timeless(self) == timeless(other)
    }

    /// How many workers live.
    pub fn alive(&self) -> usize {
        self.snapshot.workers.iter().filter(|worker| worker.alive).count()
    }

    /// The processes that are stopped: coordinator, workers, and who else may hold the lock.
    pub fn stopped_processes(&self) -> Vec<u32> {
        let coordinator = self.snapshot.coordinator.filter(|_| self.has_stopped_coordinator);
        let workers = self.stopped.iter().filter_map(|ticket| self.snapshot.worker(*ticket)).map(|worker| worker.pid);
        let holder = self.snapshot.holder.as_ref().filter(|holder| holder.process == Process::Stopped);
        let mut processes: Vec<u32> = coordinator.into_iter().chain(workers).collect();
        processes.extend(holder.map(|holder| holder.thread).filter(|thread| !processes.contains(thread)));
        processes
    }

    /// What a worker has done of what it computes now, its chunk or the whole range: iterations, and of how many.
    pub fn progress(&self, ticket: u32) -> Option<(u64, u64)> {
        let worker = self.snapshot.worker(ticket).filter(|worker| worker.state == WorkerState::Computing)?;
        let of = match self.snapshot.terms.mode {
            Mode::Split => worker.chunk.end.saturating_sub(worker.chunk.start),
            _ => self.snapshot.terms.iterations,
        };
        Some((worker.progress.min(of), of))
    }

    /// How long a worker has been at work: until now, or until its contribution was applied.
    pub fn time(&self, ticket: u32) -> Option<std::time::Duration> {
        let worker = self.snapshot.worker(ticket)?;
        let until = worker.committed.or_else(|| worker.alive.then_some(self.snapshot.elapsed))?;
        Some(until.saturating_sub(worker.attached?))
    }

    /// What is asked of the workers and who is stopped, as the end of the state.
    pub fn qualities(&self) -> String {
        let (stopped, alive) = (self.stopped.len(), self.alive());
        let asked = if self.snapshot.stop == Stop::No { "" } else { ", asked to stop" };
        let stopped = match (self.has_stopped_coordinator, stopped) {
            (true, _) if stopped == alive => ", stopped".to_owned(),
            (true, _) => ", coordinator stopped".to_owned(),
            (false, 0) => String::new(),
            (false, _) => format!(", {stopped} of {alive} workers stopped"),
        };
        let removed = if self.is_removed { ", removed" } else { "" };
        format!("{asked}{stopped}{removed}")
    }
}
