//! The legend: what happened in the run, how long in all, and how often. What did not happen is not there.

use super::axis;
use super::bars::{cross, triangle};
use super::markup::{Markup, WIDTH, class};
use super::model::{Doing, Model, Stretch};
use super::panel;
use crate::figures::{counted, grouped, times};

/// The distance of two lines.
pub const LINE: f64 = 17.0;

/// Where its lines begin, and the space of a symbol.
const LEFT: f64 = 16.0;
const SYMBOL: f64 = 17.0;

/// The space between two entries.
const SPACE: f64 = 14.0;

/// The width of a character, on average.
const CHARACTER: f64 = 6.3;

/// What stands before the text of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Bar(Doing),
    Tick,
    Died,
    Restarted,
    Wrap,
}

/// The legend, its entries placed.
pub struct Legend(Vec<(Symbol, String, f64, usize)>);

impl Legend {
    /// The legend of a run.
    pub fn of(model: &Model) -> Self {
        let (mut x, mut line) = (LEFT, 0);
        let placed = entries(model).into_iter().map(|(symbol, text)| {
            #[expect(clippy::cast_precision_loss, reason = "a short text")]
            let width = SYMBOL + text.chars().count() as f64 * CHARACTER;
            if x + width > WIDTH - LEFT && x > LEFT {
                (x, line) = (LEFT, line + 1);
            }
            let place = (symbol, text, x, line);
            x += width + SPACE;
            place
        });
        Self(placed.collect())
    }

    /// Its height.
    pub fn height(&self) -> f64 {
        self.0.last().map_or(0.0, |(.., line)| baseline(0.0, line + 1))
    }

    /// Draws it below `top`.
    pub fn draw(&self, markup: &mut Markup, top: f64) {
        for (symbol, text, x, line) in &self.0 {
            let (x, y) = (*x, baseline(top, line + 1));
            match symbol {
                Symbol::Bar(doing) => markup.rect(class(*doing), [x, y - 9.0, 12.0, 10.0], None),
                Symbol::Tick => markup.rect("tick", [x + 5.4, y - 10.0, 1.2, 13.0], None),
                Symbol::Died => markup.path("died", &cross(x + 6.0, y - 4.0, 5.0), None),
                Symbol::Restarted => markup.path("restarted", &triangle(x + 2.0, y - 4.0, 5.0), None),
                Symbol::Wrap => markup.path("wrap", &panel::diamond(x + 6.0, y - 4.0), None),
            }
            markup.text("note", x + SYMBOL, y, text);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "few lines")]
fn baseline(top: f64, lines: usize) -> f64 {
    top + LINE * lines as f64
}

/// What happened.
fn entries(model: &Model) -> Vec<(Symbol, String)> {
    let stretches = || model.lives().flat_map(|life| &life.stretches);
    // A merged span counts as what took most of its time.
    let about = if stretches().any(|stretch| stretch.count > 1) { "about " } else { "" };
    let mut entries = Vec::new();
    for doing in Doing::ALL {
        let took = took(model, doing);
        let time = format!("{about}{}", axis::duration(took));
        if doing == Doing::Commit {
            let commits: u64 = stretches().map(|stretch| u64::from(stretch.commits)).sum();
            if commits > 0 {
                let commits = grouped(&counted(commits, "commit"));
                entries.push((Symbol::Tick, format!("{commits}, {time} (ticks are not to scale)")));
            }
        } else if took > 0 {
            entries.push((Symbol::Bar(doing), format!("{} {time}", doing.name())));
        }
    }
    let deaths = model.lives().filter(|life| life.died).count() as u64;
    if deaths > 0 {
        let cut = if stretches().any(|stretch| stretch.is_cut) { " (faded: cut short)" } else { "" };
        entries.push((Symbol::Died, grouped(&format!("died {}{cut}", times(deaths)))));
    }
    if model.restarts() > 0 {
        entries.push((Symbol::Restarted, grouped(&format!("restarted {}", times(model.restarts() as u64)))));
    }
    if model.wraps() > 0 {
        entries.push((Symbol::Wrap, grouped(&format!("wrapped around in {}", counted(model.wraps() as u64, "step")))));
    }
    entries
}

/// How long the workers did this in all.
fn took(model: &Model, doing: Doing) -> u64 {
    let of = |is_meant: fn(Doing, Doing) -> bool| -> u64 {
        let stretches = model.lives().flat_map(|life| &life.stretches);
        stretches.filter(|stretch| is_meant(stretch.doing, doing)).map(Stretch::took).sum()
    };
    if doing == Doing::Between {
        // With what is too short for a stretch of its own.
        let alive: u64 = model.lives().map(|life| life.end - life.start).sum();
        return alive.saturating_sub(of(|one, other| one != other));
    }
    of(|one, other| one == other)
}
