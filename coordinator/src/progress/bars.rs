//! Progress in place: a line for each worker where they fit, else one for each live worker and how many are in which
//! state; and a line for the run.
//!
//! Each line leaves the last column empty, so that no terminal wraps it.

use std::env;
use std::fmt::Write;
use std::time::Instant;

use common::{Mode, WorkerState};
use console::Style;

use super::eta::Eta;
use super::plain::{amount, count};
use super::run_progress::{RunProgress, WorkerProgress, name};
use crate::figures::{counted, per_cent, times};
use crate::terminal::TerminalSize;

/// Rows that are left to messages above the display, and its empty line.
const SPARED: usize = 3;

/// Terminals with fewer columns get short words, and no bar.
const NARROW: usize = 40;

/// The widest and the narrowest bar.
const WIDEST: usize = 30;
const NARROWEST: usize = 8;

/// Columns for the words beside a bar.
const WORDS: usize = 60;

/// The lines for a terminal of that size.
pub fn lines(progress: &RunProgress, eta: &Eta, now: Instant, size: TerminalSize) -> Vec<String> {
    // Some terminals wrap already in the last column.
    let room = size.columns - 1;
    let most = size.rows.saturating_sub(1 + SPARED);
    let digits = progress.workers.last().map_or(1, |last| last.ticket.to_string().len());
    let row = |worker: &WorkerProgress| row(worker, progress.mode, digits, room);
    let mut lines: Vec<String> = if progress.workers.len() <= most {
        progress.workers.iter().map(row).collect()
    } else {
        let summary = summary(progress, room);
        let live = || progress.workers.iter().filter(|worker| is_live(worker.state));
        // Without a line about the rest, a part of the live ones would look like all of them.
        let is_room = live().count() + summary.len() <= most;
        live().filter(|_| is_room).map(row).chain(summary).collect()
    };
    lines.push(whole(progress, eta, now, room));
    // The most important lines are the last ones; one row stays empty.
    lines.split_off(lines.len().saturating_sub(size.rows - 1))
}

/// The line for the run: a bar, how much is done, since when, the time left and the rate, as far as they fit.
fn whole(progress: &RunProgress, eta: &Eta, now: Instant, room: usize) -> String {
    let mut parts = vec![eta.elapsed(now)];
    parts.extend(eta.left(progress, now));
    parts.extend(eta.rate(progress, now));
    let Some(width) = bar_width(room) else { return words(progress, &parts, room) };
    let text = words(progress, &parts, room - width - "[] ".len());
    format!("[{}] {text}", Style::new().cyan().apply_to(bar(progress.part, width)))
}

/// The width of the bar: that of the terminal decides, never the words beside it. Narrow terminals have no bar.
fn bar_width(room: usize) -> Option<usize> {
    (room >= NARROW).then(|| room.saturating_sub(WORDS).clamp(NARROWEST, WIDEST))
}

/// How much is done, and as many of the parts as fit.
fn words(progress: &RunProgress, parts: &[String], room: usize) -> String {
    let text = format!("{}, {}", amount(progress), parts.join(", "));
    if text.len() <= room {
        return text;
    }
    let mut text = match progress.mode {
        Mode::Split => format!("{}%", progress.per_cent()),
        _ => format!("{} of {}", progress.done, progress.total),
    };
    for part in parts {
        if text.len() + 2 + part.len() <= room {
            text = format!("{text}, {part}");
        }
    }
    cut(&text, room)
}

/// Whether a worker in that state is at work.
fn is_live(state: WorkerState) -> bool {
    use WorkerState::{Attached, Computing, Sleeping, Waiting};
    matches!(state, Attached | Computing | Sleeping | Waiting)
}

/// A bar of that many columns.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "for a display"
)]
fn bar(part: f64, width: usize) -> String {
    let filled = ((part * width as f64) as usize).min(width);
    let head = if part > 0.0 && filled < width { ">" } else { "" };
    format!("{:<width$}", "=".repeat(filled) + head)
}

/// A worker's line.
fn row(worker: &WorkerProgress, mode: Mode, digits: usize, room: usize) -> String {
    let is_narrow = room < NARROW;
    let label = if is_narrow { worker.ticket.to_string() } else { format!("Process-{}", worker.ticket) };
    let label_width = if is_narrow { digits } else { "Process-".len() + digits };
    let mut state = match worker.state {
        WorkerState::Computing => format!("computing {:>3}%", per_cent(worker.computed.0, worker.computed.1)),
        WorkerState::Waiting if is_narrow => "waiting".to_owned(),
        state => name(state).to_owned(),
    };
    let mut rest = String::new();
    if mode == Mode::Split {
        rest = format!("  {:>12}", counted(worker.chunks, "chunk"));
    }
    if worker.restarts > 0 {
        let _ = write!(rest, "  restarted {}", times(worker.restarts.into()));
    }
    if !rest.is_empty() {
        state = format!("{state:<20}");
    }
    let label = cut(&format!("{label:<label_width$}  "), room);
    let state = cut(&state, room - label.len());
    let rest = cut(&rest, room - label.len() - state.len());
    format!("{label}{}{rest}", colour(worker.state).apply_to(state))
}

