//! `coordinator status --watch`: shows a segment again and again, until its run ends.
//!
//! It sleeps on the segment's notices, and does not count as attached: whoever wants to remove the segment may.

mod screen;

use std::thread;
use std::time::{Duration, Instant};

use common::{Lifecycle, Mode, RunState, Segment, Stop, exit_code};

use self::screen::Screen;
use crate::args::StatusArgs;
use crate::error::{Error, Result};
use crate::report::sight::Sight;
use crate::signals;

/// How often to look without news: progress and stopped processes tell nobody.
const LOOK: Duration = Duration::from_secs(1);

/// The pause between two looks, however much news there is.
const PAUSE: Duration = Duration::from_millis(250);

/// How often to look whether a coordinator that has reported its result is gone, which takes a moment.
const LAST_LOOK: Duration = Duration::from_millis(10);

/// Shows the segment until its run is over.
pub fn watch(args: &StatusArgs) -> Result<u8> {
    signals::leave_at_once();
    let segment = Segment::observe(&args.name)?;
    let mut screen = Screen::new(args.format);
    loop {
        // Read before the sight, so that news in between end the wait below at once.
        let (seen, news) = (segment.notices(), News::of(&segment));
        let sight = Sight::at(&segment)?;
        if is_being_left(&sight) {
            segment.wait_for_notice(seen, LAST_LOOK);
            continue;
        }
        if !screen.show(&sight)? {
            // A reader that went away has seen what it wanted.
            return Ok(exit_code::COMPLETE);
        }
        if is_over(&sight) {
            return Ok(exit_code::COMPLETE);
        }
        if let Some(why) = why_in_vain(&sight) {
            let (done, wanted) = (sight.snapshot.done() as u64, sight.snapshot.total() as u64);
            return Err(Error::Forsaken { name: args.name.clone(), done, wanted, why });
        }
        wait(&segment, seen, news);
    }
}

/// What is worth a look at once.
#[derive(Clone, Copy, PartialEq, Eq)]
struct News {
    done: u32,
    lifecycle: Lifecycle,
    stop: Stop,
    is_linked: bool,
}

impl News {
    fn of(segment: &Segment) -> Self {
        Self {
            done: segment.done(),
            lifecycle: segment.lifecycle(),
            stop: segment.stop_requested(),
            is_linked: segment.is_linked(),
        }
    }
}

/// Waits for news, or for the time to look all the same.
fn wait(segment: &Segment, mut seen: u32, news: News) {
    let began = Instant::now();
    while let Some(left) = LOOK.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        segment.wait_for_notice(seen, left);
        seen = segment.notices();
        let now = News::of(segment);
        if now.lifecycle == Lifecycle::Reported || !now.is_linked {
            return;
        }
        if now != news {
            thread::sleep(PAUSE.saturating_sub(began.elapsed()));
            return;
        }
    }
}

/// Whether the coordinator has reported the result, and will now remove the segment or leave it.
fn is_being_left(sight: &Sight) -> bool {
    sight.state == RunState::Finished && sight.snapshot.has_coordinator && !sight.is_removed
}

/// Whether nothing more happens, and nothing is wrong with that.
fn is_over(sight: &Sight) -> bool {
    let is_by_hand = sight.state == RunState::Open && sight.snapshot.terms.mode != Mode::Shared;
    let is_done_by_hand = is_by_hand && sight.alive() == 0 && sight.snapshot.is_complete();
    sight.is_removed || sight.state == RunState::Finished || is_done_by_hand
}

/// Why nothing more happens though not all is done.
fn why_in_vain(sight: &Sight) -> Option<&'static str> {
    match sight.state {
        RunState::Stale => Some("its coordinator is dead"),
        RunState::Open if sight.snapshot.stop != Stop::No && sight.alive() == 0 => {
            Some("its workers were asked to stop")
        }
        _ => None,
    }
}
