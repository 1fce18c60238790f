//! `transaction`: all changes of a block, or none.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};

use crate::synchronized::Synchronized;
use crate::{error, held, number};

/// Holds the lock for a block and gives the cells as a list; at its end it stores those that were changed, all or none.
#[pyclass(frozen, module = "killproof")]
pub struct Transaction {
    target: Py<Synchronized>,
    block: Mutex<Option<Block>>,
}

/// The block that is being executed.
struct Block {
    list: Py<PyList>,
    /// The bits of the cells when it began.
    before: Vec<u64>,
}

/// Holds the lock of an Array or a Value for a block, and gives its cells as a list. At the end of the block the cells that it
/// changed are stored, all or none; if it raises, none.
#[pyfunction]
pub fn transaction(target: Py<Synchronized>) -> Transaction {
    Transaction { target, block: Mutex::new(None) }
}

#[pymethods]
impl Transaction {
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        if self.lock_block().is_some() {
            return Err(PyRuntimeError::new_err("this transaction is in its block already: make another one"));
        }
        let shared = self.target.get();
        let holding = held::hold(py, shared.cells())?;
        let cell = |index| shared.cells().get(index).map(Option::unwrap_or_default).map_err(error::lock);
        let before = (0..shared.cells().len()).map(cell).collect::<PyResult<Vec<u64>>>()?;
        let items = before.iter().map(|bits| number::object(py, shared.kind(), *bits)).collect::<PyResult<Vec<_>>>()?;
        let list = PyList::new(py, items)?;
        *self.lock_block() = Some(Block { list: list.clone().unbind(), before });
        holding.leave();
        Ok(list)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        exception_type: Option<&Bound<'_, PyType>>,
        _exception: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if held::depth(self.target.get().cells()) == 0 {
            return Err(PyRuntimeError::new_err("a transaction ends in the thread in which it began, under the lock"));
        }
        let block = self.lock_block().take();
        let block = block.ok_or_else(|| PyRuntimeError::new_err("this transaction is not in its block"))?;
        let shared = self.target.get();
        let stored = if exception_type.is_some() { Ok(()) } else { self.store(py, &block) };
        held::release(shared.cells());
        stored
    }
}

impl Transaction {
    fn store(&self, py: Python<'_>, block: &Block) -> PyResult<()> {
        let shared = self.target.get();
        let list = block.list.bind(py);
        // Python code may run meanwhile, and change the list.
        let after = list.iter().map(|item| number::bits(shared.kind(), &item)).collect::<PyResult<Vec<u64>>>()?;
        for len in [after.len(), list.len()] {
            if len != block.before.len() {
                let message = format!("{len} cells after a transaction over {}: nothing is stored", block.before.len());
                return Err(PyValueError::new_err(message));
            }
        }
        let cells = (0..).zip(after).zip(&block.before);
        let is_same = |one: u64, other: u64| shared.kind().value(one) == shared.kind().value(other);
        let changes = cells.filter(|((_, after), before)| !is_same(*after, **before)).map(|(change, _)| change);
        let changes: Vec<(usize, u64)> = changes.collect();
        held::under_hold(shared.cells(), |mut cells| cells.replace(&changes))
    }

    fn lock_block(&self) -> std::sync::MutexGuard<'_, Option<Block>> {
        self.block.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
