//! The result of a shard in its folder, with its writer killed or refused at each of its system calls: the folder has
//! all of it or nothing, and the same command again completes it.

mod answers;
mod first;
mod kills;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::cli::exit_code::COMPLETE;
use common::{Cells, Ledger, Mode, Number, Origin, Segment, SegmentName, TakeOver, Terms, Then};
use harness::crash_rig::stride;
use harness::ptrace::{Gait, Stop, Traced};
use harness::{TestEnv, report, secluded, skip, test_env};
use rustix::io::Errno;
use serde_json::Value;

/// What the system may answer when it has no room, no links, no descriptors, or a broken disk.
const ERRORS: [Errno; 6] = [Errno::NOSPC, Errno::IO, Errno::PERM, Errno::DQUOT, Errno::MFILE, Errno::EXIST];

/// The file of the result.
const RESULT: &str = "0-10.json";

/// Where a start's stdout and stderr go.
const OUTPUT: [&str; 2] = ["stdout", "stderr"];

/// A shard whose first start was killed when everything was applied, and before its result was written.
struct Shard<'a> {
    env: &'a TestEnv,
    job: Value,
    name: SegmentName,
    /// Whether a temporary file may stay, because the system has refused to remove it.
    unlinks_fail: bool,
}

impl<'a> Shard<'a> {
    fn new(env: &'a TestEnv) -> Self {
        let _ = env.coordinator(Self::args(&env.path().join("results"))).run().expect(COMPLETE);
        let text = fs::read(env.path().join("results/job.json")).expect("the first start makes it");
        let job: Value = serde_json::from_slice(&text).expect("it is JSON");
        let name = format!("shard-{}-0-10", job["id"].as_str().expect("a text")).parse().expect("the name is legal");
        Self { env, job, name, unlinks_fail: false }
    }

    fn args(folder: &std::path::Path) -> Vec<std::ffi::OsString> {
        let args = ["--split", "-n", "10", "-w", "1", "--timeout", "10s", "--results"].map(Into::into);
        args.into_iter().chain([folder.into()]).collect()
    }

    fn folder(&self) -> PathBuf {
        self.env.path().join("results")
    }

    /// Makes its segment anew, and takes its result away.
    fn renew(&self) {
        let _ = fs::remove_file(self.folder().join(RESULT));
        let terms = Terms {
            mode: Mode::Split,
            origin: Origin::Run,
            iterations: 10,
            has_folder: true,
            seed: Some(harness::whole(&self.job["seed"])),
            slots: 4,
            worker: self.env.path().join("worker"),
            ..Terms::by_hand("sum-of-squares", 1)
        };
        let segment = Segment::create(&self.name, &terms).expect("the last one is gone");
        let mut ledger = Ledger::of(&segment).lock(|_, _| {}).expect("nobody has the lock");
        let Ok(TakeOver::Taken(claim)) = ledger.take(1) else { panic!("the ticket is free") };
        let then = Then::Take { size: 10, orphan: None };
        let chunk = ledger.first_chunk(&claim, then).expect("nobody else is there").expect("nothing is given out");
        ledger.commit_chunk(&claim, &chunk, Cells::One(Number::Integer(285)), then).expect("it fits");
    }

    /// Starts its command again, under ptrace.
    fn start(&self) -> std::io::Result<Traced> {
        let mut command = Command::new(self.env.path().join("coordinator"));
        // Without the test runner's environment, whose library path would make the loader search a dozen folders.
        command.env_clear().args(Self::args(&self.folder()));
        let [stdout, stderr] = OUTPUT.map(|name| File::create(self.env.path().join(name)).expect("it can be created"));
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        Traced::start_as_it_is(command).map(Traced::with_its_signals)
    }

    /// What the last start wrote to stdout and stderr.
    fn output(&self) -> [String; 2] {
        OUTPUT.map(|name| fs::read_to_string(self.env.path().join(name)).expect("it is text"))
    }

