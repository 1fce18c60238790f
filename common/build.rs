//! Links the unwinder into optimised executables, instead of having each process load `libgcc_s.so.1` for it.
//!
//! A worker's start is mostly its loading: one library less takes an eighth off it. Where gcc has no `libgcc_eh.a` to
//! offer, and in builds without link-time optimisation, in which the standard library asks for the shared one first,
//! everything is as it would be without this.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("TARGET") != std::env::var_os("HOST") {
        return;
    }
    // rustc links with `cc`, which knows where its own libraries are; it answers with the bare name for one it lacks.
    let answer = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    let path = answer.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned()).unwrap_or_default();
    if let Some(folder) = Path::new(&path).parent().filter(|folder| folder.is_absolute()) {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
