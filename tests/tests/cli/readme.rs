//! The examples of the README and of `docs/`, run as they stand there, in their order.
//!
//! They must print what the page shows, apart from numbers that differ in each run. The Python blocks are tests of the
//! Python package (`python/tests/test_docs.py`).

mod package;
mod page;
mod pattern;
mod scripts;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use harness::{TestEnv, secluded, skip, test_env, which};
use page::Block;
use pattern::pattern;
use regex::Regex;

/// Unoptimised kernels are ten times as slow and get less work: the text of the page, and its replacement, in this order.
const LESS_WORK: [(&str, &str); 6] = [
    ("-n 1e9", "-n 1e8"),
    ("50847534", "5761455"),
    ("-n 2e9", "-n 2e8"),
    // On a slow processor a tenth takes a minute and a half.
    ("-n 5e10", "-n 1e9"),
    ("50000000000 iterations", "1000000000 iterations"),
    ("2119654578", "50847534"),
];

/// Programs that not every machine has: the shell that runs the examples, and what they call.
const SOUGHT: [&str; 6] = ["bash", "pkill", "jq", "python3", "mawk", "node"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is a member of the workspace").to_owned()
}

/// The README and the pages of `docs/`, with their paths.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(root().join("docs")).into_iter().flatten();
    let docs = docs.map(|entry| entry.expect("the folder can be read").path());
    let mut paths: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    paths.sort();
    paths.insert(0, root().join("README.md"));
    let smaller = |page: String, (from, to): &(&str, &str)| page.replace(from, to);
    let read = |path: PathBuf| {
        let page = fs::read_to_string(&path).expect("the page can be read");
        (path, if cfg!(debug_assertions) { LESS_WORK.iter().fold(page, smaller) } else { page })
    };
    paths.into_iter().map(read).collect()
}

/// What the block needs and is missing here.
fn missing(block: &Block) -> Option<String> {
    let runs = |program: &str| program == "bash" || block.steps().iter().any(|step| step.command.contains(program));
    let program = SOUGHT.into_iter().find(|program| runs(program) && which(program).is_none());
    program.map(|program| format!("no {program} here")).or_else(|| package::missing(block))
}

/// The command as it is run here: cargo has already built the executables, and they are all in `PATH`.
fn command(command: &str) -> String {
    let built =
        if command.starts_with("cargo ") { command.split_once("&& ").map_or(":", |(_, then)| then) } else { command };
    let built = if built.starts_with("PATH=") { ":" } else { built };
    package::command(&built.replace("target/release/examples/", "").replace("target/release/", ""))
}

/// The block as a script. It ends as soon as a command fails, and waits for all processes that it started.
fn script(block: &Block) -> String {
    let mut script = String::new();
    for step in block.steps() {
        if step.comes_later {
            script += "wait\n";
        }
        script += &command(step.command);
        script += "\nexited=$?; [ $exited = 0 ] || exit $exited\n";
    }
    script + "wait\n"
}

/// Runs the block and compares its output with the page's.
fn run(env: &TestEnv, block: &Block) {
    if let Some(missing) = missing(block) {
        skip(&format!("an example under {:?}", block.section), &missing);
        return;
    }
    let file = env.path().join("script");
    fs::write(&file, script(block)).expect("it can be written");
    let path = std::env::var("PATH").unwrap_or_default();
    // The executables of this build come first, also before those of the package.
    let folders = [Some(env.path().display().to_string()), package::folder().map(str::to_owned), Some(path)];
    let path = folders.into_iter().flatten().collect::<Vec<_>>().join(":");
    // One pipe for stdout and stderr, as on a terminal.
    let shell =
        env.program(Path::new("bash")).args(["-c", r#"cd "${1%/*}"; exec bash "$1" 2>&1"#, "bash"]).args([&file]);
    let finished = shell.with(|shell| _ = shell.env("PATH", path)).run();
    assert_eq!(finished.code, Some(0), "under {:?}: {block:#?}\n{finished:#?}", block.section);
    let shown = block.output();
    if shown.is_empty() {
        return;
    }
    let has_order = !block.lines.iter().any(|line| line.contains(" & ") || line.ends_with(" &"));
    let (shown, printed) = (pattern(shown.into_iter(), has_order), pattern(finished.stdout.lines(), has_order));
    assert_eq!(printed, shown, "under {:?} it prints\n{}", block.section, finished.stdout);
}

#[test]
fn every_example_of_the_readme_prints_what_the_readme_shows() {
    if !secluded!(every_example_of_the_readme_prints_what_the_readme_shows) {
        return;
    }
    let env = test_env!();
    let mut count = 0;
    for (path, page) in pages() {
        let blocks = Block::of(&page);
        for block in &blocks {
            if let Some(name) = block.file_name() {
                fs::write(env.path().join(name), block.lines.join("\n")).expect("it can be written");
            }
            if block.language == "console" {
                run(&env, block);
                count += 1;
            }
        }
        assert_eq!(env.all_segments(), Vec::<PathBuf>::new(), "left by the examples of {}", path.display());
    }
    assert!(count >= 10, "the examples are found: {count}");
    for file in ["run.svg", "run.json"] {
        assert!(env.path().join(file).is_file(), "no {file} was drawn");
    }
}

#[test]
fn what_the_readme_builds_is_there() {
    let pages = pages();
    let blocks: Vec<Block> = pages.iter().flat_map(|(_, page)| Block::of(page)).collect();
    let commands = blocks.iter().flat_map(Block::steps).map(|step| step.command);
    let mut built = BTreeSet::new();
    for command in commands.filter(|command| command.contains("--example ")) {
        let word_after = |option: &str| command.split_once(option).and_then(|(_, rest)| rest.split_whitespace().next());
        let (package, example) = (word_after(" -p ").expect(command), word_after("--example ").expect(command));
        let file = root().join(package).join("examples").join(example).with_extension("rs");
        assert!(file.is_file(), "{command}: no {}", file.display());
        built.insert(example);
    }
    assert_eq!(built, BTreeSet::from(["cubes", "hold"]));
}

#[test]
fn the_kernel_that_the_readme_shows_is_the_example() {
    let example = fs::read_to_string(root().join("worker/examples/cubes.rs")).expect("the example can be read");
    let code: Vec<&str> = example.lines().skip_while(|line| line.starts_with("//!") || line.is_empty()).collect();
    let shows =
        |page: &str| Block::of(page).iter().any(|block| block.language.starts_with("rust") && block.lines == code);
    assert!(pages().iter().any(|(_, page)| shows(page)), "{code:#?}");
}

#[test]
fn every_file_that_the_readme_links_to_is_there() {
    let link = Regex::new(r"\]\(([^)#:]+)(#[^)]*)?\)").expect("the pattern is valid");
    let mut count = 0;
    for (path, page) in pages() {
        let folder = path.parent().expect("a page is in a folder");
        for found in link.captures_iter(&page) {
            assert!(folder.join(&found[1]).exists(), "{} links to {}", path.display(), &found[1]);
            count += 1;
        }
    }
    assert!(count >= 8, "the links are found: {count}");
}
