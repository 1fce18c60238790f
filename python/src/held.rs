//! The locks that each thread holds.
//!
//! A robust mutex belongs to a thread, and Python acquires and releases it by two calls. In between the guard lies here, with how
//! often it was acquired. Only its own thread ever sees it.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{CellsGuard, LockError, LockedCells, OwnerWatch, SharedCells};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::error;

/// How long a wait goes on before it looks whether Python has a signal to handle (Ctrl-C).
pub const SLICE: Duration = Duration::from_millis(50);

/// How long a waiter waits before it looks whether the lock's owner exists.
const LOOK: Duration = Duration::from_secs(1);

struct Hold {
    guard: CellsGuard<Arc<SharedCells>>,
    depth: usize,
}

thread_local! {
    /// Never dropped: dropping would release the locks of a thread that ends while it holds them, and hide from the next owner
    /// that their work is unfinished. The kernel tells it when it finds them locked by a thread that is gone.
    static HELD: ManuallyDrop<RefCell<Vec<Hold>>> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// Calls `action` with this thread's hold of the lock, if it has one. `action` runs no Python code.
fn with_hold<R>(cells: &SharedCells, action: impl FnOnce(&mut Vec<Hold>, Option<usize>) -> R) -> R {
    HELD.with(|held| {
        let mut held = held.borrow_mut();
        // What a forked child finds here is its parent's.
        let place = held.iter().position(|hold| ptr::eq(&raw const **hold.guard.cells(), cells) && hold.guard.is_own());
        action(&mut held, place)
    })
}

/// How often this thread has acquired the lock and not released it.
pub fn depth(cells: &SharedCells) -> usize {
    with_hold(cells, |held, place| place.map_or(0, |place| held[place].depth))
}

/// Acquires once more a lock that this thread holds. Returns whether it does.
pub fn acquire_again(cells: &SharedCells) -> bool {
    with_hold(cells, |held, place| place.map(|place| held[place].depth += 1).is_some())
}

fn keep(guard: CellsGuard<Arc<SharedCells>>) {
    HELD.with(|held| held.borrow_mut().push(Hold { guard, depth: 1 }));
}

/// Acquires a lock that this thread does not hold, if nobody does. Returns whether it was acquired.
pub fn try_acquire(cells: &Arc<SharedCells>) -> PyResult<bool> {
    let guard = cells.try_lock_owned().map_err(|error| error::lock(*error))?;
    Ok(guard.map(keep).is_some())
}

/// How a wait for a lock ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Acquired {
    /// This thread holds the lock.
    Yes,
    /// The deadline has passed.
    No,
    /// A handler of a Python signal has acquired it in this thread, and has not released it.
    ByHandler,
}

/// Acquires a lock that this thread does not hold, or gives up at the deadline.
///
/// Other Python threads run meanwhile, and signals are handled.
pub fn acquire(py: Python<'_>, cells: &Arc<SharedCells>, deadline: Option<Instant>) -> PyResult<Acquired> {
    if try_acquire(cells)? {
        return Ok(Acquired::Yes);
    }
    let mut watch = OwnerWatch::default();
    let mut looked = Instant::now();
    loop {
        let left = deadline.map_or(SLICE, |deadline| deadline.saturating_duration_since(Instant::now()).min(SLICE));
        let owner = match py.detach(|| cells.lock_owned_within(left).map(keep)) {
            Ok(()) => return Ok(Acquired::Yes),
            Err(LockError::Busy { owner }) => owner,
            Err(error) => return Err(error::lock(error)),
        };
        py.check_signals()?;
        // A signal's handler may have acquired it: then this is no first time.
        if depth(cells) > 0 {
            return Ok(Acquired::ByHandler);
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Ok(Acquired::No);
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            watch.check((**cells).as_ref(), owner.as_ref()).map_err(error::lock)?;
        }
    }
}

/// Releases the lock once. Returns whether this thread held it.
pub fn release(cells: &SharedCells) -> bool {
    with_hold(cells, |held, place| {
        let Some(place) = place else { return false };
        held[place].depth -= 1;
        if held[place].depth == 0 {
            held.swap_remove(place);
        }
        true
    })
}

/// Clears the owners' deaths of a lock that this thread holds. Returns whether it does.
pub fn clear_owner_died(cells: &SharedCells) -> bool {
    with_hold(cells, |held, place| place.map(|place| held[place].guard.locked().clear_owner_died()).is_some())
}

/// The lock, acquired once for as long as this lives.
pub struct Holding<'a>(&'a SharedCells);

impl Holding<'_> {
    /// Leaves the lock acquired.
    pub fn leave(self) {
        std::mem::forget(self);
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        release(self.0);
    }
}

/// Acquires the lock, once more if this thread holds it.
pub fn hold<'a>(py: Python<'_>, cells: &'a Arc<SharedCells>) -> PyResult<Holding<'a>> {
    if !acquire_again(cells) && acquire(py, cells, None)? == Acquired::ByHandler {
        acquire_again(cells);
    }
    Ok(Holding(cells))
}

/// Does something under the lock: under the one that this thread holds, or one that is acquired for it.
pub fn locked<R>(
    py: Python<'_>,
    cells: &Arc<SharedCells>,
    action: impl Fn(LockedCells<'_>) -> Result<R, LockError>,
) -> PyResult<R> {
    if depth(cells) == 0
        && let Some(mut guard) = cells.try_lock().map_err(|error| error::lock(*error))?
    {
        return action(guard.locked()).map_err(error::lock);
    }
    let _holding = hold(py, cells)?;
    under_hold(cells, action)
}

/// Does something under the lock that this thread has acquired before.
///
/// It fails if Python code has released it since, or goes on in a forked child.
pub fn under_hold<R>(cells: &SharedCells, action: impl FnOnce(LockedCells<'_>) -> Result<R, LockError>) -> PyResult<R> {
    with_hold(cells, |held, place| place.map(|place| action(held[place].guard.locked())))
        .ok_or_else(|| PyRuntimeError::new_err("this thread does not hold the lock any more: nothing is stored"))?
        .map_err(error::lock)
}
