//! The JSON of a result that was in its folder before the run began.

use std::ops::Range;

use common::Mode;
use serde_json::Value as Json;

use super::{Report, SCHEMA, Share, Split, cells, contribution, range, shard, text_of, value};
use crate::results::Results;
use crate::results::shard_result::ShardResult;

/// The object of a run whose result was in its folder already: nobody worked.
pub fn of_stored(result: &ShardResult, results: &Results) -> String {
    let (job, terms) = (results.job(), &results.job().terms);
    let (Range { start, end }, name) = (results.range(), results.segment_name());
    let (total, final_value) = (result.total(job), result.value(job));
    let length = (end - start).to_string();
    let report = Report {
        schema: SCHEMA,
        name: name.as_str(),
        state: None,
        kernel: &terms.kernel,
        mode: Mode::Split.name(),
        iterations: terms.n.to_string(),
        split: Some(Split {
            chunk: "auto".to_owned(),
            chunks: "0".to_owned(),
            given_out: length.clone(),
            iterations_done: length,
        }),
        range: Some(range(results.range())),
        shard: results.shard().map(shard),
        cells: terms.cells,
        shown_cells: final_value.as_slice().len(),
        consistent: true,
        r#type: terms.value_type.name(),
        value: cells(&final_value, value),
        exact_total: if terms.value_type.is_float() { Json::Null } else { cells(&total, contribution) },
        wrapped: result.has_wrapped(job),
        complete: true,
        missing: Vec::new(),
        contributions: Share { done: 0, total: 0 },
        restarts: result.restarts,
        recoveries: result.recoveries,
        elapsed_s: result.elapsed_s,
        in_use: None,
        stop: None,
        coordinator: None,
        lock: None,
        workers: Vec::new(),
    };
    text_of(&report)
}
