//! Typecodes, and Python's numbers as the bits of a cell.

use common::{Number, ValueType};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyString};

/// The typecodes of each type, the first one for reports, and the name of its ctypes type. On 64-bit Linux a `long long` is a
/// `long`.
const TYPES: [(ValueType, &[&str], &str); 7] = [
    (ValueType::I32, &["i"], "c_int"),
    (ValueType::I64, &["q", "l"], "c_long"),
    (ValueType::U32, &["I"], "c_uint"),
    (ValueType::U64, &["Q", "L"], "c_ulong"),
    (ValueType::F32, &["f"], "c_float"),
    (ValueType::F64, &["d"], "c_double"),
    (ValueType::Bool, &["?"], "c_bool"),
];

/// All of an integer that a cell can hold.
const MASK: u64 = u64::MAX;

/// The type that a typecode or a ctypes type names.
pub fn value_type(typecode: &Bound<'_, PyAny>) -> PyResult<ValueType> {
    let by_code = |code: &str| TYPES.iter().find(|(_, codes, _)| code != "?" && codes.contains(&code));
    let found = match typecode.cast::<PyString>() {
        Ok(code) => by_code(&code.to_cow()?).map(|(kind, ..)| *kind),
        Err(_) => by_ctype(typecode)?,
    };
    found.ok_or_else(|| {
        let given = typecode.repr().map_or_else(|_| "this".to_owned(), |repr| repr.to_string());
        PyTypeError::new_err(format!(
            "{given} is not a type of killproof: use one of the typecodes i l q I L Q f d, or c_int, c_long, c_uint, \
             c_ulong, c_float, c_double, c_bool of ctypes"
        ))
    })
}

/// The type of a cell for this ctypes type. A ctypes type of another byte order and a class derived from one have none.
fn by_ctype(ctype: &Bound<'_, PyAny>) -> PyResult<Option<ValueType>> {
    let ctypes = ctype.py().import(intern!(ctype.py(), "ctypes"))?;
    for (kind, _, name) in TYPES {
        if ctypes.getattr(name)?.is(ctype) {
            return Ok(Some(kind));
        }
    }
    Ok(None)
}

/// The ctypes type.
pub fn ctype(py: Python<'_>, kind: ValueType) -> PyResult<Bound<'_, PyAny>> {
    py.import(intern!(py, "ctypes"))?.getattr(row(kind).2)
}

/// The typecode; that of a `c_bool` is `?`.
pub fn typecode(kind: ValueType) -> &'static str {
    row(kind).1[0]
}

fn row(kind: ValueType) -> &'static (ValueType, &'static [&'static str], &'static str) {
    TYPES.iter().find(|row| row.0 == kind).unwrap_or(&TYPES[0])
}

/// The bits of a number as ctypes stores it: an integer is reduced to the type's width.
pub fn bits(kind: ValueType, number: &Bound<'_, PyAny>) -> PyResult<u64> {
    match kind {
        ValueType::Bool => Ok(number.is_truthy()?.into()),
        ValueType::F64 => Ok(number.extract::<f64>()?.to_bits()),
        #[expect(clippy::cast_possible_truncation, reason = "ctypes takes the nearest, too")]
        ValueType::F32 => Ok(u64::from((number.extract::<f64>()? as f32).to_bits())),
        _ => integer(number),
    }
}

/// The low 64 bits of an integer.
fn integer(number: &Bound<'_, PyAny>) -> PyResult<u64> {
    match number.extract::<i64>() {
        Ok(integer) => Ok(integer.cast_unsigned()),
        Err(error) if error.is_instance_of::<PyOverflowError>(number.py()) => {
            let integer = number.py().import("operator")?.call_method1("index", (number,))?;
            integer.bitand(MASK)?.extract()
        }
        Err(_) if !number.hasattr(intern!(number.py(), "__index__"))? => {
            let given = number.get_type().qualname()?;
            Err(PyTypeError::new_err(format!("int expected instead of {given} instance")))
        }
        // Its own.
        Err(error) => Err(error),
    }
}

/// A cell's bits as a Python object.
pub fn object(py: Python<'_>, kind: ValueType, bits: u64) -> PyResult<Bound<'_, PyAny>> {
    Ok(match kind.value(bits).number() {
        Number::Integer(truth) if kind == ValueType::Bool => PyBool::new(py, truth != 0).to_owned().into_any(),
        Number::Integer(_) if kind == ValueType::U64 => bits.into_pyobject(py)?.into_any(),
        #[expect(clippy::cast_possible_truncation, reason = "all but u64 fit")]
        Number::Integer(integer) => (integer as i64).into_pyobject(py)?.into_any(),
        Number::Float(float) => PyFloat::new(py, float).into_any(),
    })
}
