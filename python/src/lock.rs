//! `Lock` and `RLock`, and the lock of a value or an array.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{LockOutcome, SharedCells, SharedKind, ValueType};
use pyo3::exceptions::{PyAssertionError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::OwnerDied;
use crate::handle::Handle;
use crate::held::{Acquired, SLICE};
use crate::{held, restore};

/// What Lock and RLock have in common.
#[pyclass(frozen, subclass, weakref, module = "killproof._native")]
pub struct SharedLock {
    handle: Arc<Handle>,
    is_recursive: bool,
    /// Whether acquiring raises OwnerDied.
    is_strict: bool,
}

/// A lock that outlives its holder: multiprocessing.Lock, released by the thread that acquired it.
#[pyclass(frozen, extends = SharedLock, module = "killproof")]
pub struct Lock;

/// A lock that its holder may acquire again: multiprocessing.RLock.
#[pyclass(frozen, extends = SharedLock, module = "killproof")]
pub struct RLock;

#[pymethods]
impl Lock {
    #[new]
    #[pyo3(signature = (*, name = None))]
    fn new(py: Python<'_>, name: Option<&str>) -> PyResult<PyClassInitializer<Self>> {
        Ok(Self::over(create(py, name, SharedKind::Lock)?))
    }
}

impl Lock {
    pub fn over(handle: Arc<Handle>) -> PyClassInitializer<Self> {
        PyClassInitializer::from(SharedLock { handle, is_recursive: false, is_strict: false }).add_subclass(Self)
    }
}

#[pymethods]
impl RLock {
    #[new]
    #[pyo3(signature = (*, name = None))]
    fn new(py: Python<'_>, name: Option<&str>) -> PyResult<PyClassInitializer<Self>> {
        Ok(Self::over(create(py, name, SharedKind::RLock)?, false))
    }
}

impl RLock {
    pub fn over(handle: Arc<Handle>, is_strict: bool) -> PyClassInitializer<Self> {
        PyClassInitializer::from(SharedLock { handle, is_recursive: true, is_strict }).add_subclass(Self)
    }
}

fn create(py: Python<'_>, name: Option<&str>, kind: SharedKind) -> PyResult<Arc<Handle>> {
    Handle::create(py, name, kind, ValueType::Bool, 1, &[])
}

#[pymethods]
impl SharedLock {
    /// Acquires the lock. Returns False if `block` is false and it is held, or when `timeout` seconds have passed.
    #[pyo3(name = "acquire", signature = (block = None, timeout = None), text_signature = "($self, block=True, timeout=None)")]
    fn acquire_if(&self, py: Python<'_>, block: Option<&Bound<'_, PyAny>>, timeout: Option<f64>) -> PyResult<bool> {
        self.acquire(py, truth(block)?, timeout)
    }

    /// Releases the lock, which this thread must hold.
    pub fn release(&self) -> PyResult<()> {
        match (held::release(self.cells()), self.is_recursive) {
            (true, _) => Ok(()),
            (false, true) => {
                Err(PyAssertionError::new_err("attempt to release a recursive lock not owned by this thread"))
            }
            (false, false) => Err(PyValueError::new_err("attempt to release a lock not owned by this thread")),
        }
    }

    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().acquire(slf.py(), true, None)?;
        Ok(slf.clone())
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.release()
    }

    /// Whether an owner died while holding the lock, and nobody has cleared the death since.
    #[getter]
    fn owner_died(&self) -> bool {
        self.cells().outcome() == LockOutcome::OwnerDied
    }

    /// Tells all processes that what the lock guards makes sense again. This thread must hold the lock.
    fn clear_owner_died(&self) -> PyResult<()> {
        if held::clear_owner_died(self.cells()) {
            return Ok(());
        }
        Err(PyRuntimeError::new_err("acquire the lock before you clear the death of its owner"))
    }

    /// The name by which other processes attach.
    #[getter]
    fn name(&self) -> &str {
        self.cells().name().as_str()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<restore::Reduced<'py>> {
        let what = if slf.get().is_recursive { "RLock" } else { "Lock" };
        restore::reduce(slf.py(), what, &slf.get().handle, slf.get().is_strict)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("{}(name='{}')", slf.get_type().qualname()?, slf.get().name()))
    }
}

/// The argument `block`, of which multiprocessing takes the truth.
pub fn truth(block: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
    block.map_or(Ok(true), PyAnyMethods::is_truthy)
}

impl SharedLock {
    /// The same, from Rust.
    pub fn acquire(&self, py: Python<'_>, block: bool, timeout: Option<f64>) -> PyResult<bool> {
        let patience = if block { Patience::of(timeout)? } else { Patience::None };
        let is_acquired = self.acquire_patiently(py, patience)?;
        if is_acquired && self.is_strict && self.owner_died() {
            held::release(self.cells());
            return Err(OwnerDied::new_err(format!(
                "an owner of the lock of \"{}\" died while holding it: put right what it guards, under get_lock(), and call \
                 clear_owner_died()",
                self.cells().name()
            )));
        }
        Ok(is_acquired)
    }

    fn cells(&self) -> &Arc<SharedCells> {
        &self.handle.cells
    }

    fn acquire_patiently(&self, py: Python<'_>, patience: Patience) -> PyResult<bool> {
        if held::depth(self.cells()) == 0 {
            let acquired = match patience {
                Patience::None => return held::try_acquire(self.cells()),
                Patience::Until(deadline) => held::acquire(py, self.cells(), Some(deadline))?,
                Patience::Endless => held::acquire(py, self.cells(), None)?,
            };
            if acquired != Acquired::ByHandler {
                return Ok(acquired == Acquired::Yes);
            }
        }
        if self.is_recursive {
            return Ok(held::acquire_again(self.cells()));
        }
        match patience {
            Patience::None => Ok(false),
            Patience::Until(deadline) => sleep_until(py, deadline).map(|()| false),
            Patience::Endless => Err(PyRuntimeError::new_err(format!(
                "this thread holds the Lock \"{}\" already and would wait for itself: use an RLock",
                self.name()
            ))),
        }
    }
}

/// How long to wait for a lock.
#[derive(Clone, Copy)]
enum Patience {
    None,
    Until(Instant),
    Endless,
}

impl Patience {
    /// The patience for a timeout in seconds. A negative timeout does not wait, as in multiprocessing.
    fn of(timeout: Option<f64>) -> PyResult<Self> {
        match timeout {
            None => Ok(Self::Endless),
            Some(seconds) if seconds.is_nan() => Err(PyValueError::new_err("timeout is not a number of seconds: nan")),
            Some(seconds) if seconds <= 0.0 => Ok(Self::None),
            Some(seconds) => {
                // What the clock cannot count to never comes.
                let deadline =
                    Duration::try_from_secs_f64(seconds).ok().and_then(|time| Instant::now().checked_add(time));
                Ok(deadline.map_or(Self::Endless, Self::Until))
            }
        }
    }
}

/// Sleeps as a wait would for a lock that is never released.
fn sleep_until(py: Python<'_>, deadline: Instant) -> PyResult<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        py.detach(|| std::thread::sleep(left.min(SLICE)));
        py.check_signals()?;
    }
}
