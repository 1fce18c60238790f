//! `coordinator kernels`: what workers can compute.

use common::kernel;

use crate::error::Result;

/// Prints a line for each kernel that comes with the project, and says which instruction set their loops take here.
pub fn kernels() -> Result<u8> {
    let lines: Vec<String> =
        kernel::built_in().iter().map(|kernel| format!("{:<16}{}", kernel.name(), kernel.about())).collect();
    let code = super::print(&lines.join("\n"))?;
    common::say(&format!("note: their loops run with {} here\n", kernel::instruction_set()));
    Ok(code)
}
