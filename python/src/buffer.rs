//! The buffer protocol: the memory of the cells for numpy, memoryview and ctypes.
#![expect(unsafe_code, reason = "the buffer protocol is one of C")]

use std::ffi::{CStr, c_int};
use std::ptr;

use common::{SharedCells, ValueType};
use pyo3::ffi::{Py_buffer, PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES};
use pyo3::prelude::*;

/// The shape and the strides of an array's buffers, in bytes.
pub struct Layout {
    len: isize,
    width: isize,
}

impl Layout {
    pub fn of(cells: &SharedCells) -> Self {
        Self { len: cells.len().cast_signed(), width: cells.value_type().width().cast_signed() }
    }
}

/// Fills in a buffer over the cells, writable and C-contiguous; without a layout it is that of a single number.
///
/// # Safety
/// `view` must be valid for writes. `owner` must be the object that keeps the cells alive, and that `layout` lies in.
pub unsafe fn fill(
    owner: Bound<'_, PyAny>,
    cells: &SharedCells,
    layout: Option<&Layout>,
    view: *mut Py_buffer,
    flags: c_int,
) {
    let width = cells.value_type().width();
    let asks_for = |flag: c_int| flags & flag == flag;
    let buffer = Py_buffer {
        buf: cells.as_ptr(),
        // The buffer owns a reference, so cells and layout live as long as it does (`PyBuffer_Release`).
        obj: owner.into_ptr(),
        len: (cells.len() * width).cast_signed(),
        itemsize: width.cast_signed(),
        readonly: 0,
        ndim: layout.is_some().into(),
        format: if asks_for(PyBUF_FORMAT) { format(cells.value_type()).as_ptr().cast_mut() } else { ptr::null_mut() },
        // Nobody writes to them: they are not const in C only because the exporter may have made them for this buffer.
        shape: pointer(layout.filter(|_| asks_for(PyBUF_ND)).map(|layout| &layout.len)),
        strides: pointer(layout.filter(|_| asks_for(PyBUF_STRIDES)).map(|layout| &layout.width)),
        suboffsets: ptr::null_mut(),
        internal: ptr::null_mut(),
    };
    // SAFETY: by the contract of this function.
    unsafe { view.write(buffer) };
}

fn pointer(number: Option<&isize>) -> *mut isize {
    number.map_or(ptr::null_mut(), |number| ptr::from_ref(number).cast_mut())
}

/// The type in the language of `struct`, with native sizes, as ctypes has it.
fn format(kind: ValueType) -> &'static CStr {
    match kind {
        ValueType::I32 => c"i",
        ValueType::I64 => c"l",
        ValueType::U32 => c"I",
        ValueType::U64 => c"L",
        ValueType::F32 => c"f",
        ValueType::F64 => c"d",
        ValueType::Bool => c"?",
    }
}
