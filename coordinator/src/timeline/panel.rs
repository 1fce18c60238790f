//! The lower part of the picture: how the shared value grew, in steps.

use super::axis;
use super::markup::{LEFT, Markup, PLOT, px};

/// Its height.
pub const HEIGHT: f64 = 110.0;

/// Up to this many steps have points with tooltips.
const FEW: usize = 40;

/// Draws the panel below `top`.
pub fn draw(markup: &mut Markup, top: f64, growth: &[(u64, f64)], label: &str, x: impl Fn(u64) -> f64) {
    let values = || growth.iter().map(|(_, value)| *value);
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let high = if low < high { high } else { low + 1.0 };
    // Halved, because the difference may overflow.
    let share = |value: f64| (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
    let y = |value: f64| top + HEIGHT * (1.0 - share(value));
    markup.text("strong", LEFT + 6.0, top - 10.0, label);
    let step = axis::step(low, high, 5.0);
    for tick in axis::ticks(low, high, step) {
        let (class, y) = (if tick == 0.0 { "axis" } else { "grid" }, y(tick));
        markup.path(class, &format!("M{} {}h{}", px(LEFT), px(y), px(PLOT)), None);
        markup.text("end", LEFT - 8.0, y + 4.0, &axis::label(tick, step, high.max(-low)));
    }
    markup.path("value", &line(growth, &x, y), None);
    if growth.len() <= FEW {
        for (at, value) in growth.iter().skip(1) {
            markup.add(format_args!(
                "<circle class=\"point\" cx=\"{}\" cy=\"{}\" r=\"2.6\">",
                px(x(*at)),
                px(y(*value))
            ));
            markup.add(format_args!("<title>{value}</title></circle>\n"));
        }
    }
}

/// The steps; in each column of pixels only the lowest, the highest and the last one.
fn line(growth: &[(u64, f64)], x: impl Fn(u64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let Some((_, first)) = growth.first() else { return String::new() };
    let mut path = format!("M{} {}", px(LEFT), px(y(*first)));
    let column = |at: u64| (x(at) * 2.0).round() / 2.0;
    for steps in growth.chunk_by(|one, next| column(one.0).total_cmp(&column(next.0)).is_eq()) {
        path = path + "H" + &px(column(steps[0].0));
        let heights = || steps.iter().map(|(_, value)| y(*value));
        let (above, below) = (heights().fold(f64::INFINITY, f64::min), heights().fold(f64::NEG_INFINITY, f64::max));
        let last = heights().next_back().unwrap_or(above);
        let mut all = vec![above, below, last];
        all.dedup_by(|a, b| px(*a) == px(*b));
        for y in all {
            path = path + "V" + &px(y);
        }
    }
    path + &format!("H{}", px(LEFT + PLOT))
}
