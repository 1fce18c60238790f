//! Comparison with the results of an earlier run on the same processor.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::machine::Machine;
use super::sample::Unit;
use super::table::{quantity, three_digits};

/// A row is named if it is worse by more than this factor.
const TOLERANCE: f64 = 1.15;

/// One bench's part of an earlier file.
pub struct Earlier {
    groups: Value,
    /// What the file says of its time.
    date: String,
}

impl Earlier {
    /// Reads the part of the bench `title`.
    ///
    /// # Errors
    /// What the file lacks, or that it is of another processor.
    pub fn read(path: &Path, title: &str, machine: &Machine) -> Result<Self, String> {
        let unread = |why: String| format!("--against {}: {why}", path.display());
        let bytes = fs::read(path).map_err(|error| unread(error.to_string()))?;
        let mut file: Value = serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))?;
        let mut part = file.get_mut(title).map(Value::take).ok_or_else(|| unread(format!("no results of {title}")))?;
        let text = |key: &str| part["machine"][key].as_str().unwrap_or("unknown").to_owned();
        let (cpu, date) = (text("cpu"), text("date"));
        if cpu != machine.cpu {
            return Err(unread(format!("its processor is {cpu:?}, and this one is {:?}", machine.cpu)));
        }
        Ok(Self { groups: part["groups"].take(), date })
    }

    /// The lines that name each row that is worse now, and those that nobody can compare.
    pub fn compare(&self, now: &Value) -> String {
        let (mut worse, mut compared) = (Vec::new(), 0);
        for (group, row) in rows(now) {
            let before = rows(&self.groups).find(|(of, before)| *of == group && before["name"] == row["name"]);
            let Some((before, now, factor)) = before.and_then(|(_, before)| change(before, row)) else { continue };
            compared += 1;
            if factor > TOLERANCE {
                let name = row["name"].as_str().unwrap_or_default();
                let [now, before] = [now, before].map(|value| shown(row, value));
                worse.push(format!("  {group}: {name}: {now}, and {before} then: {factor:.2} × as bad"));
            }
        }
        let date = &self.date;
        let head = match (compared, worse.len()) {
            (0, _) => format!("no row is in the results of {date}, too"),
            (_, 0) => format!("none of {compared} rows is more than 15 % worse than on {date}"),
            (_, count) => format!("{count} of {compared} rows are more than 15 % worse than on {date}:"),
        };
        std::iter::once(head).chain(worse).collect::<Vec<_>>().join("\n")
    }
}

/// A number that was compared, as the table shows it.
fn shown(row: &Value, value: f64) -> String {
    let answer = &row["answer"];
    let has_target = answer["at_least"].is_number() || answer["at_most"].is_number();
    match row["unit"].as_str() {
        _ if has_target && answer["ratio"].is_string() => three_digits(value),
        Some("s") => quantity(Unit::Seconds, value),
        Some("B") => quantity(Unit::Bytes, value),
        _ => three_digits(value),
    }
}

/// The rows of groups, each with its group's name.
fn rows(groups: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let groups = groups.as_array().into_iter().flatten();
    groups.flat_map(|group| {
        let rows = group["rows"].as_array().into_iter().flatten();
        rows.map(|row| (group["name"].as_str().unwrap_or_default(), row))
    })
}

/// What is compared of a row, before and now, and how many times as bad it is now.
///
/// Of a row with a target that is the number that has to meet it: a ratio in most rows, on which the machine's mood has less
/// influence. Of the others it is the time or the size.
fn change(before: &Value, now: &Value) -> Option<(f64, f64, f64)> {
    let answers = || Some((before["answer"]["median"].as_f64()?, now["answer"]["median"].as_f64()?));
    let (before, now, is_more_better) = if now["answer"]["at_least"].is_number() {
        let (before, now) = answers()?;
        (before, now, true)
    } else if now["answer"]["at_most"].is_number() {
        let (before, now) = answers()?;
        (before, now, false)
    } else {
        (before["median"].as_f64()?, now["median"].as_f64()?, false)
    };
    let factor = if is_more_better { before / now } else { now / before };
    factor.is_finite().then_some((before, now, factor))
}
