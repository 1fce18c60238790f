//! The command line of a bench.

use std::ffi::OsString;
use std::path::PathBuf;

pub struct Options {
    /// Measure only sections, groups and rows with this text in their name.
    pub filter: String,
    /// Measure fewer and shorter rounds.
    pub quick: bool,
    /// Where to write the results as JSON.
    pub json: PathBuf,
    /// An earlier file of results to compare with.
    pub against: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments; `None` without `--bench`, which `cargo bench` passes and `cargo test --benches` does not.
    pub fn read(mut arguments: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut options = Self { filter: String::new(), quick: false, json: default_json(), against: None };
        let mut is_bench = false;
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--bench") => is_bench = true,
                Some("--quick") => options.quick = true,
                Some("--json") => options.json = arguments.next().ok_or("--json needs a path")?.into(),
                Some("--against") => options.against = Some(arguments.next().ok_or("--against needs a path")?.into()),
                Some(word) if !word.starts_with('-') && options.filter.is_empty() => {
                    word.clone_into(&mut options.filter);
                }
                _ => return Err(format!("unexpected argument {:?}", argument.display())),
            }
        }
        options.json = from_workspace(options.json);
        options.against = options.against.map(from_workspace);
        Ok(is_bench.then_some(options))
    }

    /// The number of rounds, which is smaller with `--quick`.
    pub fn rounds(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    pub fn matches(&self, name: &str) -> bool {
        name.to_lowercase().contains(&self.filter.to_lowercase())
    }
}

/// `speed.json` in cargo's target directory; the executable lies two or three levels below it.
fn default_json() -> PathBuf {
    let target = std::env::current_exe().ok().and_then(|path| path.ancestors().nth(3).map(PathBuf::from));
    target.unwrap_or_else(|| "target".into()).join("speed.json")
}

/// Resolves a relative path against the workspace: users call cargo there, and cargo runs a bench in its package's
/// directory.
fn from_workspace(path: PathBuf) -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) if path.is_relative() => PathBuf::from(package).join("..").join(path),
        _ => path,
    }
}