/// How many workers are in each state, in as many lines as needed.
fn summary(progress: &RunProgress, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut width = 0;
    for (state, number) in progress.counts() {
        let text = cut(&count((state, number)), room);
        if width > 0 && width + 2 + text.len() > room {
            lines.push(String::new());
            width = 0;
        }
        let comma = if width > 0 { ", " } else { "" };
        width += comma.len() + text.len();
        if let Some(line) = lines.last_mut() {
            let _ = write!(line, "{comma}{}", colour(state).apply_to(text));
        }
    }
    lines
}

fn colour(state: WorkerState) -> Style {
    match state {
        WorkerState::Done => Style::new().green(),
        WorkerState::Waiting => Style::new().yellow(),
        WorkerState::Died | WorkerState::Failed => Style::new().red(),
        WorkerState::Pending => Style::new().dim(),
        _ => Style::new(),
    }
}

/// Uses colours if they are wanted: `NO_COLOR` (no-color.org) before `CLICOLOR_FORCE` and `CLICOLOR`
/// (bixense.com/clicolors).
///
/// Not left to `console`, which judges by stdout.
pub fn choose_colours() {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_zero = |name| env::var_os(name).is_some_and(|value| value == "0");
    let is_forced = is_set("CLICOLOR_FORCE") && !is_zero("CLICOLOR_FORCE");
    console::set_colors_enabled(!is_set("NO_COLOR") && (is_forced || !is_zero("CLICOLOR")));
}

/// The beginning of a text of one-column characters.
fn cut(text: &str, room: usize) -> String {
    text.chars().take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_from_left_to_right() {
        let bars = [0.0, 0.01, 0.5, 0.99, 1.0].map(|part| bar(part, 8));
        assert_eq!(bars, ["        ", ">       ", "====>   ", "=======>", "========"]);
    }

    fn progress(states: &[WorkerState]) -> RunProgress {
        let worker = |(ticket, state): (u32, &WorkerState)| WorkerProgress {
            ticket,
            state: *state,
            computed: (0, 100),
            restarts: 0,
            chunks: 0,
        };
        let workers = (1..).zip(states).map(worker).collect();
        let mut progress = RunProgress::none(Mode::Repeat);
        (progress.workers, progress.total) = (workers, states.len());
        progress
    }

    #[test]
    fn of_many_workers_those_that_live_have_a_line_each() {
        use WorkerState::{Computing, Done, Pending, Sleeping};
        console::set_colors_enabled(false);
        let states =
            |live: usize| [vec![Done; 20], vec![Sleeping], vec![Computing; live - 1], vec![Pending; 16]].concat();
        let shown = |live: usize, rows: usize| {
            let progress = progress(&states(live));
            let now = Instant::now();
            lines(&progress, &Eta::from(now), now, TerminalSize { rows, columns: 80 })
        };
        let all = shown(4, 24);
        assert_eq!(
            all[..5],
            [
                "Process-21  sleeping",
                "Process-22  computing   0%",
                "Process-23  computing   0%",
                "Process-24  computing   0%",
                "3 computing, 1 sleeping, 16 pending, 20 done"
            ]
        );
        assert_eq!(all.len(), 6, "and the run: {all:?}");
        assert_eq!(shown(4, 50).len(), 41, "each has a line where they fit");
        assert_eq!(shown(19, 24).len(), 21, "as many as fit");
        assert_eq!(shown(20, 24)[..1], ["19 computing, 1 sleeping, 16 pending, 20 done"]);
        assert_eq!(shown(20, 24).len(), 2);
    }

    #[test]
    fn the_words_beside_a_bar_change_nothing_of_its_width() {
        console::set_colors_enabled(false);
        for (columns, expected) in [(20, None), (40, None), (41, Some(8)), (80, Some(19)), (200, Some(30))] {
            let (room, began) = (columns - 1, Instant::now());
            for mode in [Mode::Repeat, Mode::Split] {
                for (done, part, seconds) in
                    [(0, 0.0, 0), (1, 0.25, 60), (123_456, 0.5, 86_400), (123_456, 0.9, 999_999)]
                {
                    let mut progress = progress(&[]);
                    (progress.mode, progress.done, progress.part, progress.total) = (mode, done, part, 1_234_567);
                    progress.iterations = done as u64 * 1000;
                    let now = began + std::time::Duration::from_secs(seconds);
                    let line = whole(&progress, &Eta::from(began), now, room);
                    let width = line.find(']').map(|end| end - 1);
                    assert_eq!(width, expected, "{columns} columns: {line}");
                    assert!(line.len() <= room, "{columns} columns: {line}");
                }
            }
        }
    }
}
