//! The environment of a test.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use common::cli::exit_code;
use common::process;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use tempfile::TempDir;

use crate::command::{Command, Running};

/// Where segments are.
const SHM: &str = "/dev/shm";

/// How long a condition may take to hold.
const PATIENCE: Duration = Duration::from_secs(60);

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// Where cargo has put the executables.
pub struct Executables {
    /// A folder for temporary files on their file system.
    pub folder: &'static str,
    /// Each executable's name in the test's folder, and its path.
    pub links: &'static [(&'static str, &'static str)],
}

/// A folder with the executables side by side, and segment names that no other test has.
pub struct TestEnv {
    folder: TempDir,
    prefix: String,
    // Held while the test runs: shared, or exclusive for a test that needs the machine for itself.
    _turn: OwnedFd,
}

impl TestEnv {
    /// An environment beside those of other tests.
    pub fn shared(executables: &Executables) -> Self {
        Self::new(executables, FlockOperation::LockShared)
    }

    /// An environment while no other test of this package runs, in this process or another: for tests that act on all
    /// segments or processes.
    pub fn alone(executables: &Executables) -> Self {
        Self::new(executables, FlockOperation::LockExclusive)
    }

    fn new(executables: &Executables, turn: FlockOperation) -> Self {
        give_children_their_signals();
        let turn = take_turn(Path::new(executables.folder), turn);
        let folder = TempDir::new_in(executables.folder).expect("the temporary folder can be made");
        for (name, target) in executables.links {
            let link = folder.path().join(name);
            fs::hard_link(target, &link)
                .or_else(|_| fs::copy(target, &link).map(drop))
                .expect("the executable can be linked or copied");
        }
        let prefix = format!("t{}-{}-", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        Self { folder, prefix, _turn: turn }
    }

    /// A segment name that only this test uses.
    #[must_use]
    pub fn name(&self, label: &str) -> String {
        format!("{}{label}", self.prefix)
    }

    /// The test's folder, where the executables are.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The coordinator.
    #[must_use]
    pub fn coordinator<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        Command::new(&self.path().join("coordinator"), args)
    }

    /// Starts a run and waits until all its workers sleep, for `delay`.
    #[must_use]
    pub fn sleeping_run(&self, name: &str, delay: &str, args: &[&str]) -> Running {
        let running = self.coordinator(["--name", name, "--delay", delay, "-n", "10"]).args(args).start();
        self.until_status(name, |status| {
            let workers = status["workers"].as_array();
            workers.is_some_and(|workers| workers.iter().all(|worker| worker["state"] == "sleeping"))
        });
        running
    }

    /// Creates a segment for workers started by hand, with a kernel that takes no time; returns its name.
    #[must_use]
    pub fn create(&self, label: &str, args: &[&str]) -> String {
        let name = self.name(label);
        let created = self.coordinator(["create", &name, "-n", "10", "--delay", "0"]).args(args).run();
        assert_eq!(created.expect(exit_code::COMPLETE).stdout, "");
        name
    }

    /// Removes a segment that nobody is attached to.
    pub fn remove(&self, name: &str) {
        let _ = self.coordinator(["remove", name]).run().expect(exit_code::COMPLETE);
    }

    /// A worker started by hand on the segment of that name.
    #[must_use]
    pub fn worker(&self, name: &str) -> Command {
        Command::new(&self.path().join("worker"), ["--name", name])
    }

    /// Any program.
    #[must_use]
    pub fn program(&self, program: &Path) -> Command {
        Command::new(program, [""; 0])
    }

    /// The output of `status --format json`; none if there is no segment.
    #[must_use]
    pub fn status(&self, name: &str) -> Option<Value> {
        let finished = self.coordinator(["status", name, "--format", "json"]).run();
        (finished.code == Some(0)).then(|| finished.json())
    }

    /// Waits until the segment's status meets the condition; returns that status.
    pub fn until_status(&self, name: &str, mut condition: impl FnMut(&Value) -> bool) -> Value {
        let mut last = None;
        until(&format!("the status of {name} to meet the condition"), || {
            last = self.status(name);
            last.as_ref().is_some_and(&mut condition)
        });
        last.expect("a status met the condition")
    }

    /// The test's segments in `/dev/shm`.
    #[must_use]
    pub fn segments(&self) -> Vec<PathBuf> {
        let is_own =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&self.prefix));
        self.all_segments().into_iter().filter(is_own).collect()
    }

    /// All files in `/dev/shm`: the test's if it is secluded.
    #[must_use]
    pub fn all_segments(&self) -> Vec<PathBuf> {
        fs::read_dir(SHM).into_iter().flatten().filter_map(Result::ok).map(|file| file.path()).collect()
    }

    /// The path of the segment of that name.
    #[must_use]
    pub fn segment(&self, name: &str) -> PathBuf {
        Path::new(SHM).join(name)
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        let left = self.segments();
        for path in &left {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
        assert!(left.is_empty() || std::thread::panicking(), "left in {SHM}: {left:?}");
    }
}

/// Waits until this test may run.
///
/// Whoever waits holds the gate, so that tests which share their turn do not overtake one that wants to be alone.
/// A test must not create a second environment beside its first one.
fn take_turn(folder: &Path, turn: FlockOperation) -> OwnedFd {
    let lock = |file: &str, how| {
        let file = File::create(folder.join(file)).expect("the lock file can be opened");
        flock(&file, how).expect("the turn comes");
        OwnedFd::from(file)
    };
    let _gate = lock("gate", FlockOperation::LockExclusive);
    lock("turn", turn)
}

/// Waits until the condition holds.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Lets what the tests start begin with the default actions, also if the tests run under `nohup` or in the background of a
/// script, where signals are ignored: an exec resets an action of one's own, and keeps an ignored signal ignored.
fn give_children_their_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|signal| process::is_ignored(*signal)) {
            // This process goes on to ignore it.
            signal_hook::flag::register(signal, Arc::default()).expect("the signal can be handled");
        }
    });
}
