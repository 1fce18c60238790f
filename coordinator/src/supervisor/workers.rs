//! The workers of a run, as the supervisor keeps account of them.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::time::Duration;

use common::process;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::progress::KnownWorkers;
use crate::readiness;
use crate::worker_outcome::WorkerOutcomes;

/// The workers of a run.
#[derive(Default)]
pub struct Workers {
    /// Tickets that wait for a worker.
    pub queue: VecDeque<u32>,
    /// Live workers that this process launched: ticket by process id.
    pub children: HashMap<u32, u32>,
    /// Live workers that it did not launch.
    pub adopted: Vec<AdoptedWorker>,
    /// How launched workers ended.
    pub outcomes: WorkerOutcomes,
}

impl Workers {
    /// How many live workers have one of the first `reserved` tickets.
    pub fn alive(&self, reserved: u32) -> usize {
        self.children.len() + self.adopted.iter().filter(|worker| worker.ticket <= reserved).count()
    }

    /// Whether the ticket was given up.
    pub fn was_given_up(&self, ticket: u32) -> bool {
        self.outcomes.get(ticket).is_some_and(|outcome| outcome.failure.is_some())
    }

    /// What a progress display shows of them.
    pub fn known(&self) -> KnownWorkers<'_> {
        let children = self.children.iter().map(|(pid, ticket)| (*ticket, *pid)).collect();
        KnownWorkers { children, outcomes: &self.outcomes }
    }

    /// The processes that this one launched.
    pub fn child_processes(&self) -> impl Iterator<Item = Pid> {
        self.children.keys().filter_map(|pid| process::id(*pid))
    }

    /// Kills the launched workers.
    pub fn kill_children(&self) {
        for pid in self.child_processes() {
            // A dead child keeps its id until it is reaped, so no other process is hit.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// A live worker that this coordinator did not launch: started by hand, or launched by a coordinator that died.
///
/// It is no child, so a pidfd reports its exit (`pidfd_open(2)`). Whether it still works under its ticket is decided by
/// the ticket's role alone.
pub struct AdoptedWorker {
    /// Its ticket.
    pub ticket: u32,
    /// Its pidfd; `None` if the process is gone already, so that the ticket must be polled.
    pub process: Option<OwnedFd>,
}

impl AdoptedWorker {
    /// Adopts the process that has the ticket.
    pub fn new(ticket: u32, pid: u32) -> Self {
        let process = process::id(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        Self { ticket, process }
    }

    /// Whether the process has exited.
    pub fn has_exited(&self) -> bool {
        self.process
            .as_ref()
            .is_none_or(|process| readiness::wait(&mut [PollFd::new(process, PollFlags::IN)], Some(Duration::ZERO)))
    }
}
