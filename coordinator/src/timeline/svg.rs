//! The picture: a row for each ticket over a common time, and below it how the value grew.
//!
//! Invariant: well-formed, without scripts, and not much above [`MOST_BYTES`], for any number of workers and spans.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::axis;
use super::marks::{Mark, marks};
use super::markup::{Class, LEFT, Markup, PLOT, WIDTH, px};
use super::model::{Beginning, Life, Model, Row, Stretch};
use super::panel;

/// Larger pictures are too large for a page.
const MOST_BYTES: usize = 900_000;

/// More rows are indistinguishable on a screen.
const MOST_ROWS: usize = 500;

/// Up to this many marks have tooltips.
const FEW: usize = 800;

/// Draws the model.
pub fn draw(model: &Model) -> String {
    // Half a pixel is the resolution of a screen; coarser only if the picture becomes too large.
    let mut least = 0.5;
    loop {
        let picture = Picture::new(model, least).draw();
        if picture.len() <= MOST_BYTES || least >= 64.0 {
            return picture;
        }
        least *= 2.0;
    }
}

/// The layout of a picture.
struct Picture<'a> {
    model: &'a Model,
    rows: &'a [Row],
    least: f64,
    /// Where the rows begin.
    top: f64,
    /// The height of a row, and of the bar in it.
    pitch: f64,
    bar: f64,
}

impl<'a> Picture<'a> {
    #[expect(clippy::cast_precision_loss, reason = "there are at most a few hundred rows")]
    fn new(model: &'a Model, least: f64) -> Self {
        let rows = &model.rows[..model.rows.len().min(MOST_ROWS)];
        let pitch = (600.0 / rows.len().max(1) as f64).clamp(2.0, 26.0);
        let top = if Self::caveat_of(model).is_some() { 106.0 } else { 90.0 };
        Self { model, rows, least, top, pitch, bar: pitch - (pitch * 0.28).clamp(0.4, 6.0) }
    }

    fn caveat_of(model: &Model) -> Option<String> {
        let count = model.rows.len();
        let left_out = (count > MOST_ROWS).then(|| format!("the first {MOST_ROWS} of {count} workers"));
        let all: Vec<String> = left_out.into_iter().chain(model.caveat.map(str::to_owned)).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn bottom(&self) -> f64 {
        self.row_top(self.rows.len())
    }

    #[expect(clippy::cast_precision_loss, reason = "there are at most a few hundred rows")]
    fn row_top(&self, index: usize) -> f64 {
        self.top + self.pitch * index as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "a pixel is more than what is lost")]
    fn x(&self, at: u64) -> f64 {
        LEFT + at as f64 / self.model.length as f64 * PLOT
    }

