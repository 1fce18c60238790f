//! The Python package `killproof`: values, arrays and locks that survive the death of any process that uses them.
//!
//! A binding over `common` and `worker`: nothing of the protocol is written again here.
//!
//! | module | what |
//! |---|---|
//! | `number` | typecodes, and Python's numbers as the bits of a cell |
//! | `handle` | the segments of this process, and how long their names live |
//! | `held` | the locks that each thread holds |
//! | `synchronized`, `value`, `array`, `lock`, `transaction` | the classes |
//! | `buffer` | the buffer protocol: the only unsafe code |
//! | `restore` | attaching by name, and pickles |
//! | `kernel` | Python functions as a worker's kernels |
//! | `contribution` | what such a function returns, as numbers |

mod array;
mod buffer;
mod contribution;
mod error;
mod handle;
mod held;
mod kernel;
mod lock;
mod number;
mod restore;
mod synchronized;
mod transaction;
mod value;

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The native part of `killproof`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    must_be_main_interpreter(module.py())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("OwnerDied", module.py().get_type::<error::OwnerDied>())?;
    module.add_class::<synchronized::Synchronized>()?;
    module.add_class::<value::Value>()?;
    module.add_class::<array::Array>()?;
    module.add_class::<lock::SharedLock>()?;
    module.add_class::<lock::Lock>()?;
    module.add_class::<lock::RLock>()?;
    module.add_class::<transaction::Transaction>()?;
    module.add_function(wrap_pyfunction!(transaction::transaction, module)?)?;
    module.add_function(wrap_pyfunction!(restore::attach, module)?)?;
    module.add_function(wrap_pyfunction!(restore::restore, module)?)?;
    module.add_function(wrap_pyfunction!(handle::unlink_names, module)?)?;
    module.add("built_in_kernels", PyTuple::new(module.py(), kernel::built_in())?)?;
    module.add_function(wrap_pyfunction!(kernel::run_worker, module)?)
}

/// Refuses a subinterpreter: its threads would share locks and names with those of the main interpreter without knowing.
fn must_be_main_interpreter(py: Python<'_>) -> PyResult<()> {
    // Its name in CPython 3.13 and later, and before. Without it there are no subinterpreters.
    let Ok(interpreters) = py.import("_interpreters").or_else(|_| py.import("_xxsubinterpreters")) else {
        return Ok(());
    };
    let id = |which: &str| -> PyResult<String> { Ok(interpreters.call_method0(which)?.str()?.to_string()) };
    if id("get_current")? == id("get_main")? {
        return Ok(());
    }
    Err(PyImportError::new_err("killproof does not work in a subinterpreter: use threads or processes"))
}
