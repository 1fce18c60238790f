//! What a Python kernel returns, as the numbers that a worker adds.

use common::{Number, Terms};
use pyo3::exceptions::PyOverflowError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyFloat, PyInt, PyList, PyMapping, PyString};
use worker::Contribution;

/// Why a result is no contribution.
pub enum Unfit {
    /// It is not what the run needs.
    Result(String),
    /// Python code raised this.
    Raised(PyErr),
}

impl From<PyErr> for Unfit {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// The numbers of a kernel's result: one for each cell.
pub fn of(result: &Bound<'_, PyAny>, terms: &Terms) -> Result<Contribution, Unfit> {
    if let Some(number) = number(result, terms)? {
        return if terms.cells == 1 { Ok(number.into()) } else { Err(count(1, terms)) };
    }
    if has(result, intern!(result.py(), "tolist"))? {
        must_be_flat(result, terms)?;
        let listed = result.call_method0(intern!(result.py(), "tolist"))?;
        // An array without dimensions gives a number.
        return if listed.is_instance_of::<PyList>() { numbers(&listed, terms) } else { of(&listed, terms) };
    }
    if is_sequence(result)? { numbers(result, terms) } else { Err(no_number("returned", result, terms)) }
}

/// The numbers of a sequence.
fn numbers(sequence: &Bound<'_, PyAny>, terms: &Terms) -> Result<Contribution, Unfit> {
    let cells = terms.cells as usize;
    let length = sequence.len()?;
    if length != cells {
        return Err(count(length, terms));
    }
    let mut numbers = Vec::with_capacity(cells);
    // Not more, however many it has by now.
    for item in sequence.try_iter()?.take(cells + 1) {
        let item = item?;
        numbers.push(number(&item, terms)?.ok_or_else(|| no_number("returned, among others,", &item, terms))?);
    }
    if numbers.len() == cells { Ok(numbers.into()) } else { Err(count(numbers.len(), terms)) }
}

/// The number that this object is. `None` if it is not a number; an array with one element is not.
fn number(object: &Bound<'_, PyAny>, terms: &Terms) -> Result<Option<Number>, Unfit> {
    let py = object.py();
    if let Some(number) = of_python(object, terms)? {
        return Ok(Some(number));
    }
    if has(object, intern!(py, "tolist"))? {
        if has(object, intern!(py, "__len__"))? {
            return Ok(None);
        }
        // A number of numpy: it has a nearest one of Python, and lets itself be converted to others with loss.
        let own = object.call_method0(intern!(py, "tolist"))?;
        if !own.get_type().is(object.get_type()) {
            return of_python(&own, terms);
        }
    }
    if has(object, intern!(py, "__index__"))? {
        let index = py.import(intern!(py, "operator"))?.call_method1(intern!(py, "index"), (object,))?;
        return of_python(&index, terms);
    }
    if has(object, intern!(py, "__float__"))? {
        return fraction(object.extract()?, terms).map(Some);
    }
    Ok(None)
}

/// A number of Python's own types.
fn of_python(object: &Bound<'_, PyAny>, terms: &Terms) -> Result<Option<Number>, Unfit> {
    if let Ok(integer) = object.cast::<PyInt>() {
        return whole(integer, terms).map(Some);
    }
    object.cast::<PyFloat>().ok().map(|float| fraction(float.value(), terms)).transpose()
}

/// An integer, of any size for a value of fractions.
fn whole(integer: &Bound<'_, PyInt>, terms: &Terms) -> Result<Number, Unfit> {
    match integer.extract::<i64>() {
        Ok(small) => return Ok(Number::Integer(small.into())),
        Err(error) if !error.is_instance_of::<PyOverflowError>(integer.py()) => return Err(error.into()),
        Err(_) if terms.value_type.is_float() => return Ok(Number::Float(integer.extract()?)),
        Err(_) => {}
    }
    integer.extract().map(Number::Integer).map_err(|error| {
        if !error.is_instance_of::<PyOverflowError>(integer.py()) {
            return error.into();
        }
        let bits = integer.call_method0(intern!(integer.py(), "bit_length"));
        let bits = bits.and_then(|bits| bits.extract::<u64>()).unwrap_or(128);
        Unfit::Result(format!(
            "returned an int of {bits} bits, and sums have 128 with the sign: use smaller ranges, or floats (--type f64)"
        ))
    })
}

/// A fraction, which a value of integers cannot add, not even a whole one: it may have been rounded.
fn fraction(float: f64, terms: &Terms) -> Result<Number, Unfit> {
    if terms.value_type.is_float() {
        return Ok(Number::Float(float));
    }
    let kind = terms.value_type.name();
    Err(Unfit::Result(format!(
        "returned the float {}, and the value is {kind}: return an int, or run with --type f64",
        format!("{float:?}").to_lowercase()
    )))
}

/// Whether it is a sequence, and not one that is never meant as numbers.
fn is_sequence(object: &Bound<'_, PyAny>) -> Result<bool, Unfit> {
    let py = object.py();
    if object.is_instance_of::<PyString>()
        || object.is_instance_of::<PyBytes>()
        || object.is_instance_of::<PyByteArray>()
        || object.cast::<PyMapping>().is_ok()
    {
        return Ok(false);
    }
    Ok(has(object, intern!(py, "__len__"))? && has(object, intern!(py, "__getitem__"))?)
}

/// Whether its type has such a method; a type that is returned itself has those of its objects, too.
fn has(object: &Bound<'_, PyAny>, method: &Bound<'_, PyString>) -> PyResult<bool> {
    object.get_type().hasattr(method)
}

fn must_be_flat(array: &Bound<'_, PyAny>, terms: &Terms) -> Result<(), Unfit> {
    let dimensions: Option<usize> = array.getattr(intern!(array.py(), "ndim")).and_then(|found| found.extract()).ok();
    match dimensions {
        Some(dimensions @ 2..) => Err(Unfit::Result(format!(
            "returned an array of {dimensions} dimensions: a kernel returns {} (array.ravel() is flat)",
            wanted(terms)
        ))),
        _ => Ok(()),
    }
}

fn no_number(what: &str, object: &Bound<'_, PyAny>, terms: &Terms) -> Unfit {
    let given = if object.is_none() {
        "None".to_owned()
    } else {
        object.get_type().qualname().map_or_else(|_| "something without a type".to_owned(), |name| name.to_string())
    };
    Unfit::Result(format!("{what} {given}: a kernel returns {}", wanted(terms)))
}

fn count(given: usize, terms: &Terms) -> Unfit {
    let numbers = if given == 1 { "number" } else { "numbers" };
    Unfit::Result(format!("returned {given} {numbers}, not {}: a kernel returns {}", terms.cells, wanted(terms)))
}

fn wanted(terms: &Terms) -> String {
    let kind = if terms.value_type.is_float() { "float or int" } else { "int" };
    match terms.cells {
        1 => format!("one number ({kind})"),
        cells => format!("a sequence or array of {cells} numbers ({kind}), one for each cell"),
    }
}
