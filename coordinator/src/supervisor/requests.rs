//! What ends a run early, and requests for its status.

use std::time::Instant;

use common::Stop;
use common::descendants::PATIENCE;

use super::Supervisor;
use super::deadlines::has_passed;
use crate::caller::Caller;
use crate::outcome::EndReason;
use crate::report::status;
use crate::report::status_view::StatusView;
use crate::signals::StopSignal;
use crate::terminal::TerminalSize;

impl Supervisor<'_> {
    /// Acts on signals, the end of the caller, `coordinator stop` and deadlines.
    pub(super) fn handle_requests(&mut self) {
        let signals = self.signals.stop_signals();
        self.obey(&signals);
        if self.signals.take_status_request() {
            self.show_status();
        }
        if self.end_reason.is_none() && has_passed(self.deadlines.run) {
            self.end(EndReason::TimedOut);
        }
        if self.end_reason.is_none() && self.caller.is_some_and(Caller::has_ended) {
            self.narrator.fall_silent();
            self.end(EndReason::CallerGone);
        }
        if self.end_reason.is_none() && self.segment.stop_requested() == Stop::Now {
            self.end(EndReason::Stopped);
        }
        if has_passed(self.deadlines.kill) {
            self.kill_all();
        }
        if has_passed(self.deadlines.abandon) {
            self.abandon_workers();
        }
    }

    /// Acts on signals that came together: the first one ends the run, and a later one kills its workers.
    fn obey(&mut self, signals: &[StopSignal]) {
        match signals.first() {
            Some(first) if self.end_reason.is_none() => self.end(EndReason::Signal(*first)),
            // A session that ends sends SIGHUP besides another signal, or twice: nobody is impatient.
            _ if signals.iter().any(|signal| !signal.is_hangup()) => self.kill_all(),
            _ => {}
        }
    }

    /// Whether no more workers are launched: the run was ended, or asked to finish what it has begun.
    pub(super) fn is_stopping(&self) -> bool {
        self.end_reason.is_some() || self.segment.stop_requested() != Stop::No || self.ledger.has_stopped_itself()
    }

    /// Shows the run on stderr, as `status` would.
    fn show_status(&self) {
        match StatusView::of_own(self.segment) {
            Ok(view) => {
                let size = TerminalSize::usable(rustix::stdio::stderr());
                self.narrator.status(&status::status_within(&view, size));
            }
            Err(error) => self.narrator.note(format_args!("cannot show the status: {error}")),
        }
    }

    /// Ends the run early: launches no more workers, and gives the others a grace period to leave.
    fn end(&mut self, reason: EndReason) {
        let grace = self.segment.terms().grace;
        self.narrator.step(format_args!("stopping after {}; workers have {grace:?} to leave", reason.name()));
        self.end_reason = Some(reason);
        self.segment.request_stop(Stop::Now);
        self.deadlines.kill_after(grace);
    }

    /// Kills the launched workers, and stops waiting for others.
    pub(super) fn kill_all(&mut self) {
        self.grace_is_over = true;
        self.deadlines.kill = None;
        self.deadlines.abandon.get_or_insert_with(|| Instant::now() + PATIENCE);
        self.segment.request_stop(Stop::Now);
        self.workers.kill_children();
    }
}
