//! What ends a run early: signals, requests and deadlines.

use std::time::{Duration, Instant};

use common::{Stop, process};
use rustix::process::{Signal, kill_process};

use super::Supervisor;
use crate::outcome::Ending;

impl Supervisor<'_> {
    /// Does what signals, requests and deadlines ask for.
    pub(super) fn obey(&mut self) {
        for farewell in self.signals.farewells() {
            if self.ending.is_some() {
                self.kill_all();
            } else {
                self.end(Ending::Farewell(farewell));
            }
        }
        let now = Instant::now();
        if self.ending.is_none() && self.deadline.is_some_and(|deadline| deadline <= now) {
            self.end(Ending::TimedOut);
        }
        if self.ending.is_none() && self.segment.stop_requested() == Stop::Now {
            self.end(Ending::Stopped);
        }
        if self.kill_at.is_some_and(|kill_at| kill_at <= now) {
            self.kill_all();
        }
    }

    /// Whether no more workers are launched: the run was ended, or asked to finish what it has begun.
    pub(super) fn is_stopping(&self) -> bool {
        self.ending.is_some() || self.segment.stop_requested() != Stop::No
    }

    /// Ends the run early: no more launches, and workers have their grace to leave.
    fn end(&mut self, ending: Ending) {
        self.narrator.step(format_args!("stopping: {ending:?}; workers have {:?}", self.segment.terms().grace));
        self.ending = Some(ending);
        self.segment.request_stop(Stop::Now);
        let far_off = Duration::from_secs(365 * 24 * 3600);
        self.kill_at = Some(Instant::now() + self.segment.terms().grace.min(far_off));
    }

    /// Kills every worker of its own, and waits for nobody else any more.
    pub(super) fn kill_all(&mut self) {
        self.impatient = true;
        self.segment.request_stop(Stop::Now);
        for pid in self.children.keys().filter_map(|pid| process::id(*pid)) {
            // A child that has ended keeps its id until it is reaped, so no one else is hit.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
