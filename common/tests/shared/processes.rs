//! Names that only one test has, and processes that end with it.

use std::ops::Deref;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use common::SegmentName;

/// How long any condition may take to come true.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a child is to do: the action, the segment's name, and what the action wants to know.
const ROLE: &str = "SHARED_TEST_ROLE";

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A segment's name that no other test has, and that stands for nothing when the test is over.
pub struct Name(SegmentName);

impl Name {
    pub fn new() -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        Self(format!("shared-{}-{number}", process::id()).parse().expect("the name is legal"))
    }

    /// Whether a segment has it.
    pub fn is_taken(&self) -> bool {
        self.0.path().exists()
    }
}

impl Deref for Name {
    type Target = SegmentName;

    fn deref(&self) -> &SegmentName {
        &self.0
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let was_left = fs::remove_file(self.0.path()).is_ok();
        assert!(!was_left || std::thread::panicking(), "{} is left", self.0);
    }
}

/// A process with the role of a child; it is killed with the test at the latest.
pub struct Child(process::Child);

impl Child {
    pub fn start<'a>(action: &'a str, name: &'a SegmentName, words: &[&'a str]) -> Self {
        Self::start_with([], action, name, words)
    }

    /// Starts it with these variables.
    pub fn start_with<'a, const N: usize>(
        variables: [(&str, &str); N],
        action: &'a str,
        name: &'a SegmentName,
        words: &[&'a str],
    ) -> Self {
        let program = env::current_exe().expect("the test knows its executable");
        let mut command = Command::new(program);
        command.args(["--exact", "child", "--ignored", "--nocapture"]).envs(variables);
        command.env(ROLE, [&[action, name.as_str()], words].concat().join(" ")).stdout(Stdio::null());
        Self(command.spawn().expect("the test can be started"))
    }

    /// Waits until it has done what it was to do.
    pub fn finish(mut self) {
        let status = self.0.wait().expect("a child can be waited for");
        assert!(status.success(), "the child failed: {status}");
    }

    /// Kills it where it stands, and waits until the kernel has given up all that it held.
    pub fn kill(mut self) {
        self.0.kill().expect("a child can be killed");
        self.dies();
    }

    /// Waits until it has been killed.
    pub fn dies(&mut self) {
        let status = self.0.wait().expect("a child can be waited for");
        assert_eq!(status.signal(), Some(9), "{status}");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The role of this process; nothing if it is no child.
pub fn role() -> Option<(String, SegmentName, Vec<String>)> {
    let role = env::var(ROLE).ok()?;
    let mut words = role.split(' ').map(str::to_owned);
    let (action, name) = (words.next()?, words.next()?.parse().expect("the name is legal"));
    Some((action, name, words.collect()))
}

/// Waits until the condition holds.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        sleep(Duration::from_micros(200));
    }
}
