//! How far a run has got, while it goes on: on stderr, as bars in place or as a line now and then.
//!
//! Invariants: it never waits for a reader, it wakes the coordinator only at its own intervals and only while a worker is
//! alive, and where nothing is to be shown nothing is looked at.

mod bars;
mod canvas;
mod pace;
mod plain;
mod screen;
mod state;

use std::time::{Duration, Instant};

use common::Segment;

use crate::args::{OutputArgs, Progress as How};
use crate::narrate::Narrator;
use bars::Bars;
use pace::Pace;
pub use screen::{Screen, Size};
pub use state::Known;
use state::Look;

/// Shorter runs show no bars, which would only flicker.
const FIRST_BARS: Duration = Duration::from_millis(300);

/// Between two frames, at least.
const BARS: Duration = Duration::from_millis(100);

/// How many times as long as a look took there is no other: it takes at most a twentieth of the coordinator's time.
const REST: u32 = 19;

/// The display of one run.
pub struct Progress<'a> {
    segment: &'a Segment,
    narrator: &'a Narrator,
    pace: Pace,
    display: Option<Display>,
    due: Instant,
}

enum Display {
    Bars(Bars),
    Plain,
}

impl<'a> Progress<'a> {
    /// A display of the run in `segment`, of the kind that the options ask for and stderr allows.
    pub fn new(segment: &'a Segment, narrator: &'a Narrator, args: &OutputArgs) -> Self {
        let wanted = if args.quiet { How::None } else { args.progress };
        let screen = if matches!(wanted, How::Auto | How::Bar) { Screen::open() } else { None };
        let display = match (wanted, screen) {
            (How::None, _) => None,
            (_, Some(screen)) => {
                narrator.open_display(screen);
                Some(Display::Bars(Bars::new()))
            }
            (_, None) => Some(Display::Plain),
        };
        let first = if matches!(display, Some(Display::Bars(_))) { FIRST_BARS } else { plain::FIRST };
        let pace = Pace::new(segment);
        Self { segment, narrator, due: pace.began + first, pace, display }
    }

    /// When it wants to be shown next, if ever.
    pub fn due(&self) -> Option<Instant> {
        self.display.as_ref().map(|_| self.due)
    }

    /// Whether it wants to be shown now.
    pub fn is_due(&self) -> bool {
        self.due().is_some_and(|due| due <= Instant::now())
    }

    /// Shows the run as it stands.
    pub fn show(&mut self, known: &Known<'_>) {
        let now = Instant::now();
        let Some(display) = &mut self.display else { return };
        let look = Look::at(self.segment, known, now.saturating_duration_since(self.pace.began));
        match display {
            Display::Plain => {
                self.narrator.progress(plain::line(&look, &self.pace, now));
                self.due = plain::next(self.pace.began, self.due, now);
            }
            Display::Bars(bars) => {
                if let Some(size) = self.narrator.display_size() {
                    self.narrator.show(&bars.lines(&look, &self.pace, now, size));
                }
                self.due = Instant::now() + BARS.max(now.elapsed() * REST);
            }
        }
    }
}

impl Drop for Progress<'_> {
    /// However a run ends, its display does.
    fn drop(&mut self) {
        self.narrator.close_display();
    }
}
