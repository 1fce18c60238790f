//! The picture: a row for each ticket over a common time, and below it how the value grew.
//!
//! Invariant: well-formed, without scripts, and not much above [`MOST_BYTES`], for any number of workers and spans.

use super::axis;
use super::bars::Bars;
use super::legend::Legend;
use super::markup::{DIGIT, LEFT, Markup, WIDTH, px};
use super::model::{Model, Row};
use super::panel;
use crate::figures::grouped;

/// Larger pictures are too large for a page.
const MOST_BYTES: usize = 900_000;

/// More rows are indistinguishable on a screen.
const MOST_ROWS: usize = 500;

/// What stands above the contributions.
const CONTRIBUTION: &str = "contribution";

/// Draws the model.
pub fn draw(model: &Model) -> String {
    // Half a pixel is the resolution of a screen; coarser only if the picture becomes too large.
    let mut least = 0.5;
    loop {
        let picture = Picture::new(model).draw(least);
        if picture.len() <= MOST_BYTES || least >= 64.0 {
            return picture;
        }
        least *= 2.0;
    }
}

/// The layout of a picture.
struct Picture<'a> {
    model: &'a Model,
    legend: Legend,
    bars: Bars<'a>,
    /// The width of the plots.
    plot: f64,
}

impl<'a> Picture<'a> {
    #[expect(clippy::cast_precision_loss, reason = "there are at most a few hundred rows")]
    fn new(model: &'a Model) -> Self {
        let rows = &model.rows[..model.rows.len().min(MOST_ROWS)];
        let legend = Legend::of(model);
        let pitch = (600.0 / rows.len().max(1) as f64).clamp(2.0, 26.0);
        let top = legend_top(model) + legend.height() + 26.0;
        Self { model, legend, bars: Bars { rows, top, pitch }, plot: WIDTH - LEFT - right(rows) }
    }

    fn bottom(&self) -> f64 {
        self.bars.row_top(self.bars.rows.len())
    }

    #[expect(clippy::cast_precision_loss, reason = "a pixel is more than what is lost")]
    fn x(&self, at: u64) -> f64 {
        LEFT + at as f64 / self.model.length as f64 * self.plot
    }

    fn draw(&self, least: f64) -> String {
        let has_panel = !self.model.growth.is_empty();
        let panel_top = self.bottom() + 66.0;
        let height = if has_panel { panel_top + panel::HEIGHT + 20.0 } else { self.bottom() + 44.0 };
        let mut markup = Markup::new(WIDTH, height.ceil(), &self.model.title, &self.model.summary);
        self.head(&mut markup);
        self.time(&mut markup, if has_panel { panel_top + panel::HEIGHT } else { self.bottom() });
        self.bars.draw(&mut markup, |at| self.x(at), least);
        if has_panel {
            panel::draw(&mut markup, panel_top, self.plot, self.model, |at| self.x(at));
        }
        markup.finish()
    }

    /// Draws title, summary, caveat and legend, and what stands above the contributions.
    fn head(&self, markup: &mut Markup) {
        markup.text("title", 16.0, 27.0, &self.model.title);
        markup.text("strong", 16.0, 47.0, &self.model.summary);
        if let Some(caveat) = caveat(self.model) {
            markup.text("note", 16.0, 63.0, &caveat);
        }
        self.legend.draw(markup, legend_top(self.model));
        markup.text("end", WIDTH - 12.0, self.bars.top - 6.0, CONTRIBUTION);
    }

    /// Draws the time axis, with grid lines down to `bottom`.
    #[expect(clippy::cast_precision_loss, reason = "a pixel is more than what is lost")]
    fn time(&self, markup: &mut Markup, bottom: f64) {
        let (unit, size) = axis::unit(self.model.length as f64);
        let length = self.model.length as f64 / size;
        let step = axis::step(0.0, length, 10.0);
        let y = self.bottom();
        for tick in axis::ticks(0.0, length, step) {
            let x = LEFT + tick / length * self.plot;
            markup.path("grid", &format!("M{} {}V{}", px(x), px(self.bars.top), px(bottom)), None);
            // Hides the line behind the label.
            let label = format!("{} {unit}", axis::label(tick, step, length));
            markup.rect("page", [x - 20.0, y + 5.0, 40.0, 14.0], None);
            markup.text("mid", x, y + 16.0, &label);
        }
        markup.path("axis", &format!("M{} {}h{}", px(LEFT), px(y), px(self.plot)), None);
    }
}

/// What the picture does not show, or not exactly.
fn caveat(model: &Model) -> Option<String> {
    let count = model.rows.len();
    let left_out = (count > MOST_ROWS).then(|| grouped(&format!("the first {MOST_ROWS} of {count} workers")));
    let all: Vec<String> = left_out.into_iter().chain(model.caveat.map(str::to_owned)).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Where the legend begins.
fn legend_top(model: &Model) -> f64 {
    if caveat(model).is_some() { 66.0 } else { 50.0 }
}

/// The space right of the plots, for the contributions.
#[expect(clippy::cast_precision_loss, reason = "short texts")]
fn right(rows: &[Row]) -> f64 {
    let widest = rows.iter().map(|row| row.contribution.chars().count()).max().unwrap_or(0);
    28.0 + widest.max(CONTRIBUTION.len()) as f64 * DIGIT
}
