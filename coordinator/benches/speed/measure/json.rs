//! The same for programs, with the figures of each round.

use std::path::Path;
use std::{fs, io};

use serde_json::{Map, Value, json};

use super::answer::{Answer, Bound, Row, Samples, Unit};
use super::group::Trouble;
use super::machine::Machine;

/// Writes one bench's part of the file, and leaves the other benches' parts as they are.
pub fn write(path: &Path, title: &str, machine: &Machine, peers: &[String], groups: &[Samples]) -> io::Result<()> {
    let before = fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut whole: Map<String, Value> = before.unwrap_or_default();
    let part = json!({
        "machine": {
            "cpu": machine.cpu, "cores": machine.cores, "kernel": machine.kernel, "rustc": machine.rustc,
            "date": machine.date, "load_average": machine.load, "is_busy": machine.is_busy(),
        },
        "peers": peers,
        "groups": groups.iter().map(group).collect::<Vec<_>>(),
    });
    whole.insert("schema".to_owned(), 1.into());
    whole.insert(title.to_owned(), part);
    fs::write(path, format!("{:#}\n", Value::from(whole)))
}

fn group(group: &Samples) -> Value {
    json!({ "name": group.name, "rows": group.rows.iter().map(|row| self::row(group, row)).collect::<Vec<_>>() })
}

fn row(group: &Samples, row: &Row) -> Value {
    let unit = match row.unit {
        Unit::Seconds => "s",
        Unit::Bytes => "B",
        Unit::Count => "",
    };
    let (skipped, failed) = match &row.trouble {
        Some(Trouble::Skipped(why)) => (Some(why), None),
        Some(Trouble::Failed(why)) => (None, Some(why)),
        None => (None, None),
    };
    let spread = row.spread();
    json!({
        "name": row.name, "unit": unit, "rounds": row.figures, "skipped": skipped, "failed": failed,
        "median": spread.map(|spread| spread.median), "low": spread.map(|spread| spread.low),
        "high": spread.map(|spread| spread.high), "answer": group.answer(row).as_ref().map(answer),
    })
}

fn answer(answer: &Answer) -> Value {
    let (at_most, at_least) = match answer.bound {
        Bound::AtMost(most) => (Some(most), None),
        Bound::AtLeast(least) => (None, Some(least)),
        Bound::Free => (None, None),
    };
    json!({
        "ratio": answer.ratio, "median": answer.spread.median, "low": answer.spread.low, "high": answer.spread.high,
        "at_most": at_most, "at_least": at_least, "met": answer.is_met(),
    })
}
