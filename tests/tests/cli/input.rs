//! Invalid command lines: exit code 2, an error that names the mistake and what is valid, and no effect.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use common::cli::exit_code::{COMPLETE, INCOMPLETE, UNAVAILABLE, USAGE};
use harness::{Command, TestEnv, assert_error, test_env};

/// The rule for names in every error about a name.
const NAME_RULE: &str = "a name is 1 to 255 of the characters A-Z a-z 0-9 . _ - and begins with a letter or a digit";

/// The rule for counts in every error about a count.
const COUNT_RULE: &str = "a count is a whole number from 0 to 18446744073709551615";

/// Invalid names. (A NUL cannot be tested: it ends an argument of execve(2).)
fn no_names() -> Vec<OsString> {
    let texts = ["", "/", "a/b", "..", ".", "/a", "a\nb", "a\n", "a b", "-x", ".hidden", "é", "\u{1b}[2J"];
    let mut names: Vec<OsString> = texts.iter().map(OsString::from).collect();
    names.push("x".repeat(256).into());
    names.push(OsStr::from_bytes(b"a\xff").to_owned());
    names
}

/// Checks that every command rejects the name and states the rule for names.
#[track_caller]
fn is_no_name(env: &TestEnv, name: &OsStr) {
    let mut option = OsString::from("--name=");
    option.push(name);
    assert_error(&env.coordinator([&option]).run(), USAGE, NAME_RULE);
    assert_error(&env.worker("replaced").with(|worker| replace_arguments(worker, &option)).run(), USAGE, NAME_RULE);
    for command in ["create", "status", "wait", "resume", "stop", "remove"] {
        // After `--` a name may begin with a dash.
        assert_error(&env.coordinator([OsStr::new(command), OsStr::new("--"), name]).run(), USAGE, NAME_RULE);
    }
}

/// The same program with this argument alone.
fn replace_arguments(command: &mut std::process::Command, argument: &OsStr) {
    let mut bare = std::process::Command::new(command.get_program());
    bare.arg(argument).stdin(Stdio::null()).process_group(0);
    *command = bare;
}

/// The output of a run with one worker and no delay.
fn result_of(env: &TestEnv, args: &[&str]) -> String {
    let run = env.coordinator(["-q", "--delay", "0"]).args(args);
    run.run().expect(COMPLETE).stdout
}

/// Checks that `run` rejects the arguments for that reason, and does nothing.
#[track_caller]
fn is_wrong(env: &TestEnv, args: &[&str], reason: &str) {
    let name = env.name("wrong");
    assert_error(&env.coordinator(["--name", &name]).args(args).run(), USAGE, reason);
    assert!(env.segments().is_empty(), "{args:?}");
}

/// Fault 30.
#[test]
fn every_command_says_what_a_name_may_be() {
    let env = test_env!();
    for name in no_names() {
        is_no_name(&env, &name);
    }
}

/// Fault 30.
#[test]
fn a_name_with_an_empty_line_in_it_does_not_cut_the_error_short() {
    is_no_name(&test_env!(), OsStr::new("a\n\nb"));
}

/// Fault 30.
#[test]
fn the_longest_name_works() {
    let env = test_env!();
    let mut name = env.name("long");
    name.push_str(&"x".repeat(255 - name.len()));
    let _ = env.coordinator(["create", &name, "-q", "-n", "10", "--delay", "0"]).run().expect(COMPLETE);
    let _ = env.worker(&name).run().expect(COMPLETE);
    let _ = env.coordinator(["remove", &name]).run().expect(COMPLETE);
}

/// Fault 31.
#[test]
fn iterations_are_a_count_in_any_spelling_or_refused() {
    let env = test_env!();
    for (text, result) in [("0", "0\n"), ("1e3", "332833500\n"), ("1_000", "332833500\n"), ("1k", "332833500\n")] {
        assert_eq!(result_of(&env, &["-w", "1", "-n", text]), result, "{text}");
    }
    for text in ["-5", "18446744073709551616", "1e20", "abc", "", "1.5", "0x10", "1__0", " 1", "1e", "+1", "∞"] {
        is_wrong(&env, &["-n", text], COUNT_RULE);
        assert_error(&env.worker(&env.name("none")).args(["-n", text]).run(), USAGE, COUNT_RULE);
    }
    for text in ["4398046511105", "18446744073709551615"] {
        is_wrong(&env, &["-n", text], &format!("{text} iterations are too many for kernel sum-of-squares"));
    }
}

