//! The picture: a row a ticket over a common time, and below it how the value grew.
//!
//! Invariant: well-formed, without scripts, and below [`MOST_BYTES`] or nearly so, however many workers and spans there are.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::axis;
use super::marks::{Mark, marks};
use super::markup::{Class, Markup, px};
use super::model::{Beginning, Life, Model, Row, Stretch};
use super::panel;

const WIDTH: f64 = 1000.0;

/// Where the plots begin, and how wide they are; labels stand left of them.
pub const LEFT: f64 = 92.0;
pub const PLOT: f64 = WIDTH - LEFT - 28.0;

/// More is too much for a page.
const MOST_BYTES: usize = 900_000;

/// More rows would not be told apart on a screen.
const MOST_ROWS: usize = 500;

/// Up to that many marks say what they are to who points at them.
const FEW: usize = 800;

/// Draws the model.
pub fn draw(model: &Model) -> String {
    // Half a pixel is what a screen shows; coarser only if it becomes too much.
    let mut least = 0.5;
    loop {
        let picture = Picture::new(model, least).draw();
        if picture.len() <= MOST_BYTES || least >= 64.0 {
            return picture;
        }
        least *= 2.0;
    }
}

/// What goes where.
struct Picture<'a> {
    model: &'a Model,
    rows: &'a [Row],
    least: f64,
    /// Where the rows begin.
    top: f64,
    /// How high a row is, and how much of that is bar.
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
        let left_out = model
            .rows
            .len()
            .checked_sub(MOST_ROWS + 1)
            .map(|_| format!("the first {MOST_ROWS} of {} workers", model.rows.len()));
        let all: Vec<String> = left_out.into_iter().chain(model.caveat.map(str::to_owned)).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    #[expect(clippy::cast_precision_loss, reason = "there are at most a few hundred rows")]
    fn bottom(&self) -> f64 {
        self.top + self.pitch * self.rows.len() as f64
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
        let speaks = drawn.iter().map(|(_, _, marks)| marks.len() + 1).sum::<usize>() <= FEW;
        for (index, life, marks) in &drawn {
            self.life(&mut markup, *index, life, marks, speaks);
        }
        for (index, life, _) in &drawn {
            self.fate(&mut markup, *index, life, speaks);
        }
        self.labels(&mut markup);
        if has_panel {
            panel::draw(&mut markup, panel_top, &self.model.growth, &self.model.value_label, |at| self.x(at));
        }
        markup.finish()
    }

    /// Title, summary, caveat, legend.
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

    /// The lines of the time, down to `bottom`, and what they say.
    #[expect(clippy::cast_precision_loss, reason = "a pixel is more than what is lost")]
    fn time(&self, markup: &mut Markup, bottom: f64) {
        let (unit, size) = axis::unit(self.model.length as f64);
        let length = self.model.length as f64 / size;
        let step = axis::step(0.0, length, 10.0);
        let y = self.bottom();
        for tick in axis::ticks(0.0, length, step) {
            let x = LEFT + tick / length * PLOT;
            markup.path("grid", &format!("M{} {}V{}", px(x), px(self.top), px(bottom)), None);
            // Text over lines is hard to read.
            let label = format!("{} {unit}", axis::label(tick, step, length));
            markup.rect("page", [x - 20.0, y + 5.0, 40.0, 14.0], None);
            markup.text("mid", x, y + 16.0, &label);
        }
        markup.path("axis", &format!("M{} {}h{}", px(LEFT), px(y), px(PLOT)), None);
    }

    #[expect(clippy::cast_precision_loss, reason = "there are at most a few hundred rows")]
    fn life(&self, markup: &mut Markup, index: usize, life: &Life, marks: &[Mark<'_>], speaks: bool) {
        let top = self.top + self.pitch * index as f64 + (self.pitch - self.bar) / 2.0;
        let who = format!("Process-{} (pid {})", self.rows[index].ticket, life.pid);
        let (x, end) = (self.x(life.start), self.x(life.end));
        let said = speaks.then(|| format!("{who} {}, after {}", life.fate, axis::duration(life.end - life.start)));
        markup.rect("alive", [x, top, (end - x).max(1.0), self.bar], said.as_deref());
        if speaks {
            for mark in marks {
                markup.rect(&class_of(mark), [mark.x, top, mark.width, self.bar], Some(&say(&who, mark)));
            }
        } else {
            self.crowd(markup, top, marks);
        }
    }

    /// Its death and its restart, above all else, also where a row is lower than they are.
    #[expect(clippy::cast_precision_loss, reason = "there are at most a few hundred rows")]
    fn fate(&self, markup: &mut Markup, index: usize, life: &Life, speaks: bool) {
        let size = (self.pitch * 0.26).clamp(3.0, 6.0);
        let middle = self.top + self.pitch * (index as f64 + 0.5);
        let who = format!("Process-{} (pid {})", self.rows[index].ticket, life.pid);
        if life.died {
            let said = format!("{who} {}", life.fate);
            markup.path("died", &cross(self.x(life.end) - size, middle, size), speaks.then_some(&said));
        }
        if life.beginning == Beginning::Restarted {
            let said = format!("{who}: launched again");
            markup.path("restarted", &triangle(self.x(life.start), middle, size), speaks.then_some(&said));
        }
    }

    /// Many marks: one path a class, in the order in which the classes come first.
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

    /// The labels of the rows: as many as there is room for.
    #[expect(clippy::cast_precision_loss, reason = "there are at most a few hundred rows")]
    fn labels(&self, markup: &mut Markup) {
        // All of them if they fit, and fewer with more air else.
        let room = if self.pitch >= 12.0 { 12.0 } else { 20.0 };
        let every =
            [1, 2, 5, 10, 20, 50, 100].into_iter().find(|every| f64::from(*every) * self.pitch >= room).unwrap_or(100);
        let mut free = self.top;
        for (index, row) in self.rows.iter().enumerate() {
            let y = self.top + self.pitch * (index as f64 + 0.5);
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

/// What a mark is, to who points at it.
fn say(who: &str, mark: &Mark<'_>) -> String {
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

/// A triangle that points to the right from a point on.
fn triangle(x: f64, y: f64, size: f64) -> String {
    format!("M{} {}l{} {}l-{} {}z", px(x), px(y - size), px(size * 1.6), px(size), px(size * 1.6), px(size))
}
