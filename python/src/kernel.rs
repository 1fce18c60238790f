//! Kernels that are Python functions, and the worker that computes them.

use std::any::Any;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;
use worker::{Contribution, Failure, Kernel, Task, Watch};

use crate::contribution::{self, Unfit};

/// A Python function of `start`, `end` and the seed.
struct PyKernel {
    name: String,
    about: String,
    cells: Option<u32>,
    function: Py<PyAny>,
    /// Gives the text of an exception: the reason in one line, and the traceback below it.
    explain: Py<PyAny>,
    /// Is told the start, the end and the text of each failure, if there is one.
    tell: Option<Py<PyAny>>,
}

impl Kernel for PyKernel {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &str {
        &self.about
    }

    fn cells(&self) -> Option<u32> {
        self.cells
    }

    fn watches(&self) -> bool {
        false
    }

    fn compute(&self, task: &Task, _: &mut dyn Watch) -> Result<Contribution, Failure> {
        // A panic must not unwind through the worker, which would not say which range it was.
        catch_unwind(AssertUnwindSafe(|| Python::attach(|py| self.call(py, task))))
            .unwrap_or_else(|panic| Err(Failure::Failed(panic_text(&*panic))))
    }

    fn finish(&self) {
        Python::attach(|py| {
            // Whatever it raises: the worker leaves, and kills what is left.
            let _ = py.import("killproof._exit").and_then(|module| module.call_method0("finish_worker"));
        });
    }
}

impl PyKernel {
    fn call(&self, py: Python<'_>, task: &Task) -> Result<Contribution, Failure> {
        let called = self.function.bind(py).call1((task.range.start, task.range.end, task.seed));
        let contribution = called.map_err(Unfit::from).and_then(|result| contribution::of(&result, &task.terms));
        contribution.map_err(|unfit| {
            let text = match unfit {
                Unfit::Result(why) => why,
                Unfit::Raised(error) => self.text(py, error),
            };
            if let Some(tell) = &self.tell {
                // The report has it, too.
                let _ = tell.call1(py, (task.range.start, task.range.end, &text));
            }
            Failure::Failed(text)
        })
    }

    /// The text of an exception; the name of its type if it cannot be explained.
    fn text(&self, py: Python<'_>, error: PyErr) -> String {
        // With its traceback: `value` alone has none in CPython 3.11.
        let error = error.into_value(py).into_bound(py);
        let explained = self.explain.bind(py).call1((&error,)).and_then(|text| text.extract());
        explained.unwrap_or_else(|_| match error.get_type().qualname() {
            Ok(name) => name.to_string(),
            Err(_) => "an exception without a name".to_owned(),
        })
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let what = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    format!("panic: {}", what.unwrap_or("without a message"))
}

/// Runs a worker with these kernels, and the built-in ones. Returns its exit code.
///
/// Other Python threads run meanwhile, except while a kernel computes without leaving them the GIL.
#[pyfunction]
#[pyo3(signature = (args, kernels, explain, tell=None))]
pub fn run_worker(
    py: Python<'_>,
    args: Vec<OsString>,
    kernels: Vec<(String, String, Option<u32>, Py<PyAny>)>,
    explain: &Bound<'_, PyAny>,
    tell: Option<&Bound<'_, PyAny>>,
) -> u8 {
    let kernels: Vec<PyKernel> = kernels
        .into_iter()
        .map(|(name, about, cells, function)| {
            let (explain, tell) = (explain.clone().unbind(), tell.map(|tell| tell.clone().unbind()));
            PyKernel { name, about, cells, function, explain, tell }
        })
        .collect();
    let kernels: Vec<&dyn Kernel> = kernels.iter().map(|kernel| -> &dyn Kernel { kernel }).collect();
    py.detach(|| worker::run(args, &kernels))
}

/// The names of the built-in kernels.
pub fn built_in() -> Vec<&'static str> {
    worker::kernel::built_in().iter().map(|kernel| kernel.name()).collect()
}