/// Fault 31.
#[test]
fn workers_are_a_count_or_auto_or_refused() {
    let env = test_env!();
    assert_ne!(result_of(&env, &["-w", "auto", "-n", "10"]), "");
    for text in ["0", "1000000000", "1000001", "-1", "abc", "", "AUTO", "4294967297"] {
        is_wrong(&env, &["--workers", text], "the number of workers is 1 to 1000000, or auto");
    }
}

/// Fault 31.
#[test]
fn delays_are_a_range_or_refused() {
    let env = test_env!();
    for text in ["0", "1ms", "0..0", "1ms..1ms", "0..1ms", "0.001", "0..0.001", "0.0005..1ms"] {
        let run = env.coordinator(["-q", "-w", "1", "-n", "10", "--delay", text]);
        assert_eq!(run.run().expect(COMPLETE).stdout, "285\n", "{text}");
    }
    for text in ["-1s", "-1", "abc", "", "..", "1s..", "..1s", "1e3", "1s..2s..3s", "600y", "1s..-2s", "NaN"] {
        is_wrong(&env, &["--delay", text], "is not a duration: a duration is a number of seconds or has a unit");
        assert_error(&env.worker(&env.name("none")).args(["--delay", text]).run(), USAGE, "is not a duration");
    }
    for text in ["5s..1s", "5..1"] {
        is_wrong(&env, &["--delay", text], &format!("\"{text}\" is not a delay: it ends before it begins"));
    }
}

/// Fault 31.
#[test]
fn other_numbers_and_choices_are_refused_with_what_they_may_be() {
    let env = test_env!();
    for (args, reason) in [
        (["--type", "q"], "[possible values: i32, "),
        (["--overflow", "q"], "[possible values: wrap, error]"),
        (["--format", "q"], "[possible values: text, json]"),
        (["--jobs", "0"], "--jobs is 0"),
        (["--jobs", "-1"], COUNT_RULE),
        (["--slots", "3"], "--slots is 3"),
        (["--slots", "1e9"], "--slots is 1000000000"),
        (["--restarts", "1e10"], "--restarts is 10000000000"),
        (["--restarts", "-1"], COUNT_RULE),
        (["--seed", "abc"], COUNT_RULE),
        (["--timeout", "abc"], "\"abc\" is not a duration"),
        (["--timeout", "-1s"], "\"-1s\" is not a duration"),
        (["--grace", "5x"], "\"5x\" is not a duration"),
        (["-q", "-v"], "cannot be used with"),
    ] {
        is_wrong(&env, &args, reason);
    }
}

/// Fault 31.
#[test]
fn an_unknown_kernel_is_refused_with_those_that_there_are() {
    let env = test_env!();
    for command in [&["run", "--kernel", "q"][..], &["create", &env.name("none"), "--kernel", "q"]] {
        let finished = env.coordinator(command).run();
        assert_error(&finished, USAGE, "no kernel \"q\"");
        assert!(finished.stderr.contains("\nhint: kernels: sum-of-squares"), "{finished:?}");
    }
}

/// Fault 31.
#[test]
fn an_argument_with_an_empty_line_in_it_does_not_cut_the_error_short() {
    let env = test_env!();
    is_wrong(&env, &["-n", "1\n\n0"], COUNT_RULE);
    is_wrong(&env, &["--delay", "1\n\n0"], "is not a duration");
}

/// Fault 31.
#[test]
fn a_kernel_with_line_breaks_does_not_break_the_error_into_lines() {
    let env = test_env!();
    is_wrong(&env, &["--kernel", "a\nb"], "no kernel");
    is_wrong(&env, &["--kernel", "a\nerror: b\nhint: c"], "no kernel");
}

/// Fault 31.
#[test]
fn a_misspelt_option_or_command_is_refused_with_the_nearest_one() {
    let env = test_env!();
    let near = |command: Command, hint: &str| {
        let finished = command.run();
        assert_error(&finished, USAGE, "");
        assert!(finished.stderr.ends_with(&format!("\nhint: did you mean {hint}?\n")), "{finished:?}");
    };
    near(env.coordinator(["--itertions", "5"]), "--iterations");
    near(env.coordinator(["run", "--worker-s", "5"]), "--workers");
    near(env.coordinator(["create", "demo", "--slot", "5"]), "--slots");
    near(env.coordinator(["staus", "demo"]), "status");
    near(env.worker("demo").args(["--dealy", "0"]), "--delay");
}

