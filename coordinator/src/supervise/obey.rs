//! What ends a run early: signals, requests and deadlines.

use std::time::{Duration, Instant};

use common::{Stop, process};
use rustix::process::{Signal, kill_process};

use super::Supervisor;
use crate::outcome::Ending;
use crate::report::room::Room;
use crate::report::sight::Sight;
use crate::report::status;

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
        if self.signals.was_asked() {
            self.tell_status();
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

    /// Shows the run on stderr, as `status` would, as far as it is read.
    fn tell_status(&self) {
        match Sight::of_own(self.segment) {
            Ok(sight) => {
                let room = Room::of(rustix::stdio::stderr()).unwrap_or(Room::GLANCE);
                self.narrator.show_status(&status::status(&sight, Some(room)));
            }
            Err(error) => self.narrator.note(format_args!("no status can be told: {error}")),
        }
    }

    /// Ends the run early: no more launches, and workers have their grace to leave.
    fn end(&mut self, ending: Ending) {
        let grace = self.segment.terms().grace;
        self.narrator.step(format_args!("stopping after {}; workers have {grace:?} to leave", ending.name()));
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
