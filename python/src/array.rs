//! `Array`: several numbers that processes share.

use std::ffi::c_int;
use std::sync::Arc;

use common::{SharedCells, SharedKind};
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::ffi::Py_buffer;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PySlice};

use crate::handle::Handle;
use crate::synchronized::{Synchronized, check_lock};
use crate::value::addend;
use crate::{buffer, error, held, number};

/// Numbers that processes share, with one lock: multiprocessing.Array, whole whichever process is killed.
#[pyclass(frozen, sequence, extends = Synchronized, module = "killproof")]
pub struct Array {
    /// The shape and the strides of its buffers, which must stay where they are.
    layout: buffer::Layout,
}

impl Array {
    pub fn over(py: Python<'_>, handle: Arc<Handle>) -> PyResult<PyClassInitializer<Self>> {
        let layout = buffer::Layout::of(&handle.cells);
        Ok(Synchronized::over(py, handle)?.add_subclass(Self { layout }))
    }

    fn item<'py>(slf: &Bound<'py, Self>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        let shared = slf.as_super().get();
        let bits = shared.cells().get(index).map_err(error::lock)?;
        number::object(slf.py(), shared.kind(), bits.ok_or_else(|| out_of_range(shared.cells()))?)
    }

    fn place(slf: &Bound<'_, Self>, index: &Bound<'_, PyAny>) -> PyResult<usize> {
        place(slf.as_super().get().cells(), index)
    }
}

/// The cell that an index names, counted from the end if it is negative.
fn place(cells: &SharedCells, index: &Bound<'_, PyAny>) -> PyResult<usize> {
    let index = match index.extract::<isize>() {
        Err(error) if error.is_instance_of::<PyOverflowError>(index.py()) => return Err(out_of_range(cells)),
        Err(_) if !index.hasattr(intern!(index.py(), "__index__"))? => {
            return Err(PyTypeError::new_err("array indices must be integers or slices"));
        }
        // Its own.
        Err(error) => return Err(error),
        Ok(index) => index,
    };
    let place = if index < 0 { cells.len().checked_add_signed(index) } else { Some(index.unsigned_abs()) };
    place.filter(|place| *place < cells.len()).ok_or_else(|| out_of_range(cells))
}

fn out_of_range(cells: &SharedCells) -> PyErr {
    PyIndexError::new_err(format!("array index out of range: it has {} cells", cells.len()))
}

/// The cells that a slice names, in its order.
fn places(
    cells: &SharedCells,
    slice: &Bound<'_, PySlice>,
) -> PyResult<impl ExactSizeIterator<Item = usize> + Clone + use<>> {
    let indices = slice.indices(isize::try_from(cells.len())?)?;
    let (start, step) = (indices.start, indices.step);
    let nth = move |n: usize| (start + step * n.cast_signed()).unsigned_abs();
    Ok((0..indices.slicelength).map(nth))
}

