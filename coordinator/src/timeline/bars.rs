//! The rows of the picture: a bar for each life, ticks for commits, deaths and restarts, and the texts beside them.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::axis;
use super::marks::{Mark, Tick, marks};
use super::markup::{LEFT, Markup, WIDTH, class, px};
use super::model::{Beginning, Life, Row, Stretch};
use crate::figures::{counted, grouped};

/// Up to this many marks have tooltips.
const FEW: usize = 800;

/// How wide a tick is: as thin as a line.
const TICK: f64 = 1.2;

/// Where the rows are.
pub struct Bars<'a> {
    pub rows: &'a [Row],
    pub top: f64,
    /// The height of a row.
    pub pitch: f64,
}

/// A life and what it looks like.
struct Drawn<'a> {
    index: usize,
    who: String,
    life: &'a Life,
    marks: Vec<Mark<'a>>,
    ticks: Vec<Tick>,
}

impl Bars<'_> {
    /// Draws them. Stretches narrower than `least` are merged.
    pub fn draw(&self, markup: &mut Markup, x: impl Fn(u64) -> f64, least: f64) {
        let lives =
            self.rows.iter().enumerate().flat_map(|(index, row)| row.lives.iter().map(move |life| (index, life)));
        let drawn: Vec<Drawn<'_>> = lives
            .map(|(index, life)| {
                let (marks, ticks) = marks(life, &x, least);
                let who = format!("Process-{} (pid {})", self.rows[index].ticket, life.pid);
                Drawn { index, who, life, marks, ticks }
            })
            .collect();
        let count: usize = drawn.iter().map(|drawn| drawn.marks.len() + drawn.ticks.len() + 1).sum();
        let has_tooltips = count <= FEW;
        for drawn in &drawn {
            self.bar(markup, drawn, &x, has_tooltips);
        }
        for drawn in &drawn {
            self.ends(markup, drawn, &x, has_tooltips);
        }
        self.texts(markup);
    }

    #[expect(clippy::cast_precision_loss, reason = "there are at most a few hundred rows")]
    pub fn row_top(&self, index: usize) -> f64 {
        self.top + self.pitch * index as f64
    }

    /// The space above and below a bar.
    fn margin(&self) -> f64 {
        (self.pitch * 0.14).clamp(0.2, 3.0)
    }

    fn bar(&self, markup: &mut Markup, drawn: &Drawn<'_>, x: &impl Fn(u64) -> f64, has_tooltips: bool) {
        let Drawn { index, who, life, marks, ticks } = drawn;
        let (top, height) = (self.row_top(*index) + self.margin(), self.pitch - 2.0 * self.margin());
        let (from, to) = (x(life.start), x(life.end));
        let beyond = self.margin().min(2.0);
        let tick_at = |tick: &Tick| [tick.x - TICK / 2.0, top - beyond, TICK, height + 2.0 * beyond];
        if has_tooltips {
            let tooltip = format!("{who} {}, after {}", life.ending, axis::duration(life.end - life.start));
            markup.rect("alive", [from, top, (to - from).max(1.0), height], Some(&tooltip));
            for mark in marks {
                markup.rect(&class_of(mark), [mark.x, top, mark.width, height], Some(&mark_tooltip(who, mark)));
            }
            for tick in ticks {
                markup.rect("tick", tick_at(tick), Some(&tick_tooltip(who, tick)));
            }
        } else {
            let mut paths: BTreeMap<String, String> = BTreeMap::new();
            for mark in marks {
                add_rect(paths.entry(class_of(mark)).or_default(), [mark.x, top, mark.width, height]);
            }
            let mut path = String::new();
            for tick in ticks {
                add_rect(&mut path, tick_at(tick));
            }
            for (class, path) in paths.iter().map(|(class, path)| (class.as_str(), path)).chain([("tick", &path)]) {
                if !path.is_empty() {
                    markup.path(class, path, None);
                }
            }
        }
    }

    /// Draws a death and a restart above all else, even if they are higher than the row.
    fn ends(&self, markup: &mut Markup, drawn: &Drawn<'_>, x: &impl Fn(u64) -> f64, has_tooltips: bool) {
        let Drawn { index, who, life, .. } = drawn;
        let size = (self.pitch * 0.26).clamp(3.0, 6.0);
        let middle = self.row_top(*index) + self.pitch / 2.0;
        if life.died {
            let tooltip = format!("{who} {}", life.ending);
            markup.path("died", &cross(x(life.end) - size, middle, size), has_tooltips.then_some(&tooltip));
        }
        if life.beginning == Beginning::Restarted {
            let tooltip = format!("{who}: launched again");
            markup.path("restarted", &triangle(x(life.start), middle, size), has_tooltips.then_some(&tooltip));
        }
    }

    /// Draws as many names and contributions as fit.
    fn texts(&self, markup: &mut Markup) {
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
                markup.text("end", WIDTH - 12.0, y + 4.0, &row.contribution);
            }
        }
    }
}

/// Adds a rectangle to a path.
fn add_rect(path: &mut String, [x, y, width, height]: [f64; 4]) {
    let width = px(width);
    // Writing to a string does not fail.
    let _ = write!(path, "M{} {}h{width}v{}h-{width}z", px(x), px(y), px(height));
}

fn class_of(mark: &Mark<'_>) -> String {
    format!("{}{}", class(mark.doing), if mark.stretch.is_cut { " cut" } else { "" })
}

/// The tooltip of a mark.
fn mark_tooltip(who: &str, mark: &Mark<'_>) -> String {
    let what = format!("{who}: {}", mark.doing.name());
    let took = axis::duration(mark.took);
    let Stretch { doing, chunk, is_cut, .. } = mark.stretch;
    if mark.count > 1 {
        return format!("{what} for {took}, in {}", grouped(&format!("{} spans", mark.count)));
    }
    let chunk = chunk.filter(|_| *doing == mark.doing).map(|(start, end)| grouped(&format!(" {start}..{end}")));
    let cut = if *is_cut { ", cut short by its death" } else { "" };
    format!("{what}{} for {took}{cut}", chunk.unwrap_or_default())
}

/// The tooltip of a tick.
fn tick_tooltip(who: &str, tick: &Tick) -> String {
    let took = if tick.took > 0 { format!(" for {}", axis::duration(tick.took)) } else { String::new() };
    format!("{who}: {}{took}", grouped(&counted(tick.commits.into(), "commit")))
}

/// A cross around a point.
pub fn cross(x: f64, y: f64, size: f64) -> String {
    let thin = size * 0.4;
    let corners = [(-size, thin - size), (thin - size, -size), (0.0, -thin)];
    // The same three corners of an arm, turned four times.
    let arms = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)];
    let turned = arms.iter().flat_map(|(c, s)| corners.map(|(a, b)| (x + a * c - b * s, y + a * s + b * c)));
    let points: Vec<String> = turned.map(|(x, y)| format!("{} {}", px(x), px(y))).collect();
    format!("M{}z", points.join("L"))
}

/// A triangle that begins at a point and points to the right.
pub fn triangle(x: f64, y: f64, size: f64) -> String {
    format!("M{} {}l{} {}l-{} {}z", px(x), px(y - size), px(size * 1.6), px(size), px(size * 1.6), px(size))
}
