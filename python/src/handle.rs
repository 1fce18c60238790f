//! The segments that this process uses, and how long their names live.
//!
//! | the object that created the name | the name goes |
//! |---|---|
//! | was neither pickled nor inherited by a forked child | with its last reference |
//! | was: another process may still attach | at the end of this process |
//!
//! A forked child never unlinks what it inherits.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use common::{CreateError, SegmentName, SharedCells, SharedKind, ValueType, process, random, unlink};
use pyo3::prelude::*;

use crate::error;

/// The segments of this process, by their nonces. Locked only by who has the GIL, which is kept meanwhile.
static SEGMENTS: Mutex<BTreeMap<u64, Entry>> = Mutex::new(BTreeMap::new());

/// The process for whose end `unlink_names` is registered; 0 before the first. Used only by who has the GIL.
static REGISTERED: AtomicU32 = AtomicU32::new(0);

struct Entry {
    name: SegmentName,
    handle: Weak<Handle>,
    /// Lives longer than the handle if a thread holds the lock.
    cells: Weak<SharedCells>,
    creation: Option<Creation>,
}

/// Who created a name.
#[derive(Clone, Copy)]
struct Creation {
    /// The process. Its forked children inherit the entry, and not the name.
    pid: u32,
    /// How often it had forked.
    forks: u32,
}

impl Creation {
    fn now() -> Self {
        Self { pid: std::process::id(), forks: process::forks() }
    }

    fn is_of_this_process(self) -> bool {
        self.pid == std::process::id()
    }
}

/// One segment, as all objects of this process that stand for it share it.
pub struct Handle {
    pub cells: Arc<SharedCells>,
    /// Nothing if this process only attached.
    creation: Option<Creation>,
    is_pickled: AtomicBool,
}

impl Handle {
    /// Creates a segment, under a name of its own if none is given.
    pub fn create(
        py: Python<'_>,
        name: Option<&str>,
        kind: SharedKind,
        value_type: ValueType,
        len: usize,
        initial: &[u64],
    ) -> PyResult<Arc<Self>> {
        let given: Option<SegmentName> = name.map(str::parse).transpose().map_err(error::name)?;
        register_end(py)?;
        loop {
            let name = given.clone().map_or_else(any_name, Ok)?;
            // A long array takes its time.
            match py.detach(|| SharedCells::create(&name, kind, value_type, len, initial)) {
                Err(CreateError::Exists { .. }) if given.is_none() => {}
                Err(error) => return Err(error::create(error)),
                Ok(cells) => return Ok(Self::enter(Arc::new(cells.keep_name()), Some(Creation::now()), false)),
            }
        }
    }

    /// Attaches to the segment of that name: to the very one with that nonce, if one is given.
    pub fn attach(py: Python<'_>, name: &str, nonce: Option<u64>) -> PyResult<Arc<Self>> {
        if let Some(handle) = nonce.and_then(Self::of_this_process) {
            return Ok(handle);
        }
        let name: SegmentName = name.parse().map_err(error::name)?;
        let cells = py.detach(|| SharedCells::attach(&name)).map_err(error::attach)?;
        let found = nonce_of(&cells);
        if nonce.is_some_and(|nonce| nonce != found) {
            let message = format!("the object that was pickled is gone: \"{name}\" is another one by now");
            return Err(error::of_kind(std::io::ErrorKind::NotFound, message));
        }
        Ok(Self::of_this_process(found).unwrap_or_else(|| Self::over(Arc::new(cells))))
    }

    /// The handle that this process has already, or a new one over cells whose lock a thread holds.
    fn of_this_process(nonce: u64) -> Option<Arc<Self>> {
        let (handle, cells) = {
            let segments = segments();
            let entry = segments.get(&nonce)?;
            (entry.handle.upgrade(), entry.cells.upgrade())
        };
        handle.or_else(|| cells.map(Self::over))
    }

    /// A new handle. If this process created the segment, the object comes back: then it is the creator's again, and its name
    /// stays as that of a pickled one.
    fn over(cells: Arc<SharedCells>) -> Arc<Self> {
        let creation = segments().get(&nonce_of(&cells)).and_then(|entry| entry.creation);
        Self::enter(cells, creation, creation.is_some())
    }

    fn enter(cells: Arc<SharedCells>, creation: Option<Creation>, is_pickled: bool) -> Arc<Self> {
        let handle = Arc::new(Self { cells, creation, is_pickled: is_pickled.into() });
        let entry = Entry {
            name: handle.cells.name().clone(),
            handle: Arc::downgrade(&handle),
            cells: Arc::downgrade(&handle.cells),
            creation,
        };
        segments().insert(nonce_of(&handle.cells), entry);
        handle
    }

    /// Name and nonce, for another process. The name stays from now on.
    pub fn pickled(&self) -> (String, u64) {
        self.is_pickled.store(true, Relaxed);
        (self.cells.name().to_string(), nonce_of(&self.cells))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let nonce = nonce_of(&self.cells);
        let own = self.creation.filter(|creation| creation.is_of_this_process());
        if own.is_some_and(|creation| self.is_pickled.load(Relaxed) || creation.forks != process::forks()) {
            // Another process may still attach. The entry keeps the name, and no descriptor.
            return;
        }
        // While a thread holds the lock, whoever attaches is to find its cells.
        if Arc::strong_count(&self.cells) == 1 {
            segments().remove(&nonce);
        }
        if own.is_some() {
            // If the system refuses, the name stays, as after a crash.
            let _ = unlink((*self.cells).as_ref());
        }
    }
}

/// Unlinks the names that this process created: at its end.
#[pyfunction]
pub fn unlink_names() {
    let entries = std::mem::take(&mut *segments());
    let is_own = |entry: &Entry| entry.creation.is_some_and(Creation::is_of_this_process);
    for (nonce, entry) in entries.into_iter().filter(|(_, entry)| is_own(entry)) {
        // By its name if nothing here has it open: the segment of another nonce is somebody else's.
        let cells = entry.cells.upgrade().or_else(|| SharedCells::attach(&entry.name).ok().map(Arc::new));
        if let Some(cells) = cells.filter(|cells| nonce_of(cells) == nonce) {
            // As in `drop`.
            let _ = unlink((*cells).as_ref());
        }
    }
}

/// Has `unlink_names` called at the end of this process, once. A forked child does not inherit it.
fn register_end(py: Python<'_>) -> PyResult<()> {
    let this = std::process::id();
    if REGISTERED.load(Relaxed) != this {
        py.import("killproof._exit")?.call_method0("unlink_at_exit")?;
        REGISTERED.store(this, Relaxed);
    }
    Ok(())
}

fn any_name() -> PyResult<SegmentName> {
    format!("killproof-{:016x}", random()).parse().map_err(error::name)
}

fn nonce_of(cells: &SharedCells) -> u64 {
    AsRef::<common::Segment>::as_ref(cells).nonce()
}

fn segments() -> MutexGuard<'static, BTreeMap<u64, Entry>> {
    SEGMENTS.lock().unwrap_or_else(PoisonError::into_inner)
}
