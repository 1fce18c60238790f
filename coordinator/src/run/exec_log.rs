//! The folder in which workers keep the stderr of their commands.

use std::path::{Path, PathBuf};

use common::{SegmentName, Terms};
use worker::kernel::Exec;

use crate::error::{Error, Result};
use crate::results::folder::Folder;

/// The folder's absolute path. Makes the folder if it is missing; refuses one that cannot be written to.
pub fn folder(path: &Path) -> Result<PathBuf> {
    let unusable = |source| Error::ExecLog { path: path.to_owned(), source };
    let absolute = std::path::absolute(path).map_err(unusable)?;
    Folder::open_or_make(&absolute).and_then(|folder| folder.must_be_writable()).map_err(unusable)?;
    Ok(absolute)
}

/// The same, for a run that is resumed.
pub fn resumed(path: &Path, name: &SegmentName, terms: &Terms) -> Result<PathBuf> {
    if terms.kernel != Exec::NAME || terms.command.is_empty() {
        let what = format!("--exec-log keeps the stderr of commands, and the run of segment \"{name}\" has no --exec");
        return Err(Error::usage(what, format!("its kernel is {}: omit --exec-log", terms.kernel)));
    }
    folder(path)
}