#[pymethods]
impl Array {
    #[new]
    #[pyo3(
        signature = (typecode, size_or_iterable, *, lock = None, name = None),
        text_signature = "(typecode, size_or_iterable, *, lock=True, name=None)"
    )]
    fn new(
        py: Python<'_>,
        typecode: &Bound<'_, PyAny>,
        size_or_iterable: &Bound<'_, PyAny>,
        lock: Option<&Bound<'_, PyAny>>,
        name: Option<&str>,
    ) -> PyResult<PyClassInitializer<Self>> {
        check_lock(lock)?;
        let kind = number::value_type(typecode)?;
        let (len, initial) = if size_or_iterable.is_instance_of::<PyInt>() {
            (size_or_iterable.extract::<i128>().unwrap_or(i128::MAX), Vec::new())
        } else {
            let initial = size_or_iterable.try_iter()?.map(|item| number::bits(kind, &item?));
            let initial = initial.collect::<PyResult<Vec<u64>>>()?;
            (initial.len() as i128, initial)
        };
        if len < 1 {
            return Err(PyValueError::new_err(format!("an Array has at least one cell, not {len}")));
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        Self::over(py, Handle::create(py, name, SharedKind::Array, kind, len, &initial)?)
    }

    fn __len__(slf: &Bound<'_, Self>) -> usize {
        slf.as_super().get().cells().len()
    }

    /// Reads each cell when its turn comes.
    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let builtins = slf.py().import("builtins")?;
        let indices = builtins.call_method1("range", (Self::__len__(slf),))?;
        builtins.call_method1("map", (slf.getattr("__getitem__")?, indices))?.try_iter().map(Bound::into_any)
    }

    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let Ok(slice) = index.cast::<PySlice>() else { return Self::item(slf, Self::place(slf, index)?) };
        let shared = slf.as_super().get();
        let places = places(shared.cells(), slice)?;
        // Under the lock: a slice that is read never has half of one that is stored, also not of a dead process.
        let bits = held::locked(slf.py(), shared.cells(), |cells| {
            places.clone().map(|place| cells.get(place).map(Option::unwrap_or_default)).collect::<Result<Vec<u64>, _>>()
        })?;
        let items = bits.iter().map(|bits| number::object(slf.py(), shared.kind(), *bits));
        Ok(PyList::new(slf.py(), items.collect::<PyResult<Vec<_>>>()?)?.into_any())
    }

    fn __setitem__(slf: &Bound<'_, Self>, index: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let shared = slf.as_super().get();
        let Ok(slice) = index.cast::<PySlice>() else {
            let place = Self::place(slf, index)?;
            let bits = number::bits(shared.kind(), value)?;
            return held::locked(slf.py(), shared.cells(), |mut cells| cells.set(place, bits));
        };
        let bits = value.try_iter()?.map(|item| number::bits(shared.kind(), &item?));
        let bits = bits.collect::<PyResult<Vec<u64>>>()?;
        let places = places(shared.cells(), slice)?;
        if bits.len() != places.len() {
            let message =
                format!("{} values for a slice of {} cells: an Array keeps its length", bits.len(), places.len());
            return Err(PyValueError::new_err(message));
        }
        let changes: Vec<(usize, u64)> = places.zip(bits).collect();
        held::locked(slf.py(), shared.cells(), |mut cells| cells.replace(&changes))
    }

    #[expect(clippy::unused_self, reason = "a method of the protocol")]
    fn __delitem__(&self, _index: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("an Array keeps its length: its cells cannot be deleted"))
    }

    /// Adds to one cell in one commit, and returns the sum.
    fn add<'py>(
        slf: &Bound<'py, Self>,
        index: &Bound<'py, PyAny>,
        number: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let shared = slf.as_super().get();
        let place = Self::place(slf, index)?;
        let bits = addend(shared.kind(), number)?;
        let sum = held::locked(slf.py(), shared.cells(), |mut cells| cells.add_at(place, bits))?;
        number::object(slf.py(), shared.kind(), sum)
    }

    /// The ctypes array that shares the memory. Writing to it needs the lock.
    fn get_obj<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let shared = slf.as_super().get();
        let ctype = number::ctype(slf.py(), shared.kind())?.mul(shared.cells().len())?;
        ctype.call_method1("from_buffer", (slf,))
    }

    #[expect(unsafe_code, reason = "the buffer protocol is one of C")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut Py_buffer, flags: c_int) {
        let cells = Arc::clone(slf.as_super().get().cells());
        let layout: *const buffer::Layout = &raw const slf.get().layout;
        // SAFETY: the interpreter calls this with a buffer to fill, as `fill` asks for. The layout lies in this object.
        unsafe { buffer::fill(slf.into_any(), &cells, Some(&*layout), view, flags) }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let shared = slf.as_super().get();
        // Without the lock, which another process may hold for long.
        let len = shared.cells().len();
        let items = (0..len.min(MOST_SHOWN)).map(|index| Self::item(slf, index)).collect::<PyResult<Vec<_>>>()?;
        let items = PyList::new(slf.py(), items)?.repr()?.to_string();
        let more = if len > MOST_SHOWN { ", …" } else { "" };
        let items = items.trim_end_matches(']');
        let code = number::typecode(shared.kind());
        Ok(format!("Array('{code}', {items}{more}], name='{}')", shared.cells().name()))
    }
}

/// How many cells `repr` shows.
const MOST_SHOWN: usize = 16;
