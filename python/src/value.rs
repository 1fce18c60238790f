//! `Value`: one number that processes share.

use std::convert::Infallible;
use std::ffi::c_int;
use std::sync::Arc;

use common::{SharedKind, ValueType};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi::Py_buffer;
use pyo3::prelude::*;

use crate::handle::Handle;
use crate::synchronized::{Synchronized, check_lock};
use crate::{buffer, error, held, number};

/// A number that processes share, with its lock: multiprocessing.Value, whole whichever process is killed.
#[pyclass(frozen, extends = Synchronized, module = "killproof")]
pub struct Value;

impl Value {
    pub fn over(py: Python<'_>, handle: Arc<Handle>) -> PyResult<PyClassInitializer<Self>> {
        Ok(Synchronized::over(py, handle)?.add_subclass(Self))
    }

    fn add_bits(slf: &Bound<'_, Self>, number: &Bound<'_, PyAny>) -> PyResult<u64> {
        let shared = slf.as_super().get();
        let bits = addend(shared.kind(), number)?;
        held::locked(slf.py(), shared.cells(), |mut cells| cells.add_at(0, bits))
    }
}

/// The bits of a number to add.
pub fn addend(kind: ValueType, number: &Bound<'_, PyAny>) -> PyResult<u64> {
    if kind == ValueType::Bool {
        return Err(PyTypeError::new_err("a c_bool cannot be added to: assign to it, or use a typecode"));
    }
    number::bits(kind, number)
}

/// The argument `value`, whose default is not None: that is no number.
enum Initial<'py> {
    Zero,
    Given(Bound<'py, PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Initial<'py> {
    type Error = Infallible;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> Result<Self, Self::Error> {
        Ok(Self::Given(value.to_owned()))
    }
}

#[pymethods]
impl Value {
    #[new]
    #[pyo3(
        signature = (typecode, value = Initial::Zero, *, lock = None, name = None),
        text_signature = "(typecode, value=0, *, lock=True, name=None)"
    )]
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn new(
        py: Python<'_>,
        typecode: &Bound<'_, PyAny>,
        value: Initial<'_>,
        lock: Option<&Bound<'_, PyAny>>,
        name: Option<&str>,
    ) -> PyResult<PyClassInitializer<Self>> {
        check_lock(lock)?;
        let kind = number::value_type(typecode)?;
        let bits = match &value {
            Initial::Zero => 0,
            Initial::Given(value) => number::bits(kind, value)?,
        };
        Self::over(py, Handle::create(py, name, SharedKind::Value, kind, 1, &[bits])?)
    }

    /// The number. Reading takes no lock; writing does.
    #[getter]
    fn value<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let shared = slf.as_super().get();
        let bits = shared.cells().get(0).map_err(error::lock)?.unwrap_or_default();
        number::object(slf.py(), shared.kind(), bits)
    }

    #[setter]
    fn set_value(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let shared = slf.as_super().get();
        let bits = number::bits(shared.kind(), value)?;
        held::locked(slf.py(), shared.cells(), |mut cells| cells.set(0, bits))
    }

    /// Adds to the number in one commit, and returns the sum.
    #[pyo3(signature = (number, /))]
    fn add<'py>(slf: &Bound<'py, Self>, number: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let sum = Self::add_bits(slf, number)?;
        number::object(slf.py(), slf.as_super().get().kind(), sum)
    }

    fn __iadd__(slf: &Bound<'_, Self>, number: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::add_bits(slf, number).map(drop)
    }

    /// Replaces the number by `function(number)` in one commit, under the lock, and returns the new one.
    fn update<'py>(slf: &Bound<'py, Self>, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let shared = slf.as_super().get();
        let _holding = held::hold(slf.py(), shared.cells())?;
        let bits = number::bits(shared.kind(), &function.call1((Self::value(slf)?,))?)?;
        held::under_hold(shared.cells(), |mut cells| cells.replace(&[(0, bits)]))?;
        number::object(slf.py(), shared.kind(), bits)
    }

    /// The ctypes object that shares the memory. Writing to it needs the lock.
    fn get_obj<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        number::ctype(slf.py(), slf.as_super().get().kind())?.call_method1("from_buffer", (slf,))
    }

    #[expect(unsafe_code, reason = "the buffer protocol is one of C")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut Py_buffer, flags: c_int) {
        let cells = Arc::clone(slf.as_super().get().cells());
        // SAFETY: the interpreter calls this with a buffer to fill, as `fill` asks for.
        unsafe { buffer::fill(slf.into_any(), &cells, None, view, flags) }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let shared = slf.as_super().get();
        let (code, value) = (number::typecode(shared.kind()), Self::value(slf)?);
        Ok(format!("Value('{code}', {}, name='{}')", value.repr()?, shared.cells().name()))
    }
}
