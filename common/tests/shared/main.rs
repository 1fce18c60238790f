//! `SharedValue` and `SharedArray` between real processes; the tests that Python has for its own are among these
//! (`Lib/test/_test_multiprocessing.py`: `_TestValue`, `_TestArray`, `_TestLock`).

mod array;
mod creation;
mod deaths;
mod examples;
mod lock;
mod processes;
mod threads;
mod truncation;
mod value;

/// What the other tests start as processes of their own. Started by hand, it does nothing.
#[test]
#[ignore = "other tests start it as a process; by itself it does nothing"]
fn child() {
    let Some((action, name, words)) = processes::role() else { return };
    match action.as_str() {
        "set" => value::set(&name, &words),
        "add" => value::add(&name, &words),
        "running-sum" => array::running_sum(&name),
        "try-lock" => lock::attempt(&name, &words),
        "set-half" => deaths::set_half(&name),
        "update" => deaths::update(&name),
        "update-for-ever" => deaths::update_for_ever(&name),
        "open-or-create" => creation::open_or_create(&name),
        "create" => deaths::create(&name),
        "hold-in-a-thread" => threads::hold(&name),
        "cut-value" => truncation::value(&name),
        "cut-within" => truncation::within(&name),
        "cut-array" => truncation::array(&name),
        "cut-held" => truncation::held(&name),
        "cut-unlock" => truncation::unlock(&name),
        "cut-threads" => truncation::threads(&name),
        _ => panic!("no action {action}"),
    }
}
