//! The files that `--timeline` writes, read and checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use roxmltree::Document;
use serde_json::Value;

/// A complete event; times are in nanoseconds.
#[derive(Clone, Debug)]
pub struct Span {
    /// What the worker did.
    pub name: String,
    /// When it began.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// Details.
    pub args: Value,
}

impl Span {
    /// Whether it is the life of a process.
    pub fn is_life(&self) -> bool {
        self.name.starts_with("Process-")
    }
}

/// A checked trace: its times rise, and overlapping spans of a thread are nested.
pub struct ChromeTrace {
    /// The complete events of each thread, outer ones first.
    pub threads: BTreeMap<u64, Vec<Span>>,
    /// Name, time and thread.
    pub instants: Vec<(String, u64, u64)>,
    /// The exact total over time.
    pub counter: Vec<(u64, f64)>,
    /// The names of the process and its threads.
    pub names: Vec<String>,
}

impl ChromeTrace {
    /// Reads and checks a trace.
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("it was written");
        let trace: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(trace["displayTimeUnit"], "ms");
        let (mut threads, mut instants, mut counter, mut names) = (BTreeMap::new(), vec![], vec![], vec![]);
        let mut last = 0;
        for event in trace["traceEvents"].as_array().expect("a list") {
            let name = event["name"].as_str().expect("every event has a name").to_owned();
            let thread = event["tid"].as_u64().expect("every event has a thread");
            if event["ph"] == "M" {
                names.extend(event["args"]["name"].as_str().map(str::to_owned));
                continue;
            }
            let start = nanoseconds(&event["ts"]);
            assert!(start >= last, "times rise: {event}");
            last = start;
            match event["ph"].as_str().expect("every event has a phase") {
                "X" => {
                    let end = start + nanoseconds(&event["dur"]);
                    let spans: &mut Vec<Span> = threads.entry(thread).or_default();
                    spans.push(Span { name, start, end, args: event["args"].clone() });
                }
                "i" => instants.push((name, start, thread)),
                "C" => counter.push((start, event["args"]["value"].as_f64().expect("a number"))),
                other => panic!("no phase {other} is written"),
            }
        }
        for spans in threads.values() {
            check_nesting(spans);
        }
        Self { threads, instants, counter, names }
    }

    /// The lives of a ticket's workers, each with what the worker did.
    pub fn lives(&self, ticket: u64) -> Vec<(Span, Vec<Span>)> {
        let mut lives: Vec<(Span, Vec<Span>)> = Vec::new();
        for span in &self.threads[&ticket] {
            match lives.last_mut() {
                Some((_, inner)) if !span.is_life() => inner.push(span.clone()),
                _ => lives.push((span.clone(), Vec::new())),
            }
        }
        lives
    }

    /// Time and thread of the instants of that name.
    pub fn instants(&self, name: &str) -> Vec<(u64, u64)> {
        self.instants.iter().filter(|(found, ..)| found == name).map(|(_, at, thread)| (*at, *thread)).collect()
    }

    /// The counter's values as text.
    pub fn values(&self) -> Vec<String> {
        self.counter.iter().map(|(_, value)| value.to_string()).collect()
    }

    /// The counter's last value.
    pub fn last_value(&self) -> String {
        self.values().pop().expect("there is a counter")
    }
}

/// Times are in microseconds, with three decimals.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they are positive and some seconds long")]
fn nanoseconds(time: &Value) -> u64 {
    let microseconds = time.as_f64().expect("a time is a number");
    assert!(microseconds >= 0.0, "{microseconds}");
    (microseconds * 1000.0).round() as u64
}

/// Two levels: lives one after another, and in each life spans one after another.
fn check_nesting(spans: &[Span]) {
    let mut life: Option<&Span> = None;
    let mut free = 0;
    for span in spans {
        if span.is_life() {
            assert!(life.is_none_or(|life| span.start >= life.end), "two lives at once: {spans:?}");
            life = Some(span);
        } else {
            let life = life.unwrap_or_else(|| panic!("{span:?} in nobody's life"));
            assert!(span.start >= life.start && span.end <= life.end, "{span:?} is not within {life:?}");
            assert!(span.start >= free, "two at once: {spans:?}");
            free = span.end;
        }
    }
}

/// The texts of a checked SVG: it is well-formed, has a view box, and contains no scripts or links.
pub fn svg_texts(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("it was written");
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let root = document.root_element();
    assert!(root.has_tag_name(("http://www.w3.org/2000/svg", "svg")));
    assert!(root.attribute("viewBox").is_some());
    let allowed = ["svg", "title", "desc", "style", "rect", "path", "text", "circle"];
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(allowed.contains(&node.tag_name().name()), "{node:?}");
        assert!(node.attributes().all(|attribute| !attribute.name().starts_with("on")), "{node:?}");
    }
    let texts = document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    texts.filter_map(|node| node.text().map(str::to_owned)).collect()
}

/// The shapes of a checked SVG by class: each with its tooltip, and its width if it is a rectangle.
pub fn svg_shapes(path: &Path) -> Vec<Shape> {
    svg_texts(path);
    let text = fs::read_to_string(path).expect("it was written");
    let document = Document::parse(&text).expect("it is well-formed");
    let shapes = document.descendants().filter(|node| matches!(node.tag_name().name(), "rect" | "path" | "circle"));
    let shape = |node: roxmltree::Node<'_, '_>| Shape {
        class: node.attribute("class").unwrap_or_default().to_owned(),
        tooltip: node.first_element_child().and_then(|title| title.text().map(str::to_owned)),
        width: node.attribute("width").and_then(|width| width.parse().ok()),
    };
    shapes.map(shape).collect()
}

/// A shape of a picture.
#[derive(Debug)]
pub struct Shape {
    /// What it shows.
    pub class: String,
    /// Its tooltip; those of the legend have none.
    pub tooltip: Option<String>,
    /// How wide it is, if it is a rectangle.
    pub width: Option<f64>,
}
