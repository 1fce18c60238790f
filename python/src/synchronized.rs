//! What `Value` and `Array` have in common: their segment and its lock.

use std::sync::Arc;

use common::{SharedCells, SharedKind, ValueType};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyTuple, PyType};

use crate::handle::Handle;
use crate::lock::{RLock, SharedLock, truth};
use crate::restore;

/// What Value and Array have in common.
#[pyclass(frozen, subclass, weakref, module = "killproof._native")]
pub struct Synchronized {
    handle: Arc<Handle>,
    lock: Py<RLock>,
    strict_lock: PyOnceLock<Py<RLock>>,
}

impl Synchronized {
    pub fn over(py: Python<'_>, handle: Arc<Handle>) -> PyResult<PyClassInitializer<Self>> {
        let lock = Py::new(py, RLock::over(Arc::clone(&handle), false))?;
        Ok(PyClassInitializer::from(Self { handle, lock, strict_lock: PyOnceLock::new() }))
    }

    pub fn cells(&self) -> &Arc<SharedCells> {
        &self.handle.cells
    }

    pub fn kind(&self) -> ValueType {
        self.cells().value_type()
    }

    fn lock<'py>(&self, py: Python<'py>) -> &Bound<'py, SharedLock> {
        self.lock.bind(py).as_super()
    }
}

/// Checks the argument `lock`, which multiprocessing's code may give.
pub fn check_lock(lock: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(lock) = lock else { return Ok(()) };
    match lock.cast::<PyBool>() {
        Ok(truth) if truth.is_true() => Ok(()),
        Ok(_) => Err(PyTypeError::new_err(
            "lock=False: a value of killproof always has its lock, because a crash-safe change needs it; leave lock= out",
        )),
        Err(_) => Err(PyTypeError::new_err(format!(
            "lock={}: a value of killproof has a lock of its own, which lies beside it in memory; leave lock= out and use \
             get_lock()",
            lock.repr()?
        ))),
    }
}

#[pymethods]
impl Synchronized {
    /// The lock, an RLock. A strict one raises OwnerDied as long as the death of an owner is not cleared.
    #[pyo3(signature = (*, strict = false))]
    fn get_lock(&self, py: Python<'_>, strict: bool) -> PyResult<Py<RLock>> {
        if !strict {
            return Ok(self.lock.clone_ref(py));
        }
        let lock = self.strict_lock.get_or_try_init(py, || Py::new(py, RLock::over(Arc::clone(&self.handle), true)))?;
        Ok(lock.clone_ref(py))
    }

    /// Acquires the lock: `get_lock().acquire`.
    #[pyo3(signature = (block = None, timeout = None), text_signature = "($self, block=True, timeout=None)")]
    fn acquire(&self, py: Python<'_>, block: Option<&Bound<'_, PyAny>>, timeout: Option<f64>) -> PyResult<bool> {
        self.lock(py).get().acquire(py, truth(block)?, timeout)
    }

    /// Releases the lock: `get_lock().release`.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.lock(py).get().release()
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<Py<RLock>> {
        self.lock(py).get().acquire(py, true, None)?;
        Ok(self.lock.clone_ref(py))
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.release(exception.py())
    }

    /// The name by which other processes attach.
    #[getter]
    fn name(&self) -> &str {
        self.cells().name().as_str()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<restore::Reduced<'py>> {
        let what = if self.cells().kind() == SharedKind::Array { "Array" } else { "Value" };
        restore::reduce(py, what, &self.handle, false)
    }

    /// `Value[int]` and `Array[int]`, for annotations.
    #[classmethod]
    fn __class_getitem__<'py>(class: &Bound<'py, PyType>, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        class.py().import("types")?.call_method1("GenericAlias", (class, item))
    }
}