    /// Checks what the last start told: complete, or the cause why not.
    fn check_told(&self, code: Option<i32>, case: &str) {
        let [stdout, stderr] = self.output();
        if code == Some(COMPLETE.into()) {
            assert!(self.has_result(case) && stdout.ends_with("Final shared value: 285\n"), "{case}: {stdout}{stderr}");
        } else {
            // The loader may abort without a word. Who cannot say what is wrong has an exit code.
            assert!(code.is_none() || !stderr.is_empty(), "{case}: {code:?}: {stderr}");
        }
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder()).expect("it is there");
        entries.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect()
    }

    /// Whether the folder has the result; a part of it would fail here.
    fn has_result(&self, case: &str) -> bool {
        let Ok(text) = fs::read_to_string(self.folder().join(RESULT)) else { return false };
        let result: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{case}: {error}: {text}"));
        assert_eq!((&result["job"], &result["total"]), (&self.job["id"], &"285".into()), "{case}");
        true
    }

    /// Checks what the victim left, and starts the command again as its user would; returns what the victim left.
    fn check(&self, case: &str) -> &'static str {
        let (has_result, has_segment) = (self.has_result(case), self.env.segment(self.name.as_str()).exists());
        assert!(has_result || has_segment, "{case}: the work is gone");
        let again = self.env.coordinator(Self::args(&self.folder())).run();
        let is_complete = again.code == Some(COMPLETE.into()) && again.stdout.ends_with("Final shared value: 285\n");
        assert!(is_complete, "{case}: {again:?}");
        assert!(self.has_result(case) && !self.env.segment(self.name.as_str()).exists(), "{case}: {again:?}");
        let is_temporary = |name: &String| name.starts_with(".0-10.json.") && name.strip_suffix(".tmp").is_some();
        let mut names = self.names();
        if self.unlinks_fail {
            names.retain(|name| !is_temporary(name));
        }
        assert_eq!(names, BTreeSet::from(["job.json".to_owned(), RESULT.to_owned()]), "{case}: {again:?}");
        match (has_result, has_segment) {
            (true, true) => "both",
            (true, false) => "result",
            _ => "segment",
        }
    }
}

/// Whether system calls can be traced here, and made to fail; if not, reports the test as skipped.
fn can_trace(shard: &Shard<'_>, test: &str) -> bool {
    shard.renew();
    let outcome = shard.start().and_then(|mut victim| victim.fail_call(0, Errno::NOSPC.raw_os_error()));
    let _ = common::remove(&shard.name, common::Condition::Always);
    outcome.inspect_err(|error| skip(test, &format!("ptrace: {error}"))).is_ok()
}

/// Fault 68.
#[test]
fn a_writer_killed_at_any_system_call_has_left_all_of_its_result_or_nothing() {
    if !secluded!(a_writer_killed_at_any_system_call_has_left_all_of_its_result_or_nothing) {
        return;
    }
    let env = test_env!();
    let shard = Shard::new(&env);
    if !can_trace(&shard, "a_writer_killed_at_any_system_call") {
        return;
    }
    let (mut points, mut kills, mut left) = (0, 0, BTreeSet::new());
    // Before it writes, the suite kills it seldom; then, as of the last such kill, at one end of each system call.
    let (seldom, each) = (stride(6), stride(2));
    let mut step = seldom;
    loop {
        shard.renew();
        let mut victim = shard.start().expect("it worked a moment ago");
        let is_over = !(0..=points).all(|_| victim.go(Gait::Call) != Stop::End);
        victim.kill();
        let has_begun = shard.names().len() > 1;
        left.insert(shard.check(&format!("kill at point {points}")));
        if is_over {
            break;
        }
        if has_begun && step > each {
            (points, step) = (points - step, each);
        }
        (points, kills) = (points + step, kills + 1);
    }
    report(&format!("killed at {kills} of {points} ends of system calls of a shard's end"));
    assert_eq!(left, BTreeSet::from(["segment", "both", "result"]));
}

/// Fault 69.
#[test]
fn a_refusal_at_any_system_call_of_a_writer_leaves_all_of_its_result_or_the_work() {
    if !secluded!(a_refusal_at_any_system_call_of_a_writer_leaves_all_of_its_result_or_the_work) {
        return;
    }
    let env = test_env!();
    let shard = Shard { unlinks_fail: true, ..Shard::new(&env) };
    if !can_trace(&shard, "a_refusal_at_any_system_call_of_a_writer") {
        return;
    }
    let (mut calls, mut left, mut was_refused) = (0, BTreeSet::new(), true);
    // The suite tries one error at each call; `EXHAUSTIVE` tries them all.
    let stride = stride(ERRORS.len());
    while was_refused {
        for error in ERRORS.iter().cycle().skip(calls).take(ERRORS.len()).step_by(stride) {
            shard.renew();
            let mut victim = shard.start().expect("it worked a moment ago");
            was_refused = victim.fail_call(calls, error.raw_os_error()).expect("it worked a moment ago");
            let (code, case) = (victim.finish(), format!("call {calls} fails with {error:?}"));
            shard.check_told(code, &case);
            left.insert(shard.check(&case));
        }
        calls += 1;
    }
    report(&format!("refused each of {calls} system calls of a shard's end"));
    assert!(left.contains("segment") && left.contains("result"), "{left:?}");
}
