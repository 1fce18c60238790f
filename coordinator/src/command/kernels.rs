//! `coordinator kernels`: what workers can compute.

use common::kernel;

use crate::error::Result;

/// Prints a line for each kernel that comes with the project.
pub fn kernels() -> Result<u8> {
    let lines: Vec<String> =
        kernel::built_in().iter().map(|kernel| format!("{:<16}{}", kernel.name(), kernel.about())).collect();
    super::print(&lines.join("\n"))
}
