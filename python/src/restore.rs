//! Attaching by name, and pickles: a name and a nonce.

use std::sync::Arc;

use common::SharedKind;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::array::Array;
use crate::handle::Handle;
use crate::lock::{Lock, RLock};
use crate::value::Value;

/// What `__reduce__` returns: a function, and its arguments.
pub type Reduced<'py> = (Bound<'py, PyAny>, (&'static str, String, u64, bool));

/// Attaches to what lies under that name: a Value, an Array, a Lock or an RLock.
#[pyfunction]
pub fn attach(py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
    let handle = Handle::attach(py, name, None)?;
    let what = match handle.cells.kind() {
        SharedKind::Value => "Value",
        SharedKind::Array => "Array",
        SharedKind::Lock => "Lock",
        SharedKind::RLock => "RLock",
    };
    object(py, what, handle, false)
}

/// Makes the object that was pickled.
#[pyfunction]
#[pyo3(name = "_restore")]
pub fn restore(py: Python<'_>, what: &str, name: &str, nonce: u64, is_strict: bool) -> PyResult<Py<PyAny>> {
    object(py, what, Handle::attach(py, name, Some(nonce))?, is_strict)
}

/// The pickle of an object.
pub fn reduce<'py>(py: Python<'py>, what: &'static str, handle: &Handle, is_strict: bool) -> PyResult<Reduced<'py>> {
    let (name, nonce) = handle.pickled();
    Ok((py.import("killproof._native")?.getattr("_restore")?, (what, name, nonce, is_strict)))
}

fn object(py: Python<'_>, what: &str, handle: Arc<Handle>, is_strict: bool) -> PyResult<Py<PyAny>> {
    Ok(match what {
        "Value" => Py::new(py, Value::over(py, handle)?)?.into_any(),
        "Array" => Py::new(py, Array::over(py, handle)?)?.into_any(),
        "Lock" => Py::new(py, Lock::over(handle))?.into_any(),
        "RLock" => Py::new(py, RLock::over(handle, is_strict))?.into_any(),
        what => return Err(PyValueError::new_err(format!("not a class of killproof: {what:?}"))),
    })
}
