//! `<start>-<end>.json`: the exact result of a part.

use std::ops::Range;

use common::{Cells, Number, Overflow, Snapshot, Value, ValueType};
use serde::{Deserialize, Serialize};

use super::folder::{Entry, Folder};
use super::job::{Job, SCHEMA};
use super::spelling::decimal;
use crate::figures::counted;

/// How far fractions may differ, relative to the larger one: they depend on the order of the additions.
const CLOSE: f64 = 1e-9;

/// The result of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardResult {
    schema: u32,
    job: String,
    #[serde(with = "decimal")]
    start: u64,
    #[serde(with = "decimal")]
    end: u64,
    total: Total,
    /// The machine that computed it.
    pub host: String,
    /// The coordinator's process there.
    pub pid: u32,
    /// When the run began and ended (RFC 3339).
    pub started: String,
    /// See `started`.
    pub finished: String,
    /// From the creation of the segment to the end.
    pub elapsed_s: f64,
    /// Launches after the first one, of all workers.
    pub restarts: u64,
    /// How often the lock was taken over from a dead owner.
    pub recoveries: u64,
}

/// A number for each cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Total {
    One(String),
    Many(Vec<String>),
}

/// Where and when a result was computed.
pub struct Circumstances {
    /// The machine.
    pub host: String,
    /// The number of launches after the first one.
    pub restarts: u64,
    /// When the run began and ended (RFC 3339).
    pub times: [String; 2],
}

/// What stands in a folder under the name of a part's result.
pub enum Stored {
    /// Nothing.
    Absent,
    /// A result of the part.
    Result(ShardResult),
    /// A file that is no result of the part, and why.
    Damaged(String),
    /// No file that is read, such as a link, and why.
    Unfit(String),
    /// What may be somebody else's result, and why it does not count.
    Others(String),
}

impl ShardResult {
    /// The result of a complete run; nothing if its total has more than 128 bits.
    pub fn of(job: &Job, snapshot: &Snapshot, circumstances: Circumstances) -> Option<Self> {
        let exact = snapshot.exact_total().map(|total| total.map(i128::to_string));
        let nearest = || snapshot.value.map(|value| value.number().to_string());
        let total = if job.terms.value_type.is_float() { nearest() } else { exact? };
        let Range { start, end } = snapshot.terms.range();
        let [started, finished] = circumstances.times;
        Some(Self {
            schema: SCHEMA,
            job: job.id.clone(),
            start,
            end,
            total: match total {
                Cells::One(one) => Total::One(one),
                Cells::Many(many) => Total::Many(many),
            },
            host: circumstances.host,
            pid: std::process::id(),
            started,
            finished,
            elapsed_s: snapshot.elapsed.as_secs_f64(),
            restarts: circumstances.restarts,
            recoveries: snapshot.recoveries,
        })
    }

    /// The file name of a part's result.
    pub fn name(range: &Range<u64>) -> String {
        format!("{}-{}.json", range.start, range.end)
    }

    /// The part of a file name; nothing if it is not that of a result.
    pub fn range_of(name: &str) -> Option<Range<u64>> {
        let (start, end) = name.strip_suffix(".json")?.split_once('-')?;
        let range = start.parse().ok()?..end.parse().ok()?;
        // `007-9.json` and `+7-9.json` are read as numbers, too.
        (Self::name(&range) == name && !range.is_empty()).then_some(range)
    }

    /// Reads what a folder has of a part.
    pub fn read(folder: &Folder, job: &Job, range: &Range<u64>) -> std::io::Result<Stored> {
        Self::read_as(folder, &Self::name(range), job, range)
    }

    /// Reads the part's result under any name.
    pub fn read_as(folder: &Folder, name: &str, job: &Job, range: &Range<u64>) -> std::io::Result<Stored> {
        Ok(match folder.read(name, most_bytes(job))? {
            Entry::Absent => Stored::Absent,
            Entry::Unfit(why) => Stored::Unfit(why),
            Entry::Others(why) => Stored::Others(why),
            Entry::File(text) => match Self::parse(&text, job, range) {
                Ok(result) => Stored::Result(result),
                Err(why) => Stored::Damaged(why),
            },
        })
    }

    /// Reads the text of a file; or says why it is no result of that part.
    fn parse(text: &[u8], job: &Job, range: &Range<u64>) -> Result<Self, String> {
        let result: Self = serde_json::from_slice(text).map_err(|error| format!("is not a result: {error}"))?;
        if result.schema != SCHEMA {
            return Err(format!("has schema {}, and this version reads {SCHEMA}", result.schema));
        }
        if result.job != job.id {
            return Err(format!("is a result of another job, {}", common::cli::one_line(&result.job)));
        }
        if (result.start..result.end) != *range {
            return Err(format!("is the result of {}..{}", result.start, result.end));
        }
        if result.numbers(job.terms.value_type).is_none_or(|numbers| numbers.len() != job.terms.cells as usize) {
            let cells = counted(job.terms.cells.into(), "cell");
            return Err(format!("has no total of type {} in {cells}", job.terms.value_type.name()));
        }
        Ok(result)
    }

