//! The lower part of the picture: how the exact total grew, in steps, and where the shared value wrapped around.

use common::Number;

use super::axis;
use super::markup::{LEFT, Markup, px};
use super::model::{Model, Point};
use crate::figures::number;

/// Its height.
pub const HEIGHT: f64 = 110.0;

/// Up to this many steps have points with tooltips.
const FEW: usize = 40;

/// The least distance of two marks of wraps, where there are many steps: closer ones share a mark.
const APART: f64 = 6.0;

/// Draws the panel below `top`, as wide as the plot.
pub fn draw(markup: &mut Markup, top: f64, plot: f64, model: &Model, x: impl Fn(u64) -> f64) {
    let growth = &model.growth;
    let values = || growth.iter().map(|point| point.total.to_f64());
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let high = if low < high { high } else { low + 1.0 };
    // Halved, because the difference may overflow.
    let share = |value: f64| (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
    let y = |value: f64| top + HEIGHT * (1.0 - share(value));
    markup.text("strong", LEFT + 6.0, top - 14.0, &model.value_label);
    let step = axis::step(low, high, 5.0);
    for tick in axis::ticks(low, high, step) {
        let (class, y) = (if tick == 0.0 { "axis" } else { "grid" }, y(tick));
        markup.path(class, &format!("M{} {}h{}", px(LEFT), px(y), px(plot)), None);
        markup.text("end", LEFT - 8.0, y + 4.0, &axis::label(tick, step, high.max(-low)));
    }
    markup.path("value", &line(growth, &x, y, LEFT + plot), None);
    if growth.len() <= FEW {
        for point in growth.iter().skip(1).filter(|point| !point.wraps) {
            markup.circle("point", (x(point.at), y(point.total.to_f64())), 2.6, &tooltip(model, point));
        }
    }
    let mut last = f64::NEG_INFINITY;
    for point in growth.iter().filter(|point| point.wraps) {
        let (x, y) = (x(point.at), y(point.total.to_f64()));
        if growth.len() <= FEW || x - last >= APART {
            last = x;
            markup.path("wrap", &diamond(x, y), (growth.len() <= FEW).then(|| tooltip(model, point)).as_deref());
        }
    }
}

/// The exact total, and the shared value where that is another number.
fn tooltip(model: &Model, point: &Point) -> String {
    let total = number(point.total);
    let wrapped = if point.wraps { "; it wrapped around" } else { "" };
    match point.total {
        Number::Integer(exact) if model.value_type.wrap(exact).number() != point.total => {
            let value = number(model.value_type.wrap(exact).number());
            format!("exact total {total}; shared value {value}{wrapped}")
        }
        _ => format!("{total}{wrapped}"),
    }
}

/// A small square on its corner.
pub fn diamond(x: f64, y: f64) -> String {
    format!("M{} {}l4 -4l4 4l-4 4z", px(x - 4.0), px(y))
}

/// The steps up to `right`; in each column of pixels only the lowest, the highest and the last one.
fn line(growth: &[Point], x: impl Fn(u64) -> f64, y: impl Fn(f64) -> f64, right: f64) -> String {
    let Some(first) = growth.first() else { return String::new() };
    let y = |point: &Point| y(point.total.to_f64());
    let mut path = format!("M{} {}", px(LEFT), px(y(first)));
    let column = |at: u64| (x(at) * 2.0).round() / 2.0;
    for steps in growth.chunk_by(|one, next| column(one.at).total_cmp(&column(next.at)).is_eq()) {
        path = path + "H" + &px(column(steps[0].at));
        let heights = || steps.iter().map(y);
        let (above, below) = (heights().fold(f64::INFINITY, f64::min), heights().fold(f64::NEG_INFINITY, f64::max));
        let last = heights().next_back().unwrap_or(above);
        let mut all = vec![above, below, last];
        all.dedup_by(|a, b| px(*a) == px(*b));
        for y in all {
            path = path + "V" + &px(y);
        }
    }
    path + &format!("H{}", px(right))
}
