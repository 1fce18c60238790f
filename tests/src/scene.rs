//! A test's surroundings.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::exit_code;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Command, Running};

/// Where segments lie.
const SHM: &str = "/dev/shm";

/// How long any condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(60);

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// Where cargo has put what is tested.
pub struct Executables {
    /// The coordinator.
    pub coordinator: &'static str,
    /// The worker.
    pub worker: &'static str,
    /// The example worker with a kernel of its own.
    pub cubes: &'static str,
    /// The process to be killed, of the code as it is shipped.
    pub victim: &'static str,
    /// The same of code in which faults can be planted.
    pub faulty: &'static str,
    /// A folder for temporary files on the same file system.
    pub folder: &'static str,
}

/// A folder with `coordinator`, `worker` and `cubes` side by side, and segment names that no other test has.
pub struct Scene {
    folder: TempDir,
    prefix: String,
    // Held for the scene's life: tests that act on all stale segments need the machine for themselves.
    _turn: OwnedFd,
}

impl Scene {
    /// A scene beside those of other tests.
    ///
    /// # Panics
    /// If the folder cannot be made.
    #[must_use]
    pub fn shared(executables: &Executables) -> Self {
        Self::new(executables, FlockOperation::LockShared)
    }

    /// A scene while no other test of this package runs, in this process or another: for what acts on all segments.
    ///
    /// # Panics
    /// If the folder cannot be made.
    #[must_use]
    pub fn alone(executables: &Executables) -> Self {
        Self::new(executables, FlockOperation::LockExclusive)
    }

    fn new(executables: &Executables, turn: FlockOperation) -> Self {
        let turnstile = File::create(Path::new(executables.folder).join("turn")).expect("the turnstile can be opened");
        flock(&turnstile, turn).expect("the turn comes");
        let folder = TempDir::new_in(executables.folder).expect("the temporary folder can be made");
        let links = [
            ("coordinator", executables.coordinator),
            ("worker", executables.worker),
            ("cubes", executables.cubes),
            ("victim", executables.victim),
            ("faulty", executables.faulty),
        ];
        for (name, target) in links {
            let link = folder.path().join(name);
            fs::hard_link(target, &link)
                .or_else(|_| fs::copy(target, &link).map(drop))
                .expect("the executable can be linked or copied");
        }
        let prefix = format!("t{}-{}-", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        Self { folder, prefix, _turn: turnstile.into() }
    }

    /// A segment name that only this scene has.
    #[must_use]
    pub fn name(&self, label: &str) -> String {
        format!("{}{label}", self.prefix)
    }

    /// The scene's folder, where the executables are.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A run of the coordinator.
    #[must_use]
    pub fn coordinator<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        Command::new(&self.path().join("coordinator"), args)
    }

    /// A run of the coordinator, all of whose workers are asleep: `delay` is how long they sleep.
    ///
    /// # Panics
    /// If they are not within a minute.
    #[must_use]
    pub fn sleeping_run(&self, name: &str, delay: &str, args: &[&str]) -> Running {
        let running = self.coordinator(["--name", name, "--delay", delay, "-n", "10"]).args(args).start();
        self.until_status(name, |status| {
            let workers = status["workers"].as_array();
            workers.is_some_and(|workers| workers.iter().all(|worker| worker["state"] == "sleeping"))
        });
        running
    }

    /// Makes a segment for workers started by hand, whose kernel takes no time; returns its name.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn create(&self, label: &str, args: &[&str]) -> String {
        let name = self.name(label);
        let created = self.coordinator(["create", &name, "-n", "10", "--delay", "0"]).args(args).run();
        assert_eq!(created.expect(exit_code::COMPLETE).stdout, "");
        name
    }

    /// Removes a segment that nobody is attached to.
    ///
    /// # Panics
    /// If that is refused.
    pub fn remove(&self, name: &str) {
        let _ = self.coordinator(["remove", name]).run().expect(exit_code::COMPLETE);
    }

    /// A run of a worker by hand, on the segment of that name.
    #[must_use]
    pub fn worker(&self, name: &str) -> Command {
        Command::new(&self.path().join("worker"), ["--name", name])
    }

    /// A run of any program.
    #[must_use]
    pub fn program(&self, program: &Path) -> Command {
        Command::new(program, [""; 0])
    }

    /// What `status --format json` says of the segment; nothing if there is none.
    #[must_use]
    pub fn status(&self, name: &str) -> Option<Value> {
        let finished = self.coordinator(["status", name, "--format", "json"]).run();
        (finished.code == Some(0)).then(|| finished.json())
    }

    /// Waits until the segment's status fulfils the condition; returns that status.
    ///
    /// # Panics
    /// If that takes longer than a minute.
    pub fn until_status(&self, name: &str, mut condition: impl FnMut(&Value) -> bool) -> Value {
        let mut last = None;
        until(&format!("{name} to be as wanted"), || {
            last = self.status(name);
            last.as_ref().is_some_and(&mut condition)
        });
        last.expect("the condition was fulfilled by a status")
    }

    /// The scene's segments in `/dev/shm`.
    #[must_use]
    pub fn segments(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(SHM).into_iter().flatten().filter_map(Result::ok);
        files
            .filter(|file| file.file_name().to_string_lossy().starts_with(&self.prefix))
            .map(|file| file.path())
            .collect()
    }

    /// Where the segment of that name lies.
    #[must_use]
    pub fn segment(&self, name: &str) -> PathBuf {
        Path::new(SHM).join(name)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let left = self.segments();
        for path in &left {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
        assert!(left.is_empty() || std::thread::panicking(), "left in {SHM}: {left:?}");
    }
}

/// Waits until the condition holds.
///
/// # Panics
/// If that takes longer than a minute.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
