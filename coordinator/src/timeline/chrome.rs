//! The Chrome trace: one process with a thread for each ticket, on each the lives of its workers with their activities
//! nested in them, the exact total as a counter, and instants where the shared value wrapped around.
//!
//! The format is the "Trace Event Format" of <chrome://tracing>, which Perfetto reads too: times in microseconds, `X` has a
//! duration, `i` is an instant, `C` a counter, `M` a name. Times rise; an outer event precedes an inner one of the same
//! time.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::model::{Beginning, Life, Model, Point, Row, Stretch};

/// The process of all threads.
const PROCESS: u32 = 1;

#[derive(Serialize)]
struct Event {
    name: String,
    ph: &'static str,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    pid: u32,
    tid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    #[serde(skip_serializing_if = "Json::is_null")]
    args: Json,
}

impl Event {
    fn new(name: String, ph: &'static str, tid: u32) -> Self {
        Self { name, ph, ts: 0.0, dur: None, pid: PROCESS, tid, s: None, args: Json::Null }
    }

    /// Metadata, such as the name of a thread.
    fn metadata(name: &str, tid: u32, args: Json) -> Self {
        Self { args, ..Self::new(name.to_owned(), "M", tid) }
    }
}

/// The source of an event: sources are sorted before events are written.
#[derive(Clone, Copy)]
enum Source<'a> {
    Life(&'a Row, &'a Life),
    Restart(&'a Row),
    Stretch(&'a Row, &'a Stretch),
    Death(&'a Row, &'a Life),
    Total(&'a Point),
    Wrap,
}

/// Writes the trace.
pub fn write(model: &Model, sink: &mut dyn Write) -> io::Result<()> {
    sink.write_all(b"{\"displayTimeUnit\":\"ms\",\"otherData\":")?;
    let other =
        json!({ "segment": model.name, "title": model.title, "summary": model.summary, "caveat": model.caveat });
    serde_json::to_writer(&mut *sink, &other)?;
    sink.write_all(b",\"traceEvents\":[\n")?;
    let process = json!({ "name": format!("coordinator run {}", model.name) });
    write_one(sink, &Event::metadata("process_name", 0, process))?;
    for row in &model.rows {
        let args = json!({ "name": format!("Process-{}", row.ticket) });
        write_next(sink, &Event::metadata("thread_name", row.ticket, args))?;
        write_next(sink, &Event::metadata("thread_sort_index", row.ticket, json!({ "sort_index": row.ticket })))?;
    }
    for (at, source) in sources(model) {
        write_next(sink, &event(model, at, source))?;
    }
    sink.write_all(b"\n]}\n")
}

/// The sources of all events, in the order of time.
fn sources(model: &Model) -> Vec<(u64, Source<'_>)> {
    let mut sources: Vec<(u64, Source<'_>)> = Vec::new();
    for point in &model.growth {
        sources.push((point.at, Source::Total(point)));
        if point.wraps {
            sources.push((point.at, Source::Wrap));
        }
    }
    for row in &model.rows {
        for life in &row.lives {
            sources.push((life.start, Source::Life(row, life)));
            if life.beginning == Beginning::Restarted {
                sources.push((life.start, Source::Restart(row)));
            }
            sources.extend(life.stretches.iter().map(|stretch| (stretch.start, Source::Stretch(row, stretch))));
            if life.died {
                sources.push((life.end, Source::Death(row, life)));
            }
        }
    }
    // The sort is stable: an inner event stays behind the outer one that begins with it.
    sources.sort_by_key(|(at, _)| *at);
    sources
}

fn event(model: &Model, at: u64, source: Source<'_>) -> Event {
    let event = |name: String, ph, tid, args| Event { ts: microseconds(at), args, ..Event::new(name, ph, tid) };
    match source {
        Source::Life(row, life) => {
            // The row's contribution: once, with its last worker.
            let is_last = row.lives.last().is_some_and(|last| std::ptr::eq(last, life));
            let contribution = is_last.then_some(&row.contribution);
            let args = json!({ "pid": life.pid, "end": life.ending, "contribution": contribution });
            let dur = Some(microseconds(life.end - life.start));
            Event { dur, ..event(format!("Process-{} (pid {})", row.ticket, life.pid), "X", row.ticket, args) }
        }
        Source::Restart(row) => Event { s: Some("t"), ..event("restarted".to_owned(), "i", row.ticket, Json::Null) },
        Source::Death(row, life) => {
            Event { s: Some("t"), ..event("died".to_owned(), "i", row.ticket, json!({ "end": life.ending })) }
        }
        Source::Stretch(row, stretch) => {
            let doing = stretch.doing.name();
            let range = stretch.chunk.map(|(start, end)| format!(" {start}..{end}")).unwrap_or_default();
            let mut args = serde_json::Map::new();
            if stretch.count > 1 {
                args.insert("merged".to_owned(), stretch.count.into());
                args.insert("commits".to_owned(), stretch.commits.into());
            }
            if stretch.is_cut {
                args.insert("died".to_owned(), true.into());
            }
            let args = if args.is_empty() { Json::Null } else { Json::Object(args) };
            let dur = Some(microseconds(stretch.end - stretch.start));
            Event { dur, ..event(format!("{doing}{range}"), "X", row.ticket, args) }
        }
        Source::Total(point) => event(model.value_label.clone(), "C", 0, json!({ "value": point.total.to_f64() })),
        Source::Wrap => Event { s: Some("p"), ..event("wrapped around".to_owned(), "i", 0, Json::Null) },
    }
}

fn write_next(sink: &mut dyn Write, event: &Event) -> io::Result<()> {
    sink.write_all(b",\n")?;
    write_one(sink, event)
}

fn write_one(sink: &mut dyn Write, event: &Event) -> io::Result<()> {
    serde_json::to_writer(sink, event).map_err(io::Error::from)
}

/// Exact to the nanosecond for a hundred days (2^53 ns).
#[expect(clippy::cast_precision_loss, reason = "a picture of more than a hundred days may round nanoseconds")]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}