/// Fault 31: what people know from other programs, or write where it does not belong.
#[test]
fn words_of_other_programs_are_answered_with_those_of_this_one() {
    let env = test_env!();
    for (args, what, hint) in [
        (&["-j", "4"] as &[&str], "'-j'", "did you mean --jobs N?"),
        (&["run", "--json"], "'--json'", "did you mean --format json?"),
        (&["status", "x", "--json"], "'--json'", "did you mean --format json?"),
        (&["ps"], "'ps'", "did you mean list?"),
        (&["kill", "x"], "'kill'", "did you mean stop?"),
        (&["run", "demo"], "'demo'", "the name of a run is an option: coordinator run --name demo"),
        (&["demo"], "'demo'", "see coordinator --help; the name of a run is an option: coordinator --name demo"),
        (
            &["--split", "--exec", "sum", "x"],
            "unexpected argument 'x'",
            "a command stands first, and a value with blanks in quotes",
        ),
        (&["completions", "tcsh"], "[possible values: bash, ", "see coordinator completions --help"),
        (&["completions", "zssh"], "[possible values: bash, ", "did you mean zsh?"),
        (&["wait", "x", "--contributions", "y"], "is not a count", "see coordinator wait --help"),
        (&["collect", "x", "--verify", "0"], "at least one part", "see coordinator collect --help"),
        (&["colect", "x"], "'colect'", "did you mean collect"),
    ] {
        let finished = env.coordinator(args).run();
        assert_error(&finished, USAGE, what);
        assert!(finished.stderr.contains(&format!("\nhint: {hint}")), "{args:?}: {finished:?}");
    }
}

#[test]
fn a_worker_takes_the_name_with_or_without_its_option() {
    let env = test_env!();
    let name = env.create("bare", &["-w", "2"]);
    let bare = |args: &[&str]| env.program(&env.path().join("worker")).args(args).args(["-n", "10"]).run();
    assert_eq!(bare(&[&name]).expect(COMPLETE).stdout, "Process Process-1 updated shared value to 285\n");
    assert_eq!(bare(&["-v", &name]).expect(COMPLETE).lines(), ["Process Process-2 updated shared value to 570"]);
    assert_error(&bare(&[&name, "--name", &name]), USAGE, "cannot be used with");
    assert_error(&bare(&["a/b"]), USAGE, NAME_RULE);
    env.remove(&name);
}

/// What is not there is not to be created by whoever wants to stop it.
#[test]
fn only_a_worker_is_told_how_to_create_what_is_missing() {
    let env = test_env!();
    let name = env.name("nowhere");
    for command in ["resume", "stop", "wait", "remove", "status"] {
        let finished = env.coordinator([command, &name]).run();
        assert_error(&finished, UNAVAILABLE, "no segment");
        assert!(!finished.stderr.contains("create"), "{finished:?}");
    }
    let worker = env.worker(&name).run();
    assert_error(&worker, UNAVAILABLE, "no segment");
    assert!(worker.stderr.contains(&format!("create it: coordinator create {name}\n")), "{worker:?}");
}

/// As a shell does it.
#[test]
fn a_worker_executable_without_a_slash_is_looked_up_in_path() {
    let env = test_env!();
    let cubes = |folder: &str| {
        let run =
            env.coordinator(["--worker", "cubes", "--kernel", "cubes", "-n", "10", "-w", "1", "--delay", "0", "-q"]);
        let folder = folder.to_owned();
        run.with(move |process| _ = process.env("PATH", folder)).with(|process| _ = process.current_dir(env.path()))
    };
    let (here, nowhere) = (env.path().display().to_string(), "/nowhere:/proc");
    assert_eq!(cubes(&format!("{nowhere}:{here}")).run().expect(COMPLETE).stdout, "2025\n");
    let refused = cubes(nowhere).run();
    assert_error(&refused, INCOMPLETE, "no executable cubes in PATH");
    assert!(refused.stderr.contains("hint: it is in this folder: --worker ./cubes\n"), "{refused:?}");
}

/// Fault 31.
#[test]
fn what_is_missing_or_too_much_is_named() {
    let env = test_env!();
    assert_error(
        &env.worker("x").with(|worker| replace_arguments(worker, OsStr::new("-q"))).run(),
        USAGE,
        "<--name <NAME>|NAME>",
    );
    for command in ["create", "status", "wait", "resume", "stop", "remove"] {
        assert_error(&env.coordinator([command]).run(), USAGE, "<NAME>");
    }
    assert_error(&env.coordinator(["status", "a", "b"]).run(), USAGE, "unexpected argument 'b'");
    assert_error(&env.coordinator(["remove", "--stale", "a"]).run(), USAGE, "cannot be used with");
}
