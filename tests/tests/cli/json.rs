//! The types of the JSON reports' keys.

use common::cli::exit_code::COMPLETE;
use harness::{HeldRun, TestEnv, test_env};
use rustix::process::Signal;
use serde_json::{Value, json};

/// The report with each value replaced by the name of its type.
fn types(report: &Value) -> Value {
    match report {
        Value::Null => "null".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(all) => all.iter().map(types).collect(),
        Value::Object(keys) => keys.iter().map(|(key, value)| (key.clone(), types(value))).collect(),
    }
}

/// The status of a segment while its first worker computes a chunk.
fn status_while_computing(env: &TestEnv, label: &str, iterations: u64, chunk: u64) -> Value {
    let command = format!("{} # {{start}}", HeldRun::new(env).script());
    let (iterations, chunk) = (iterations.to_string(), chunk.to_string());
    let name = env.create(label, &["-n", &iterations, "--split", "--chunk", &chunk, "--exec", &command]);
    let worker = env.worker(&name).start();
    let status = env.until_status(&name, |status| status["workers"][0]["state"] == "computing");
    worker.signal(Signal::KILL);
    let _ = worker.finish();
    env.remove(&name);
    status
}

/// The report of a run.
fn report(env: &TestEnv, iterations: u64, chunk: u64) -> Value {
    let args = ["--split", "-w", "2", "--exec", "echo 1 # {start}", "--format", "json"];
    let (iterations, chunk) = (iterations.to_string(), chunk.to_string());
    env.coordinator(args).args(["-n", &iterations, "--chunk", &chunk]).run().expect(COMPLETE).json()
}

/// Fault 43.
#[test]
fn a_key_has_the_same_type_for_small_and_for_huge_values() {
    let env = test_env!();
    let small = (10, 5);
    let huge = (1 << 60, 1 << 59);
    let status = status_while_computing(&env, "huge", huge.0, huge.1);
    assert_eq!(types(&status), types(&status_while_computing(&env, "small", small.0, small.1)));
    let (all, half) = ("1152921504606846976", "576460752303423488");
    let split = json!({ "chunk": half, "chunks": "0", "given_out": half, "iterations_done": "0" });
    assert_eq!((&status["iterations"], &status["split"]), (&all.into(), &split));
    assert_eq!(status["workers"][0]["progress"], json!({ "done": "0", "total": half }));

    let report = report(&env, huge.0, huge.1);
    assert_eq!(types(&report), types(&self::report(&env, small.0, small.1)));
    assert_eq!(report["split"], json!({ "chunk": half, "chunks": "2", "given_out": all, "iterations_done": all }));
}