    /// The text of its file.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a result has only string keys and finite times") + "\n"
    }

    /// The exact total. A result that was read has one of its job's type.
    pub fn total(&self, job: &Job) -> Cells<Number> {
        self.numbers(job.terms.value_type).unwrap_or_default().into_iter().collect()
    }

    /// The value of the type: integers wrap around as a run's value does.
    pub fn value(&self, job: &Job) -> Cells<Value> {
        let zero = job.terms.value_type.wrap(0);
        self.total(job).map(|number| zero.add(*number, Overflow::Wrap).unwrap_or(zero))
    }

    /// Whether the value is not the exact total; of fractions, whether it has left their range.
    pub fn has_wrapped(&self, job: &Job) -> bool {
        let (total, value) = (self.total(job), self.value(job));
        total.as_slice().iter().zip(value.as_slice()).any(|(total, value)| match total {
            Number::Integer(_) => *total != value.number(),
            Number::Float(float) => !float.is_finite(),
        })
    }

    fn numbers(&self, kind: ValueType) -> Option<Vec<Number>> {
        let texts = match &self.total {
            Total::One(one) => std::slice::from_ref(one),
            Total::Many(many) => many,
        };
        let number = |text: &String| {
            if kind.is_float() { text.parse().ok().map(Number::Float) } else { text.parse().ok().map(Number::Integer) }
        };
        texts.iter().map(number).collect()
    }
}

/// The largest file that is read as a result of the job: a number of 128 bits, with quotes, for each cell.
fn most_bytes(job: &Job) -> u64 {
    (1 << 14) + 64 * u64::from(job.terms.cells)
}

/// Whether two totals of the same part are the same: integers exactly, fractions nearly.
pub fn agree(one: &Cells<Number>, other: &Cells<Number>) -> bool {
    let (one, other) = (one.as_slice(), other.as_slice());
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(*one, *other))
}

fn is_same(one: Number, other: Number) -> bool {
    if one == other {
        return true;
    }
    let (Number::Float(one), Number::Float(other)) = (one, other) else { return false };
    // An infinity is not close to anything.
    let is_close = (one - other).abs() <= CLOSE * one.abs().max(other.abs()) && one.is_finite() && other.is_finite();
    is_close || (one.is_nan() && other.is_nan())
}

#[cfg(test)]
mod tests {
    use super::super::job::tests::job;
    use super::*;

    fn result(job: &Job, total: Total) -> ShardResult {
        ShardResult {
            schema: SCHEMA,
            job: job.id.clone(),
            start: 0,
            end: 500,
            total,
            host: "node-1".to_owned(),
            pid: 1,
            started: "2026-11-26T12:00:00Z".to_owned(),
            finished: "2026-11-26T12:00:01Z".to_owned(),
            elapsed_s: 1.0,
            restarts: 0,
            recoveries: 0,
        }
    }

    #[test]
    fn a_result_is_read_as_it_was_written() {
        let job = job(|terms| terms.cells = 2);
        let written = result(&job, Total::Many(vec!["-5".to_owned(), i128::MAX.to_string()]));
        let read = ShardResult::parse(written.to_text().as_bytes(), &job, &(0..500));
        assert_eq!(read.as_ref(), Ok(&written));
        let total: Cells<Number> = vec![Number::Integer(-5), Number::Integer(i128::MAX)].into();
        assert_eq!(read.unwrap().total(&job), total);
    }

    #[test]
    fn what_is_not_a_result_of_the_part_is_told() {
        let (job, other) = (job(|_| {}), job(|_| {}));
        let text = result(&job, Total::One("95".to_owned())).to_text();
        let why = |text: &str| ShardResult::parse(text.as_bytes(), &job, &(0..500)).expect_err(text);
        for (text, expected) in [
            (text.replace("\"end\":\"500\"", "\"end\":\"400\""), "is the result of 0..400"),
            (text.replace(&job.id, &other.id), "another job"),
            (text.replace("\"95\"", "\"9.5\""), "no total of type i32"),
            (text.replace("\"95\"", "[\"9\",\"5\"]"), "no total of type i32 in 1 cell"),
            (text.replace("\"95\"", "95"), "is not a result"),
            (text.replace("\"schema\":1", "\"schema\":9"), "has schema 9"),
            (text[..40].to_owned(), "is not a result"),
            (String::new(), "is not a result"),
            ("[".repeat(10_000), "is not a result"),
        ] {
            assert!(why(&text).contains(expected), "{}", why(&text));
        }
    }

    #[test]
    fn only_the_one_spelling_of_a_part_is_a_name() {
        assert_eq!(ShardResult::range_of("0-500.json"), Some(0..500));
        for wrong in
            ["007-9.json", "+7-9.json", "7-9", "7-9.json.damaged", "9-7.json", "7-7.json", "job.json", "-.json"]
        {
            assert_eq!(ShardResult::range_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn integers_agree_exactly_and_fractions_nearly() {
        let agree = |one: Number, other: Number| agree(&one.into(), &other.into());
        assert!(agree(Number::Integer(i128::MAX), Number::Integer(i128::MAX)));
        assert!(!agree(Number::Integer(1), Number::Integer(2)));
        let floats = |one: f64, other: f64| agree(Number::Float(one), Number::Float(other));
        for (one, other) in [(1.0, 1.0 + 1e-10), (1e300, 1e300), (f64::NAN, f64::NAN), (f64::INFINITY, f64::INFINITY)] {
            assert!(floats(one, other), "{one} {other}");
        }
        for (one, other) in [(1.0, 1.0 + 1e-8), (0.0, 1e-300), (f64::INFINITY, f64::MAX), (f64::NAN, 1.0)] {
            assert!(!floats(one, other), "{one} {other}");
        }
        assert!(!super::agree(&vec![Number::Integer(1); 2].into(), &Number::Integer(1).into()));
    }
}
