//! `coordinator status --watch`: shows a segment until its run ends.
//!
//! It sleeps on the segment's notices. It does not count as attached, so that the segment can be removed.

mod view;

use std::thread;
use std::time::{Duration, Instant};

use common::cli::exit_code;
use common::{Lifecycle, Mode, ObservedLedger, Observer, RunState, Stop};

use crate::advice;
use crate::args::StatusArgs;
use crate::error::{Error, Result};
use crate::report;
use crate::report::status_view::StatusView;
use crate::signals;
use view::WatchView;

/// How often to read without a notice: progress and stopped processes send none.
const INTERVAL: Duration = Duration::from_secs(1);

/// The least time between two reads.
const PAUSE: Duration = Duration::from_millis(250);

/// How often to check whether a coordinator that has reported its result is gone; this takes a moment.
const LAST_INTERVAL: Duration = Duration::from_millis(10);

/// Shows the segment until its run is over.
pub fn watch(args: &StatusArgs) -> Result<u8> {
    signals::exit_on_stop_signals();
    let segment = Observer::open(&args.name)?;
    let mut view = WatchView::new(args.format);
    loop {
        // Read before the status, so that a change in between ends the wait below at once.
        let (seen, state) = (segment.notices(), WatchedState::of(&segment));
        let status = StatusView::observe(&segment)?;
        if is_being_left(&status) {
            segment.wait_for_notice(seen, LAST_INTERVAL);
            continue;
        }
        if !view.show(&status)? {
            // The reader left: it has seen what it wanted.
            return Ok(exit_code::COMPLETE);
        }
        if is_over(&status) {
            return Ok(exit_code::COMPLETE);
        }
        if let Some(why) = why_in_vain(&status) {
            let (snapshot, applied) = (&status.snapshot, report::applied(&status.snapshot));
            let next = (status.state == RunState::Stale).then(|| advice::resume(&args.name, &snapshot.terms));
            return Err(Error::Forsaken { name: args.name.clone(), applied, why, next });
        }
        wait(&segment, seen, state);
    }
}

/// Changes of this are shown at once.
#[derive(Clone, Copy, PartialEq, Eq)]
struct WatchedState {
    done: u32,
    lifecycle: Lifecycle,
    stop: Stop,
    is_linked: bool,
}

impl WatchedState {
    fn of(segment: &Observer) -> Self {
        Self {
            done: ObservedLedger::of(segment).done(),
            lifecycle: segment.lifecycle(),
            stop: segment.stop_requested(),
            is_linked: segment.is_linked(),
        }
    }
}

/// Waits until the state changes, at most for the interval.
fn wait(segment: &Observer, mut seen: u32, state: WatchedState) {
    let began = Instant::now();
    while let Some(left) = INTERVAL.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        segment.wait_for_notice(seen, left);
        seen = segment.notices();
        let now = WatchedState::of(segment);
        if now.lifecycle.is_over() || !now.is_linked {
            return;
        }
        if now != state {
            thread::sleep(PAUSE.saturating_sub(began.elapsed()));
            return;
        }
    }
}

/// Whether the coordinator has reported the result and is about to exit.
fn is_being_left(status: &StatusView) -> bool {
    status.state.is_over() && status.snapshot.has_coordinator && !status.is_removed
}

/// Whether the run has ended as it should.
fn is_over(status: &StatusView) -> bool {
    let is_by_hand = status.state == RunState::Open && status.snapshot.terms.mode != Mode::Shared;
    let is_done_by_hand = is_by_hand && status.alive() == 0 && status.snapshot.is_complete();
    status.is_removed || status.state.is_over() || is_done_by_hand
}

/// Why the run is incomplete and nothing more will happen.
fn why_in_vain(status: &StatusView) -> Option<&'static str> {
    match status.state {
        RunState::Stale if status.snapshot.is_complete() => Some("its coordinator died before it reported that"),
        RunState::Stale => Some("its coordinator is dead"),
        RunState::Foreign { in_use: false, .. } => {
            Some("its processes, in another PID namespace (container), are gone")
        }
        RunState::Open if status.snapshot.stop != Stop::No && status.alive() == 0 => {
            Some("its workers were asked to stop")
        }
        _ => None,
    }
}
