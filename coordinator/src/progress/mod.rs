//! Progress on stderr during a run: bars in place, or a line now and then.
//!
//! Invariants: it never waits for a reader; it wakes the coordinator only at its own intervals and only while a worker is
//! alive; where nothing is shown, nothing is read.

mod bars;
mod eta;
mod plain;
mod run_progress;
mod steady_rate;

use std::time::{Duration, Instant};

use common::Segment;

use crate::args::{OutputArgs, ProgressMode};
use crate::narration::Narrator;
use crate::terminal::LiveLines;
use eta::Eta;
pub use run_progress::KnownWorkers;
use run_progress::RunProgress;

/// Shorter runs show no bars, which would only flicker.
const FIRST_FRAME: Duration = Duration::from_millis(300);

/// The least time between two frames.
const FRAME_INTERVAL: Duration = Duration::from_millis(100);

/// The pause after a frame, as a multiple of its cost: the display takes at most a twentieth of the coordinator's time.
const REST: u32 = 19;

/// The display of one run's progress.
pub struct ProgressDisplay<'a> {
    segment: &'a Segment,
    narrator: &'a Narrator,
    eta: Eta,
    /// When to look at the progress next, if ever.
    pub due: Option<Instant>,
    /// When the next line is due, where there is no display.
    line_due: Instant,
}

impl<'a> ProgressDisplay<'a> {
    /// A display of the kind that the options ask for and stderr allows.
    pub fn new(segment: &'a Segment, narrator: &'a Narrator, args: &OutputArgs) -> Self {
        let mode = if args.quiet { ProgressMode::None } else { args.progress };
        let live_lines = if matches!(mode, ProgressMode::Auto | ProgressMode::Bar) { LiveLines::open() } else { None };
        let first = match (mode, live_lines) {
            (ProgressMode::None, _) => None,
            (_, Some(live_lines)) => {
                narrator.open_display(live_lines);
                bars::choose_colours();
                Some(FIRST_FRAME)
            }
            (_, None) => Some(plain::FIRST_LOOK),
        };
        let eta = Eta::new(segment);
        let (due, line_due) = (first.map(|first| eta.began + first), eta.began + plain::FIRST);
        Self { segment, narrator, eta, due, line_due }
    }

    /// Shows the present progress, if it is due.
    pub fn show<'b>(&mut self, known: impl FnOnce() -> KnownWorkers<'b>) {
        let now = Instant::now();
        let Some(due) = self.due.filter(|due| *due <= now) else { return };
        let progress = RunProgress::read(self.segment, &known(), now.saturating_duration_since(self.eta.began));
        self.eta.record(&progress, now);
        self.due = Some(if let Some(size) = self.narrator.display_size() {
            self.narrator.show(&bars::lines(&progress, &self.eta, now, size));
            Instant::now() + FRAME_INTERVAL.max(now.elapsed() * REST)
        } else if now < self.line_due {
            self.line_due.min(now + plain::FIRST_LOOK)
        } else {
            self.narrator.progress(plain::line(&progress, &self.eta, now));
            self.line_due = plain::next(self.eta.began, due, now);
            self.line_due
        });
    }
}

impl Drop for ProgressDisplay<'_> {
    /// Removes the display, however the run ends.
    fn drop(&mut self) {
        self.narrator.close_display();
    }
}
