//! The first shard of a job, killed or refused where it makes the folder and `job.json`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::cli::exit_code::{COMPLETE, UNAVAILABLE};
use harness::ptrace::{Gait, Traced};
use harness::{TestEnv, secluded, skip, test_env};
use libc::{SYS_fsync, SYS_linkat, SYS_mkdirat, SYS_unlinkat, SYS_write};
use rustix::io::Errno;
use serde_json::Value;

use super::answers::Answer::{Denied, Refused, Right};
use super::answers::answer;
use super::{RESULT, Shard};

/// A shard that is the first of its job.
struct First<'a> {
    env: &'a TestEnv,
}

impl First<'_> {
    fn folder(&self) -> PathBuf {
        self.env.path().join("results")
    }

    /// Starts it under ptrace, in a folder that is to be made.
    fn start(&self) -> std::io::Result<Traced> {
        let _ = fs::remove_dir_all(self.folder());
        let mut command = Command::new(self.env.path().join("coordinator"));
        command.env_clear().args(Shard::args(&self.folder()));
        let stderr = File::create(self.env.path().join("stderr")).expect("it can be created");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        Traced::start_as_it_is(command).map(Traced::with_its_signals)
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder()).into_iter().flatten();
        entries.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect()
    }

    /// The id of the folder's job, if it has one; a part of one would fail here.
    fn job(&self, case: &str) -> Option<String> {
        let text = fs::read_to_string(self.folder().join("job.json")).ok()?;
        let job: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{case}: {error}: {text}"));
        Some(job["id"].as_str().unwrap_or_else(|| panic!("{case}: {text}")).to_owned())
    }

    /// Checks what the victim left, and starts the command again; returns whether there was a job.
    fn check(&self, case: &str) -> bool {
        let job = self.job(case);
        let again = self.env.coordinator(Shard::args(&self.folder())).run();
        let is_complete = again.code == Some(COMPLETE.into()) && again.stdout.ends_with("Final shared value: 285\n");
        assert!(is_complete, "{case}: {again:?}");
        assert!(job.is_none() || job == self.job(case), "{case}: the job stays");
        // Nobody can know whether another machine still writes such a file.
        let mut names = self.names();
        names.retain(|name| !name.starts_with(".job.json."));
        assert_eq!(names, BTreeSet::from(["job.json".to_owned(), RESULT.to_owned()]), "{case}: {again:?}");
        assert!(self.env.all_segments().is_empty(), "{case}: {again:?}");
        job.is_some()
    }
}

/// Whether system calls can be traced here, and made to fail; if not, reports the test as skipped.
fn can_trace(first: &First<'_>, test: &str) -> bool {
    let outcome = first.start().and_then(|mut victim| victim.fail_call(0, Errno::NOSPC.raw_os_error()));
    outcome.inspect_err(|error| skip(test, &format!("ptrace: {error}"))).is_ok()
}

/// Fault 68.
#[test]
fn a_first_shard_killed_at_any_call_has_left_a_whole_job_or_none() {
    if !secluded!(a_first_shard_killed_at_any_call_has_left_a_whole_job_or_none) {
        return;
    }
    let env = test_env!();
    let first = First { env: &env };
    if !can_trace(&first, "a_first_shard_killed_at_any_call") {
        return;
    }
    let mut left = BTreeSet::new();
    for calls in [
        // The first fsync is that of the folder around it.
        &[Right(SYS_mkdirat)] as &[_],
        &[Right(SYS_mkdirat), Right(SYS_fsync)],
        &[Right(SYS_mkdirat), Right(SYS_write)],
        &[Right(SYS_write), Right(SYS_fsync)],
        &[Right(SYS_linkat)],
        &[Right(SYS_linkat), Right(SYS_unlinkat)],
        &[Right(SYS_linkat), Right(SYS_fsync)],
    ] {
        for is_made in [false, true] {
            let mut victim = first.start().expect("it worked a moment ago");
            answer(&mut victim, calls);
            if is_made {
                victim.go(Gait::Call);
            }
            victim.kill();
            left.insert(first.check(&format!("kill at {calls:?}, made: {is_made}")));
        }
    }
    assert_eq!(left, BTreeSet::from([false, true]));
}

/// Fault 69.
#[test]
fn a_first_shard_that_cannot_begin_the_job_says_so_and_leaves_a_whole_job_or_none() {
    if !secluded!(a_first_shard_that_cannot_begin_the_job_says_so_and_leaves_a_whole_job_or_none) {
        return;
    }
    let env = test_env!();
    let first = First { env: &env };
    if !can_trace(&first, "a_first_shard_that_cannot_begin_the_job") {
        return;
    }
    for (answers, code, has_job) in [
        (&[Refused(SYS_mkdirat, Errno::NOSPC)] as &[_], UNAVAILABLE, false),
        (&[Refused(SYS_mkdirat, Errno::EXIST)], UNAVAILABLE, false),
        // Not every system does it.
        (&[Right(SYS_mkdirat), Refused(SYS_fsync, Errno::IO)], COMPLETE, true),
        (&[Right(SYS_mkdirat), Refused(SYS_write, Errno::NOSPC)], UNAVAILABLE, false),
        (&[Right(SYS_write), Refused(SYS_fsync, Errno::IO)], UNAVAILABLE, false),
        (&[Refused(SYS_linkat, Errno::DQUOT)], UNAVAILABLE, false),
        (&[Denied(SYS_linkat, Errno::EXIST)], COMPLETE, true),
        (&[Refused(SYS_linkat, Errno::EXIST)], COMPLETE, true),
        (&[Refused(SYS_linkat, Errno::PERM)], COMPLETE, true),
        (&[Right(SYS_linkat), Refused(SYS_unlinkat, Errno::IO)], COMPLETE, true),
        (&[Right(SYS_linkat), Refused(SYS_fsync, Errno::IO)], UNAVAILABLE, true),
    ] {
        let case = format!("{answers:?}");
        let mut victim = first.start().expect("it worked a moment ago");
        answer(&mut victim, answers);
        assert_eq!(victim.finish(), Some(code.into()), "{case}");
        let stderr = fs::read_to_string(env.path().join("stderr")).expect("it is text");
        assert_eq!(stderr.contains("error: cannot use the folder of results "), code != COMPLETE, "{case}: {stderr}");
        assert_eq!(first.check(&case), has_job, "{case}");
    }
}
