//! Links the unwinder into optimised executables, instead of having each process load `libgcc_s.so.1` for it.
//!
//! A worker's start is mostly its loading: one library less takes an eighth off it. Where gcc has no `libgcc_eh.a` to
//! offer, everything is as it would be without this.
//!
//! Only for executables (feature `static-unwinder`): in a library that another program loads, a second unwinder beside
//! `libgcc_s.so.1` aborts a thread that ends by `pthread_exit(3)` below a frame of ours.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let is_wanted = std::env::var_os("CARGO_FEATURE_STATIC_UNWINDER").is_some();
    if !is_wanted || std::env::var_os("TARGET") != std::env::var_os("HOST") {
        return;
    }
    // What rustc links with knows where its own libraries are, and answers with the bare name for one that it lacks.
    let linker = std::env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let answer = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output();
    let path = answer.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned()).unwrap_or_default();
    if let Some(folder) = Path::new(&path).parent().filter(|folder| folder.is_absolute()) {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
