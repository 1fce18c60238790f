//! What `status` shows of a segment: its ledger, its processes, and which of them are stopped.

use std::time::Duration;

use common::process::Process;
use common::{Observer, RunState, Segment, SegmentName, Snapshot, Stop, WorkerState};

use crate::error::{Error, Result};
use crate::figures::counted;

/// What `status` shows. Its ledger is checked.
#[derive(Clone, PartialEq)]
pub struct StatusView {
    /// The ledger.
    pub snapshot: Snapshot,
    /// Which processes the segment has.
    pub state: RunState,
    /// The tickets whose workers live and are stopped (SIGSTOP, Ctrl-Z, a debugger).
    pub stopped: Vec<u32>,
    /// Whether the coordinator is stopped.
    pub has_stopped_coordinator: bool,
    /// Whether its name is gone or belongs to another segment.
    pub is_removed: bool,
}

impl StatusView {
    /// Reads the segment of that name, without attaching to it.
    pub fn of(name: &SegmentName) -> Result<Self> {
        let (snapshot, state) = common::inspect(name)?;
        Self::new(snapshot, state, false)
    }

    /// Reads an observed segment.
    pub fn observe(segment: &Observer) -> Result<Self> {
        let mut was_linked = segment.is_linked();
        loop {
            let (state, snapshot) = (RunState::of(segment)?, Snapshot::of(segment)?);
            // A coordinator removes the segment before it exits. A removed segment is read once more, for its last change.
            let is_linked = segment.is_linked();
            if is_linked == was_linked {
                return Self::new(snapshot, state, !is_linked);
            }
            was_linked = is_linked;
        }
    }

    /// Reads the run that this process coordinates.
    pub fn of_own(segment: &Segment) -> Result<Self> {
        let mut snapshot = Snapshot::of(segment)?;
        snapshot.has_coordinator = true;
        Self::new(snapshot, RunState::Running, !segment.is_linked())
    }

    fn new(snapshot: Snapshot, state: RunState, is_removed: bool) -> Result<Self> {
        snapshot.check().map_err(|violation| Error::Violation { name: snapshot.name.clone(), violation })?;
        let stopped =
            snapshot.workers.iter().filter(|worker| worker.is_stopped()).map(|worker| worker.ticket).collect();
        let has_stopped_coordinator = snapshot.has_stopped_coordinator();
        Ok(Self { snapshot, state, stopped, has_stopped_coordinator, is_removed })
    }

    /// Whether the two differ in the time alone.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        let timeless = |view: &Self| {
            let mut snapshot = view.snapshot.clone();
            snapshot.elapsed = Duration::ZERO;
            Self { snapshot, ..view.clone() }
        };
        timeless(self) == timeless(other)
    }

    /// How many workers are alive.
    pub fn alive(&self) -> usize {
        self.snapshot.workers.iter().filter(|worker| worker.alive).count()
    }

    /// The stopped processes: coordinator, workers, and any other owner of the lock.
    pub fn stopped_processes(&self) -> Vec<u32> {
        let coordinator = self.snapshot.coordinator.filter(|_| self.has_stopped_coordinator);
        let workers = self.stopped.iter().filter_map(|ticket| self.snapshot.worker(*ticket)).map(|worker| worker.pid);
        let holder = self.snapshot.owner.as_ref().filter(|holder| holder.process == Process::Stopped);
        let mut processes: Vec<u32> = coordinator.into_iter().chain(workers).collect();
        processes.extend(holder.map(|holder| holder.thread).filter(|thread| !processes.contains(thread)));
        processes
    }

    /// How many iterations a worker has computed of its chunk or range, and how many that has.
    pub fn progress(&self, ticket: u32) -> Option<(u64, u64)> {
        let worker = self.snapshot.worker(ticket).filter(|worker| worker.state == WorkerState::Computing)?;
        let of = self.snapshot.terms.at_hand(&worker.chunk);
        Some((worker.progress.min(of), of))
    }

    /// How long a worker has worked: until now, or until its contribution was applied.
    pub fn time(&self, ticket: u32) -> Option<Duration> {
        let worker = self.snapshot.worker(ticket)?;
        let until = worker.committed.or_else(|| worker.alive.then_some(self.snapshot.elapsed))?;
        Some(until.saturating_sub(worker.attached?))
    }

    /// What to add to the name of the state: stop requests, stopped processes, removal.
    pub fn state_suffix(&self) -> String {
        let (stopped, alive) = (self.stopped.len(), self.alive());
        let asked = if self.snapshot.stop == Stop::No { "" } else { ", asked to stop" };
        let stopped = match (self.has_stopped_coordinator, stopped) {
            (true, _) if stopped == alive => ", stopped".to_owned(),
            (true, _) => ", coordinator stopped".to_owned(),
            (false, 0) => String::new(),
            (false, _) => format!(", {stopped} of {} stopped", counted(alive as u64, "worker")),
        };
        let removed = if self.is_removed { ", removed" } else { "" };
        format!("{asked}{stopped}{removed}")
    }
}
