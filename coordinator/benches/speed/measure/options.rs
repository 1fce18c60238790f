//! The command line of the benches: what cargo passes, and three wishes.

use std::ffi::OsString;
use std::path::PathBuf;

/// What is wanted.
pub struct Options {
    /// Only sections, groups and rows with this in their name.
    pub word: String,
    /// Fewer and shorter rounds.
    pub quick: bool,
    /// Where the figures go.
    pub json: PathBuf,
}

impl Options {
    /// Reads the arguments; nothing if cargo does not ask for measuring, as `cargo test --benches` does not.
    pub fn read(arguments: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut options = Self { word: String::new(), quick: false, json: default_json() };
        let mut is_bench = false;
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--bench") => is_bench = true,
                Some("--quick") => options.quick = true,
                Some("--json") => options.json = arguments.next().ok_or("--json wants a path")?.into(),
                Some(word) if !word.starts_with('-') && options.word.is_empty() => word.clone_into(&mut options.word),
                _ => return Err(format!("unexpected argument {:?}", argument.display())),
            }
        }
        // Cargo runs a bench in its package's folder; paths mean the folder where cargo was called as a rule.
        options.json = from_workspace(options.json);
        Ok(is_bench.then_some(options))
    }

    /// That many rounds, or with `--quick` the few.
    pub fn rounds(&self, all: usize, few: usize) -> usize {
        if self.quick { few } else { all }
    }

    /// Whether something of that name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        name.to_lowercase().contains(&self.word.to_lowercase())
    }
}

/// `speed.json` in the folder that cargo builds into, which the executable is two or three levels below.
fn default_json() -> PathBuf {
    let built_into = std::env::current_exe().ok().and_then(|path| path.ancestors().nth(3).map(PathBuf::from));
    built_into.unwrap_or_else(|| "target".into()).join("speed.json")
}

/// A relative path from the workspace's folder, the parent of the package's.
fn from_workspace(path: PathBuf) -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) if path.is_relative() => PathBuf::from(package).join("..").join(path),
        _ => path,
    }
}
