//! The segments that this process uses, and how long their names live.
//!
//! | the object that created the name | the name goes |
//! |---|---|
//! | was neither pickled nor inherited by a forked child | with its last reference |
//! | was: another process may still attach | at the end of this process |
//!
//! What a forked child inherits it never unlinks: `common` refuses it.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use common::{CreateError, SegmentName, SharedCells, SharedKind, ValueType, process, random, unlink};
use pyo3::prelude::*;

use crate::error;

/// The segments of this process, by their nonces. Locked only by who has the GIL, which is kept meanwhile.
static SEGMENTS: Mutex<BTreeMap<u64, Entry>> = Mutex::new(BTreeMap::new());

/// The process for whose end `unlink_names` is registered.
static REGISTERED: Mutex<Option<u32>> = Mutex::new(None);

struct Entry {
    handle: Weak<Handle>,
    cells: Weak<SharedCells>,
    /// Set when the object is gone and its name must stay.
    kept: Option<Arc<SharedCells>>,
    is_created: bool,
}

/// One segment, as all objects of this process that stand for it share it.
pub struct Handle {
    pub cells: Arc<SharedCells>,
    /// How often this process had forked when it created the name; nothing if it only attached.
    forks_at_creation: Option<u32>,
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
            match SharedCells::create(&name, kind, value_type, len, initial) {
                Err(CreateError::Exists { .. }) if given.is_none() => {}
                Err(error) => return Err(error::create(error)),
                Ok(cells) => return Ok(Self::enter(Arc::new(cells), Some(process::forks()), false)),
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
        Ok(Self::of_this_process(found).unwrap_or_else(|| Self::enter(Arc::new(cells), None, false)))
    }

    /// The handle that this process has already.
    fn of_this_process(nonce: u64) -> Option<Arc<Self>> {
        let mut segments = segments();
        let entry = segments.get_mut(&nonce)?;
        if let Some(handle) = entry.handle.upgrade() {
            return Some(handle);
        }
        let cells = entry.kept.clone()?;
        drop(segments);
        // It was pickled, and comes back.
        Some(Self::enter(cells, Some(process::forks()), true))
    }

    fn enter(cells: Arc<SharedCells>, forks_at_creation: Option<u32>, is_pickled: bool) -> Arc<Self> {
        let handle = Arc::new(Self { cells, forks_at_creation, is_pickled: is_pickled.into() });
        let entry = Entry {
            handle: Arc::downgrade(&handle),
            cells: Arc::downgrade(&handle.cells),
            kept: None,
            is_created: forks_at_creation.is_some(),
        };
        segments().insert(nonce_of(&handle.cells), entry);
        handle
    }

    /// Name and nonce, for another process. The name stays from now on.
    pub fn pickled(&self) -> (String, u64) {
        self.is_pickled.store(true, Relaxed);
        (self.cells.name().to_string(), nonce_of(&self.cells))
    }

    fn must_stay(&self) -> bool {
        self.forks_at_creation.is_some_and(|forks| self.is_pickled.load(Relaxed) || forks != process::forks())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let nonce = nonce_of(&self.cells);
        let mut segments = segments();
        match segments.get_mut(&nonce) {
            Some(entry) if self.must_stay() => entry.kept = Some(Arc::clone(&self.cells)),
            // A thread that holds the lock keeps the cells, and the name goes at the end.
            Some(_) if Arc::strong_count(&self.cells) > 1 => {}
            _ => drop(segments.remove(&nonce)),
        }
    }
}

/// Unlinks the names that this process created: at its end.
#[pyfunction]
pub fn unlink_names() {
    let entries = std::mem::take(&mut *segments());
    for entry in entries.into_values().filter(|entry| entry.is_created) {
        if let Some(cells) = entry.kept.or_else(|| entry.cells.upgrade()) {
            // Refused for what a forked child inherited. If the system refuses, the name stays, as after a crash.
            let _ = unlink((*cells).as_ref());
        }
    }
}

/// Has `unlink_names` called at the end of this process, once. A forked child does not inherit it.
fn register_end(py: Python<'_>) -> PyResult<()> {
    let this = Some(std::process::id());
    if *REGISTERED.lock().unwrap_or_else(PoisonError::into_inner) != this {
        py.import("killproof._exit")?.call_method0("unlink_at_exit")?;
        *REGISTERED.lock().unwrap_or_else(PoisonError::into_inner) = this;
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
