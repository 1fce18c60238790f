//! What went wrong, as the exceptions that a Python person expects.

#![expect(clippy::needless_pass_by_value, reason = "the functions stand in map_err")]

use std::io;

use common::{AttachError, CreateError, InvalidName, LockError, Refusal, SystemError};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

pyo3::create_exception!(
    killproof,
    OwnerDied,
    PyRuntimeError,
    "An owner of the lock died while holding it, and nobody has cleared the death since."
);

/// An exception of the class that Python has for this kind of system error.
pub fn of_kind(kind: io::ErrorKind, message: impl ToString) -> PyErr {
    io::Error::new(kind, message.to_string()).into()
}

pub fn lock(error: LockError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

pub fn name(error: InvalidName) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub fn create(error: CreateError) -> PyErr {
    let message = error.to_string();
    match error {
        CreateError::Exists { .. } => of_kind(io::ErrorKind::AlreadyExists, message),
        CreateError::Permission { .. } => of_kind(io::ErrorKind::PermissionDenied, message),
        CreateError::Terms { .. } => PyValueError::new_err(message),
        CreateError::System(error) => system(&error),
        _ => PyOSError::new_err(message),
    }
}

pub fn attach(error: AttachError) -> PyErr {
    let message = error.to_string();
    match error {
        AttachError::NoSegment { .. } => of_kind(io::ErrorKind::NotFound, message),
        AttachError::Permission { .. }
        | AttachError::Refused { why: Refusal::Owner(_) | Refusal::Permissions(_), .. } => {
            of_kind(io::ErrorKind::PermissionDenied, message)
        }
        AttachError::OtherType { .. } => PyTypeError::new_err(message),
        AttachError::NotReady { .. } | AttachError::BeingRemoved { .. } => PyOSError::new_err(message),
        AttachError::System(error) => system(&error),
        _ => PyRuntimeError::new_err(message),
    }
}

/// With the system's number, so that `errno` is there and the class is the one that belongs to it.
fn system(error: &SystemError) -> PyErr {
    match error.source.raw_os_error() {
        Some(code) => PyOSError::new_err((code, error.to_string())),
        None => PyOSError::new_err(error.to_string()),
    }
}
