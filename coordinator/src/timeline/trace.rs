//! The Chrome trace: one process, in it a thread a ticket, on each the lives of its workers with what they did nested in
//! them, and the shared value as a counter.
//!
//! The format is that of "Trace Event Format" (<chrome://tracing>, which Perfetto reads too): times in
//! microseconds, `X` with a duration, `i` an instant, `C` a counter, `M` names. Times rise; an outer event is before an
//! inner one that begins with it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::model::{Beginning, Life, Model, Row, Stretch};

/// The process that all threads belong to.
const PROCESS: u32 = 1;

#[derive(Serialize)]
struct Event<'a> {
    name: &'a str,
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

/// What an event is made of, so that they can be put in order before any text is.
#[derive(Clone, Copy)]
enum Source<'a> {
    Life(&'a Row, &'a Life),
    Restart(&'a Row),
    Stretch(&'a Row, &'a Stretch),
    Death(&'a Row, &'a Life),
    Value(f64),
}

/// Writes the trace.
pub fn write(model: &Model, sink: &mut dyn Write) -> io::Result<()> {
    sink.write_all(b"{\"displayTimeUnit\":\"ms\",\"otherData\":")?;
    let other =
        json!({ "segment": model.name, "title": model.title, "summary": model.summary, "caveat": model.caveat });
    serde_json::to_writer(&mut *sink, &other)?;
    sink.write_all(b",\"traceEvents\":[\n")?;
    write_one(sink, &name("process_name", 0, &json!({ "name": format!("coordinator run {}", model.name) })))?;
    for row in &model.rows {
        let args = json!({ "name": format!("Process-{}", row.ticket) });
        write_next(sink, &name("thread_name", row.ticket, &args))?;
        write_next(sink, &name("thread_sort_index", row.ticket, &json!({ "sort_index": row.ticket })))?;
    }
    for (at, source) in sources(model) {
        write_source(model, sink, at, source)?;
    }
    sink.write_all(b"\n]}\n")
}

/// All events, in time.
fn sources(model: &Model) -> Vec<(u64, Source<'_>)> {
    let mut sources: Vec<(u64, Source<'_>)> =
        model.growth.iter().map(|(at, value)| (*at, Source::Value(*value))).collect();
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
    // Stable: what begins with something else stays behind it.
    sources.sort_by_key(|(at, _)| *at);
    sources
}

fn write_source(model: &Model, sink: &mut dyn Write, at: u64, source: Source<'_>) -> io::Result<()> {
    let event =
        |name, ph, tid, args| Event { name, ph, ts: microseconds(at), dur: None, pid: PROCESS, tid, s: None, args };
    match source {
        Source::Life(row, life) => {
            let name = format!("Process-{} (pid {})", row.ticket, life.pid);
            let dur = Some(microseconds(life.end - life.start));
            let args = json!({ "pid": life.pid, "end": life.fate });
            write_next(sink, &Event { dur, ..event(&name, "X", row.ticket, args) })
        }
        Source::Restart(row) => {
            write_next(sink, &Event { s: Some("t"), ..event("restarted", "i", row.ticket, Json::Null) })
        }
        Source::Death(row, life) => {
            let args = json!({ "end": life.fate });
            write_next(sink, &Event { s: Some("t"), ..event("died", "i", row.ticket, args) })
        }
        Source::Stretch(row, stretch) => {
            let name = match stretch.chunk {
                Some((start, end)) => format!("{} {start}..{end}", stretch.activity.name()),
                None => stretch.activity.name().to_owned(),
            };
            let mut args = serde_json::Map::new();
            if stretch.count > 1 {
                args.insert("merged".to_owned(), stretch.count.into());
            }
            if stretch.is_cut {
                args.insert("died".to_owned(), true.into());
            }
            let args = if args.is_empty() { Json::Null } else { Json::Object(args) };
            let dur = Some(microseconds(stretch.end - stretch.start));
            write_next(sink, &Event { dur, ..event(&name, "X", row.ticket, args) })
        }
        Source::Value(value) => write_next(sink, &event(&model.value_label, "C", 0, json!({ "value": value }))),
    }
}

fn name<'a>(what: &'a str, tid: u32, args: &Json) -> Event<'a> {
    Event { name: what, ph: "M", ts: 0.0, dur: None, pid: PROCESS, tid, s: None, args: args.clone() }
}

fn write_next(sink: &mut dyn Write, event: &Event<'_>) -> io::Result<()> {
    sink.write_all(b",\n")?;
    write_one(sink, event)
}

fn write_one(sink: &mut dyn Write, event: &Event<'_>) -> io::Result<()> {
    serde_json::to_writer(sink, event).map_err(io::Error::from)
}

/// Exact to the nanosecond for a hundred days (2^53 ns).
#[expect(clippy::cast_precision_loss, reason = "a picture of more than a hundred days may round nanoseconds")]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}
