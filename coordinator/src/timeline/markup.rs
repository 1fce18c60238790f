//! SVG: escaped text, shapes, and a style with light and dark colours.

use std::fmt::{Display, Write};

use super::model::Doing;

/// The class of what a worker does.
pub fn class(doing: Doing) -> &'static str {
    match doing {
        Doing::Start => "start",
        Doing::Compute => "compute",
        Doing::Sleep => "sleep",
        Doing::Wait => "wait",
        Doing::Hold => "hold",
        Doing::Commit => "commit",
        Doing::Between => "between",
        Doing::Leave => "leave",
        Doing::Unrecorded => "unrecorded",
    }
}

/// Okabe and Ito's palette for the colour-blind ("Color Universal Design", 2008), a little brighter on dark pages.
///
/// Plain classes, no variables: renderers without `var()` or `@media` show the light colours.
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;font-size:11px;fill:#57606a}\
.title{font-size:15px;font-weight:600;fill:#1f2328}.strong{font-size:12px;fill:#1f2328}.end{text-anchor:end}.mid{text-anchor:middle}\
.page{fill:#ffffff}.grid{stroke:#d8dee4;fill:none}.axis{stroke:#8c959f;fill:none}\
.alive{fill-opacity:0}.start{fill:#c9d0d8}.between{fill:#e6e9ed}.leave{fill:#a4adb7}.unrecorded{fill:#ece3cf}\
.compute{fill:#0072b2}.sleep{fill:#a9d8f2}.wait{fill:#e69f00}.hold{fill:#009e73}.commit,.tick{fill:#143d30}.died{fill:#d55e00}\
.restarted{fill:#cc79a7}.wrap{fill:#cc79a7;stroke:#1f2328;stroke-width:.8}.value{stroke:#1f2328;fill:none;stroke-width:1.6}.point{fill:#1f2328}.cut{opacity:.65}\
@media (prefers-color-scheme:dark){text{fill:#9198a1}.title,.strong{fill:#f0f6fc}.page{fill:#0d1117}.grid{stroke:#2a313c}\
.axis{stroke:#656c76}.start{fill:#4a5361}.between{fill:#2b323d}.leave{fill:#687282}.unrecorded{fill:#4a4230}\
.compute{fill:#2f9be0}.sleep{fill:#56819c}.wait{fill:#f2b134}.hold{fill:#1fc796}.commit,.tick{fill:#d6fff0}\
.wrap{fill:#e39ac4;stroke:#f0f6fc}\
.died{fill:#ff7b3a}.restarted{fill:#e39ac4}.value{stroke:#f0f6fc}.point{fill:#f0f6fc}}";

/// The width of the picture.
pub const WIDTH: f64 = 1000.0;

/// Where the plots begin, right of their labels.
pub const LEFT: f64 = 92.0;

/// The width of a digit of the small text.
pub const DIGIT: f64 = 6.4;

/// An SVG under construction.
pub struct Markup(String);

impl Markup {
    /// Begins a picture of that size.
    pub fn new(width: f64, height: f64, title: &str, description: &str) -> Self {
        let mut markup = Self(String::new());
        markup.add(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n<style>{STYLE}</style>\n\
             <rect class=\"page\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n",
            escape(title),
            escape(description)
        ));
        markup
    }

    /// Adds markup as it is.
    pub fn add(&mut self, markup: impl Display) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{markup}");
    }

    /// Adds a text whose baseline begins there, or has its middle or end there (`class`).
    pub fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.add(format_args!("<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>\n", px(x), px(y), escape(text)));
    }

    /// Adds a rectangle with a tooltip.
    pub fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], tooltip: Option<&str>) {
        let [x, y, width, height] = [x, y, width, height].map(px);
        let element = format!("rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"");
        self.shape("rect", &element, tooltip);
    }

    /// Adds a path with a tooltip.
    pub fn path(&mut self, class: &str, d: &str, tooltip: Option<&str>) {
        self.shape("path", &format!("path class=\"{class}\" d=\"{d}\""), tooltip);
    }

    /// Adds a circle with a tooltip.
    pub fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64, tooltip: &str) {
        let element = format!("circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{radius}\"", px(x), px(y));
        self.shape("circle", &element, Some(tooltip));
    }

    fn shape(&mut self, name: &str, element: &str, tooltip: Option<&str>) {
        match tooltip {
            Some(tooltip) => self.add(format_args!("<{element}><title>{}</title></{name}>\n", escape(tooltip))),
            None => self.add(format_args!("<{element}/>\n")),
        }
    }

    /// The whole picture.
    pub fn finish(mut self) -> String {
        self.add("</svg>\n");
        self.0
    }
}

/// A number with one decimal, unless that is 0.
pub fn px(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The text with entities, and without characters that XML cannot contain (XML 1.0, 2.2).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_what_it_stands_in() {
        assert_eq!(escape("a<b>&\"\u{1}\u{ffff}ü"), "a&lt;b&gt;&amp;&quot;\u{fffd}\u{fffd}ü");
    }

    #[test]
    fn numbers_have_no_more_digits_than_a_screen_shows() {
        assert_eq!([0.0, 12.34, -0.5, 100.04].map(px), ["0", "12.3", "-0.5", "100"]);
    }
}