    fn draw(&self) -> String {
        let has_panel = !self.model.growth.is_empty();
        let panel_top = self.bottom() + 62.0;
        let height = if has_panel { panel_top + panel::HEIGHT + 20.0 } else { self.bottom() + 44.0 };
        let mut markup = Markup::new(WIDTH, height.ceil(), &self.model.title, &self.model.summary);
        self.head(&mut markup);
        self.time(&mut markup, if has_panel { panel_top + panel::HEIGHT } else { self.bottom() });
        let drawn: Vec<(usize, &Life, Vec<Mark<'_>>)> = self
            .rows
            .iter()
            .enumerate()
            .flat_map(|(index, row)| row.lives.iter().map(move |life| (index, life)))
            .map(|(index, life)| (index, life, marks(life, |at| self.x(at), self.least)))
            .collect();
        let has_tooltips = drawn.iter().map(|(_, _, marks)| marks.len() + 1).sum::<usize>() <= FEW;
        for (index, life, marks) in &drawn {
            self.life(&mut markup, *index, life, marks, has_tooltips);
        }
        for (index, life, _) in &drawn {
            self.ends(&mut markup, *index, life, has_tooltips);
        }
        self.labels(&mut markup);
        if has_panel {
            panel::draw(&mut markup, panel_top, &self.model.growth, &self.model.value_label, |at| self.x(at));
        }
        markup.finish()
    }

    /// Draws title, summary, caveat and legend.
    fn head(&self, markup: &mut Markup) {
        markup.text("title", 16.0, 27.0, &self.model.title);
        markup.text("strong", 16.0, 47.0, &self.model.summary);
        if let Some(caveat) = Self::caveat_of(self.model) {
            markup.text("note", 16.0, 63.0, &caveat);
        }
        let y = self.top - 16.0;
        let legend = [
            (Class::Compute, "compute", 84.0),
            (Class::Sleep, "sleep", 68.0),
            (Class::Wait, "lock wait", 84.0),
            (Class::Hold, "lock held, commit", 128.0),
            (Class::Alive, "starting, ending", 118.0),
            (Class::Died, "died (faded: cut short)", 160.0),
            (Class::Restarted, "restarted", 0.0),
        ];
        let mut x = LEFT;
        for (class, name, width) in legend {
            match class {
                Class::Died => markup.path("died", &cross(x + 6.0, y - 4.0, 5.0), None),
                Class::Restarted => markup.path("restarted", &triangle(x + 2.0, y - 4.0, 5.0), None),
                Class::Hold => markup.rect("hold", [x + 4.0, y - 9.5, 4.0, 11.0], None),
                _ => markup.rect(class.name(), [x, y - 9.0, 12.0, 10.0], None),
            }
            markup.text("note", x + 17.0, y, name);
            x += width;
        }
    }

    /// Draws the time axis, with grid lines down to `bottom`.
    #[expect(clippy::cast_precision_loss, reason = "a pixel is more than what is lost")]
    fn time(&self, markup: &mut Markup, bottom: f64) {
        let (unit, size) = axis::unit(self.model.length as f64);
        let length = self.model.length as f64 / size;
        let step = axis::step(0.0, length, 10.0);
        let y = self.bottom();
        for tick in axis::ticks(0.0, length, step) {
            let x = LEFT + tick / length * PLOT;
            markup.path("grid", &format!("M{} {}V{}", px(x), px(self.top), px(bottom)), None);
            // Hides the line behind the label.
            let label = format!("{} {unit}", axis::label(tick, step, length));
            markup.rect("page", [x - 20.0, y + 5.0, 40.0, 14.0], None);
            markup.text("mid", x, y + 16.0, &label);
        }
        markup.path("axis", &format!("M{} {}h{}", px(LEFT), px(y), px(PLOT)), None);
    }

    fn life(&self, markup: &mut Markup, index: usize, life: &Life, marks: &[Mark<'_>], has_tooltips: bool) {
        let top = self.row_top(index) + (self.pitch - self.bar) / 2.0;
        let who = format!("Process-{} (pid {})", self.rows[index].ticket, life.pid);
        let (x, end) = (self.x(life.start), self.x(life.end));
        let tooltip =
            has_tooltips.then(|| format!("{who} {}, after {}", life.ending, axis::duration(life.end - life.start)));
        markup.rect("alive", [x, top, (end - x).max(1.0), self.bar], tooltip.as_deref());
        if has_tooltips {
            for mark in marks {
                markup.rect(&class_of(mark), [mark.x, top, mark.width, self.bar], Some(&mark_tooltip(&who, mark)));
            }
        } else {
            self.crowd(markup, top, marks);
        }
    }

    /// Draws a death and a restart above all else, even if they are higher than the row.
    fn ends(&self, markup: &mut Markup, index: usize, life: &Life, has_tooltips: bool) {
        let size = (self.pitch * 0.26).clamp(3.0, 6.0);
        let middle = self.row_top(index) + self.pitch / 2.0;
        let who = format!("Process-{} (pid {})", self.rows[index].ticket, life.pid);
        if life.died {
            let tooltip = format!("{who} {}", life.ending);
            markup.path("died", &cross(self.x(life.end) - size, middle, size), has_tooltips.then_some(&tooltip));
        }
        if life.beginning == Beginning::Restarted {
            let tooltip = format!("{who}: launched again");
            markup.path("restarted", &triangle(self.x(life.start), middle, size), has_tooltips.then_some(&tooltip));
        }
    }

    /// Draws many marks: one path for each class.
    fn crowd(&self, markup: &mut Markup, top: f64, marks: &[Mark<'_>]) {
        let mut paths: BTreeMap<(u8, bool), (String, String)> = BTreeMap::new();
        for mark in marks {
            let width = px(mark.width);
            let key = (mark.class as u8, mark.stretch.is_cut);
            let (_, path) = paths.entry(key).or_insert_with(|| (class_of(mark), String::new()));
            // Writing to a string does not fail.
            let _ = write!(path, "M{} {}h{width}v{}h-{width}z", px(mark.x), px(top), px(self.bar));
        }
        for (class, path) in paths.values() {
            markup.path(class, path, None);
        }
    }

    /// Draws as many labels of rows as fit.
    fn labels(&self, markup: &mut Markup) {
        // All of them if they fit, else fewer of them with more space.
        let room = if self.pitch >= 12.0 { 12.0 } else { 20.0 };
        let every =
            [1, 2, 5, 10, 20, 50, 100].into_iter().find(|every| f64::from(*every) * self.pitch >= room).unwrap_or(100);
        let mut free = self.top;
        for (index, row) in self.rows.iter().enumerate() {
            let y = self.row_top(index) + self.pitch / 2.0;
            if index == 0 || (row.ticket % every == 0 && y >= free) {
                free = y + room;
                markup.text("end", LEFT - 8.0, y + 4.0, &format!("Process-{}", row.ticket));
            }
        }
    }
}

fn class_of(mark: &Mark<'_>) -> String {
    format!("{}{}", mark.class.name(), if mark.stretch.is_cut { " cut" } else { "" })
}

/// The tooltip of a mark.
fn mark_tooltip(who: &str, mark: &Mark<'_>) -> String {
    let Stretch { activity, start, end, chunk, is_cut, .. } = mark.stretch;
    if mark.count > 1 {
        return format!("{who}: {} spans, mostly {}", mark.count, mark.class.name());
    }
    let chunk = chunk.map(|(start, end)| format!(" {start}..{end}")).unwrap_or_default();
    let cut = if *is_cut { ", cut short by its death" } else { "" };
    format!("{who}: {}{chunk} for {}{cut}", activity.name(), axis::duration(end - start))
}

/// A cross around a point.
fn cross(x: f64, y: f64, size: f64) -> String {
    let thin = size * 0.4;
    let corners = [(-size, thin - size), (thin - size, -size), (0.0, -thin)];
    // The same three corners of an arm, turned four times.
    let arms = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)];
    let turned = arms.iter().flat_map(|(c, s)| corners.map(|(a, b)| (x + a * c - b * s, y + a * s + b * c)));
    let points: Vec<String> = turned.map(|(x, y)| format!("{} {}", px(x), px(y))).collect();
    format!("M{}z", points.join("L"))
}

/// A triangle that begins at a point and points to the right.
fn triangle(x: f64, y: f64, size: f64) -> String {
    format!("M{} {}l{} {}l-{} {}z", px(x), px(y - size), px(size * 1.6), px(size), px(size * 1.6), px(size))
}
