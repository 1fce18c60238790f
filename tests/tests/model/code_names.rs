//! The tables in the models, and those of the orderings in `docs/protocol.md`, name functions of the product, which must exist.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The packages whose functions the tables name.
const PRODUCT: [&str; 3] = ["common", "worker", "coordinator"];

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn product() -> BTreeMap<PathBuf, String> {
    PRODUCT.iter().flat_map(|name| sources(&package().join("..").join(name).join("src"))).collect()
}

/// The text of every source file below a folder.
fn sources(folder: &Path) -> BTreeMap<PathBuf, String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let texts = paths.flat_map(|path| {
        if path.is_dir() {
            return sources(&path);
        }
        let text = fs::read_to_string(&path).expect("a source file is text");
        BTreeMap::from([(path, text)])
    });
    texts.collect()
}

/// The names in the code column of the tables in the module's doc comments.
fn names(text: &str) -> Vec<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | ")?.split(" | ").nth(1));
    let name = Regex::new("`([^`]+)`").expect("the pattern is valid");
    rows.flat_map(|code| name.captures_iter(code).map(|found| found[1].to_owned()).collect::<Vec<_>>()).collect()
}

/// Whether one file defines the function: `name`, `module::name`, or `Type::name` with an `impl` of that type.
fn is_function(name: &str, product: &BTreeMap<PathBuf, String>) -> bool {
    let (owner, function) = name.rsplit_once("::").map_or((None, name), |(owner, function)| (Some(owner), function));
    let defines = Regex::new(&format!(r"\bfn {function}\b")).expect("the pattern is valid");
    product.iter().filter(|(_, text)| defines.is_match(text)).any(|(path, text)| match owner {
        None => true,
        Some(owner) if owner.starts_with(char::is_uppercase) => {
            let methods = Regex::new(&format!(r"(?m)^(impl|pub trait)\b.*\b{owner}\b")).expect("the pattern is valid");
            methods.is_match(text)
        }
        Some(module) => path.with_extension("").iter().any(|part| part == module),
    })
}

#[test]
fn every_function_that_the_tables_of_the_models_name_is_in_the_product() {
    let product = product();
    let mut count = 0;
    let mut missing = Vec::new();
    for (path, text) in sources(&package().join("tests/model")) {
        let names = names(&text);
        count += names.len();
        let gone = names.into_iter().filter(|name| !is_function(name, &product));
        missing.extend(gone.map(|name| format!("{name} in {}", path.display())));
    }
    assert!(count > 30, "the tables are found: {count}");
    assert!(missing.is_empty(), "not in the product: {missing:#?}");
}

#[test]
fn every_function_that_pairs_with_another_one_is_in_the_product() {
    let page = fs::read_to_string(package().join("../docs/protocol.md")).expect("it is there");
    let orderings = page.split("## ").find(|section| section.starts_with("The orderings")).expect("it is there");
    let rows = orderings.lines().filter(|line| line.starts_with("| `"));
    let name = Regex::new(r"`(\w+::\w+)`").expect("the pattern is valid");
    let names: Vec<String> = rows
        .flat_map(|row| row.split(" | ").take(2).flat_map(|cell| name.captures_iter(cell)).collect::<Vec<_>>())
        .map(|found| found[1].to_owned())
        .collect();
    let product = product();
    let is_module = |name: &str| product.keys().any(|path| path.with_extension("").ends_with(name.replace("::", "/")));
    let missing: Vec<_> = names.iter().filter(|name| !is_function(name, &product) && !is_module(name)).collect();
    assert!(names.len() > 20, "the names are found: {names:?}");
    assert!(missing.is_empty(), "not in the product: {missing:#?}");
}
