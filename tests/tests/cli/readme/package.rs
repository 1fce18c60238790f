//! The examples that use the Python package, which cargo does not build.

use std::process::Command;
use std::sync::LazyLock;

use super::page::Block;
use super::root;

/// The environment variable that names an interpreter with the package.
const VARIABLE: &str = "KILLPROOF_PYTHON";

/// What shows that a command uses the package.
const SIGNS: [&str; 3] = ["pip install ./python", "python/examples/", "import killproof"];

/// The interpreter that the environment names, or `python3`; none if it cannot import the package.
static INTERPRETER: LazyLock<Option<String>> = LazyLock::new(|| {
    let program = std::env::var(VARIABLE).unwrap_or_else(|_| "python3".to_owned());
    let imported = Command::new(&program).args(["-c", "import killproof"]).output();
    imported.is_ok_and(|output| output.status.success()).then_some(program)
});

/// Says what is missing if the block uses the package and no interpreter has it.
pub fn missing(block: &Block) -> Option<String> {
    let is_used = block.steps().iter().any(|step| is_used(step.command));
    (is_used && INTERPRETER.is_none())
        .then(|| format!("no Python package here: pip install ./python, or {VARIABLE}=INTERPRETER"))
}

/// The command as it is run here: the package is installed, and its interpreter is known.
pub fn command(command: &str) -> String {
    match INTERPRETER.as_deref().filter(|_| is_used(command)) {
        Some(_) if command.starts_with("pip ") => {
            command.split_once("&& ").map_or_else(|| ":".to_owned(), |(_, then)| self::command(then))
        }
        Some(interpreter) => {
            let examples = format!("{}/python/examples/", root().display());
            // As on a terminal, a line is written when it is complete.
            let interpreter = format!("PYTHONUNBUFFERED=1 '{interpreter}' ");
            command.replace("python3 ", &interpreter).replace("python/examples/", &examples)
        }
        None => command.to_owned(),
    }
}

/// Where scripts find the interpreter that has the package, as in an active environment: before anything else.
pub fn folder() -> Option<&'static str> {
    INTERPRETER.as_deref()?.rsplit_once('/').map(|(folder, _)| folder)
}

fn is_used(command: &str) -> bool {
    SIGNS.iter().any(|sign| command.contains(sign))
}
