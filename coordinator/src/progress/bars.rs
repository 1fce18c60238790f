//! Progress in place: a line a worker where they fit, else how many are in which state, and a line for the whole.
//!
//! Each line is narrower than the terminal, in its last column too, so that none wraps.

use std::env;
use std::fmt::Write;
use std::time::Instant;

use common::{Mode, WorkerState};
use console::Style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::canvas::Canvas;
use super::pace::Pace;
use super::plain::{amount, chunks, count, per_cent};
use super::screen::Size;
use super::state::{Look, Worker, name};

/// Lines of the terminal that are left to what is said above the display, and the empty one.
const SPARED: usize = 3;

/// A terminal as narrow as that gets short words.
const NARROW: usize = 40;

/// The widest and the narrowest bar.
const WIDEST: usize = 30;
const NARROWEST: usize = 8;

/// What is kept free for the words beside a bar, so that it does not change its width with them.
const WORDS: usize = 60;

/// A bar is drawn in so many steps.
const STEPS: u32 = 10_000;

/// What draws the lines.
pub struct Bars {
    bar: ProgressBar,
    canvas: Canvas,
}

impl Bars {
    /// Bars in colour where that is wanted.
    pub fn new() -> Self {
        console::set_colors_enabled(is_coloured());
        let canvas = Canvas::default();
        let target = ProgressDrawTarget::term_like(Box::new(canvas.clone()));
        Self { bar: ProgressBar::with_draw_target(Some(STEPS.into()), target), canvas }
    }

    /// The lines for a terminal of that size.
    pub fn lines(&mut self, look: &Look, pace: &Pace, now: Instant, size: Size) -> Vec<String> {
        // In the last column some terminals wrap already.
        let room = size.columns - 1;
        let mut lines = if look.workers.len() + 1 + SPARED <= size.rows {
            let digits = look.workers.last().map_or(1, |last| last.ticket.to_string().len());
            look.workers.iter().map(|worker| row(worker, look.mode, digits, room)).collect()
        } else {
            summary(look, room)
        };
        lines.push(self.whole(look, pace, now, room));
        // What matters most stands last; one row stays empty.
        let most = size.rows - 1;
        lines.split_off(lines.len().saturating_sub(most))
    }

    /// The line for the whole: a bar, how much is done, since when, the time left and the rate, as far as they fit.
    fn whole(&mut self, look: &Look, pace: &Pace, now: Instant, room: usize) -> String {
        let mut parts = vec![pace.elapsed(now)];
        parts.extend(pace.left(look, now));
        parts.extend(pace.rate(look, now));
        let mut text = format!("{}, {}", amount(look), parts.join(", "));
        if text.len() > room {
            text = match look.mode {
                Mode::Split => format!("{}%", per_cent(look.part)),
                _ => format!("{} of {}", look.done, look.total),
            };
            for part in parts {
                if text.len() + 2 + part.len() <= room {
                    text = format!("{text}, {part}");
                }
            }
        }
        let width = room.saturating_sub(WORDS).clamp(NARROWEST, WIDEST).min(room.saturating_sub(text.len() + 3));
        if width < NARROWEST { cut(&text, room) } else { format!("{} {text}", self.bar(look.part, width, room)) }
    }

    /// A bar of that many columns between its brackets.
    fn bar(&mut self, part: f64, width: usize, room: usize) -> String {
        let template = format!("[{{bar:{width}.cyan}}]");
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.set_style(style.progress_chars("=> "));
        self.canvas.begin(room);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and the steps")]
        self.bar.update(|state| state.set_pos((part * f64::from(STEPS)) as u64));
        self.canvas.text()
    }
}

/// A worker's line.
fn row(worker: &Worker, mode: Mode, digits: usize, room: usize) -> String {
    let is_narrow = room < NARROW;
    let label = if is_narrow { worker.ticket.to_string() } else { format!("Process-{}", worker.ticket) };
    let label_width = if is_narrow { digits } else { "Process-".len() + digits };
    let mut state = match worker.state {
        WorkerState::Computing => format!("computing {:>3}%", per_cent(worker.part)),
        WorkerState::Waiting if is_narrow => "waiting".to_owned(),
        state => name(state).to_owned(),
    };
    let mut rest = String::new();
    if mode == Mode::Split {
        rest = format!("  {:>12}", chunks(worker.chunks));
    }
    match worker.restarts {
        0 => {}
        1 => rest += "  restarted once",
        times => rest = format!("{rest}  restarted {times} times"),
    }
    if !rest.is_empty() {
        state = format!("{state:<20}");
    }
    let label = cut(&format!("{label:<label_width$}  "), room);
    let state = cut(&state, room - label.len());
    let rest = cut(&rest, room - label.len() - state.len());
    format!("{label}{}{rest}", colour(worker.state).apply_to(state))
}

/// How many workers are in which state, in as many lines as that takes.
fn summary(look: &Look, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut width = 0;
    for (state, number) in look.counts() {
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

/// Whether colours are wanted: `NO_COLOR` (no-color.org) before `CLICOLOR_FORCE` and `CLICOLOR` (bixense.com/clicolors).
///
/// Not left to `console`, which judges by stdout.
fn is_coloured() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_zero = |name| env::var_os(name).is_some_and(|value| value == "0");
    let is_forced = is_set("CLICOLOR_FORCE") && !is_zero("CLICOLOR_FORCE");
    !is_set("NO_COLOR") && (is_forced || !is_zero("CLICOLOR"))
}

/// The beginning of a text of one-column characters.
fn cut(text: &str, room: usize) -> String {
    text.chars().take(room).collect()
}
