//! Programs that not every machine has.

use std::path::{Path, PathBuf};

/// Where a program is installed, if it is.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").ok()?;
    path.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}
