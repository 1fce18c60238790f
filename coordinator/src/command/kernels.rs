//! `coordinator kernels`: what workers can compute.

use worker::kernel;

use crate::error::Result;

/// Prints a line for each built-in kernel, and a note with the instruction set that their loops use here.
pub fn kernels() -> Result<u8> {
    let lines: Vec<String> =
        kernel::built_in().iter().map(|kernel| format!("{:<16}{}", kernel.name(), kernel.about())).collect();
    let code = super::print(&lines.join("\n"))?;
    common::cli::note(&format!("their loops run with {} here", kernel::instruction_set()));
    Ok(code)
}
