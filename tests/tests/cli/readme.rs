//! The README's examples, run as they stand there, in the order in which they stand there.
//!
//! What they print must be what the page shows, but for what is another number in each run.

#[path = "readme/page.rs"]
mod page;
#[path = "readme/pattern.rs"]
mod pattern;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use harness::{TestEnv, test_env};
use page::Block;
use pattern::pattern;

/// The segments that the page names.
const NAMES: [&str; 2] = ["demo", "job"];

/// Unoptimised kernels are ten times as slow, so they are given a tenth to do: what the page says, and what then holds.
const TENTH: [(&str, &str); 6] = [
    ("-n 1e9", "-n 1e8"),
    ("50847534", "5761455"),
    ("-n 2e9", "-n 2e8"),
    ("-n 5e10", "-n 5e9"),
    ("50000000000 iterations", "5000000000 iterations"),
    ("2119654578", "234954223"),
];

/// Programs that not every machine has: the shell that runs the examples, and what they call.
const SOUGHT: [&str; 4] = ["bash", "pkill", "jq", "python3"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is a member of the workspace").to_owned()
}

fn readme() -> String {
    let page = fs::read_to_string(root().join("README.md")).expect("the page can be read");
    // From large to small, so that nothing is made smaller twice.
    let smaller = |page: String, (from, to): &(&str, &str)| page.replace(from, to);
    if cfg!(debug_assertions) { TENTH.iter().fold(page, smaller) } else { page }
}

/// What is missing here to run the block.
fn missing(block: &Block) -> Option<&'static str> {
    let path = std::env::var("PATH").unwrap_or_default();
    let is_there = |program: &str| path.split(':').any(|folder| Path::new(folder).join(program).is_file());
    let runs = |program: &str| program == "bash" || block.steps().iter().any(|step| step.command.contains(program));
    SOUGHT.into_iter().find(|program| runs(program) && !is_there(program))
}

/// The command as it is run here: cargo has built what it builds, and the executables are beside each other.
fn command(env: &TestEnv, command: &str) -> String {
    let built =
        if command.starts_with("cargo ") { command.split_once("&& ").map_or(":", |(_, then)| then) } else { command };
    let built = if built.starts_with("PATH=") { ":" } else { built };
    let beside = built.replace("target/release/examples/", "").replace("target/release/", "");
    NAMES.iter().fold(beside, |command, name| replace_word(&command, name, &env.name(name)))
}

fn replace_word(text: &str, word: &str, with: &str) -> String {
    let word = regex::Regex::new(&format!(r"\b{word}\b")).expect("the word is a pattern");
    word.replace_all(text, with).into_owned()
}

/// The block as a script that ends as soon as a command fails, and not before all that it began has ended.
fn script(env: &TestEnv, block: &Block) -> String {
    let mut script = String::new();
    for step in block.steps() {
        if step.comes_later {
            script += "wait\n";
        }
        script += &command(env, step.command);
        script += "\nexited=$?; [ $exited = 0 ] || exit $exited\n";
    }
    script + "wait\n"
}

/// Runs the block; the page must be right about it.
fn run(env: &TestEnv, block: &Block) {
    if let Some(program) = missing(block) {
        common::say(&format!("SKIPPED an example under {:?}: no {program} here\n", block.section));
        return;
    }
    let file = env.path().join("script");
    fs::write(&file, script(env, block)).expect("it can be written");
    let path = format!("{}:{}", env.path().display(), std::env::var("PATH").unwrap_or_default());
    // One pipe for both, as on a terminal.
    let shell =
        env.program(Path::new("bash")).args(["-c", r#"cd "${1%/*}"; exec bash "$1" 2>&1"#, "bash"]).args([&file]);
    let finished = shell.with(|shell| _ = shell.env("PATH", path)).run();
    assert_eq!(finished.code, Some(0), "under {:?}: {block:#?}\n{finished:#?}", block.section);
    let shown = block.output();
    if shown.is_empty() {
        return;
    }
    let names_back = |text: &str| NAMES.iter().fold(text.to_owned(), |text, name| text.replace(&env.name(name), name));
    let has_order = !block.lines.iter().any(|line| line.contains(" & ") || line.ends_with(" &"));
    let printed = names_back(&finished.stdout);
    let (shown, found) = (pattern(shown.into_iter(), &NAMES, has_order), pattern(printed.lines(), &NAMES, has_order));
    assert_eq!(found, shown, "under {:?} it prints\n{printed}", block.section);
}

#[test]
fn every_example_of_the_readme_prints_what_the_readme_shows() {
    let page = readme();
    let blocks = Block::of(&page);
    let examples: Vec<&Block> = blocks.iter().filter(|block| block.language == "console").collect();
    assert!(examples.len() >= 12, "{}", examples.len());
    let env = test_env!();
    fs::hard_link(env!("CARGO_BIN_EXE_hold-under-test"), env.path().join("hold")).expect("it can be linked");
    for example in examples {
        run(&env, example);
    }
    for file in ["run.svg", "run.json"] {
        assert!(env.path().join(file).is_file(), "no {file} was drawn");
    }
}

#[test]
fn what_the_readme_builds_is_there() {
    let page = readme();
    let blocks = Block::of(&page);
    let commands = blocks.iter().flat_map(Block::steps).map(|step| step.command);
    let mut built = BTreeSet::new();
    for command in commands.filter(|command| command.contains("--example ")) {
        let word_after = |option: &str| command.split_once(option).and_then(|(_, rest)| rest.split_whitespace().next());
        let (package, example) = (word_after(" -p ").expect(command), word_after("--example ").expect(command));
        let file = root().join(package).join("examples").join(example).with_extension("rs");
        assert!(file.is_file(), "{command}: no {}", file.display());
        built.insert(example);
    }
    assert_eq!(built, BTreeSet::from(["cubes", "hold", "program_b"]));
}

#[test]
fn the_kernel_that_the_readme_shows_is_the_example() {
    let page = readme();
    let example = fs::read_to_string(root().join("worker/examples/cubes.rs")).expect("the example can be read");
    let code = example.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    let code: Vec<&str> = code.collect();
    let blocks = Block::of(&page);
    assert!(blocks.iter().any(|block| block.language.starts_with("rust") && block.lines == code), "{code:#?}");
}

#[test]
fn every_file_that_the_readme_links_to_is_there() {
    let page = readme();
    let links = regex::Regex::new(r"\]\(([^)#:]+)\)").expect("the pattern is one");
    let targets: Vec<&str> =
        links.captures_iter(&page).map(|link| link.get(1).map_or("", |target| target.as_str())).collect();
    assert!(targets.len() >= 8, "{targets:?}");
    for target in targets {
        assert!(root().join(target).exists(), "{target} is linked to");
    }
}
