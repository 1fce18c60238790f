//! What explains the command lines: `--help`, completions, manual pages, and suggestions for typos.

mod examples;

use std::fs;
use std::path::Path;

use common::cli::exit_code::{COMPLETE, UNAVAILABLE, USAGE};
use harness::{Command, TestEnv, assert_error, skip, test_env, which};

/// The commands that have examples.
const WITH_EXAMPLES: [&[&str]; 7] = [
    &["coordinator"],
    &["coordinator", "run"],
    &["coordinator", "create"],
    &["coordinator", "status"],
    &["coordinator", "resume"],
    &["coordinator", "collect"],
    &["worker"],
];

/// A line for the shell, which finds the executables in `PATH`.
fn shell(env: &TestEnv, line: &str) -> Command {
    let path = format!("{}:{}", env.path().display(), std::env::var("PATH").unwrap_or_default());
    env.program("/bin/sh".as_ref()).args(["-c", line]).with(|shell| _ = shell.env("PATH", path))
}

/// Runs a program on a file with that text.
fn reads(env: &TestEnv, program: &Path, args: &[&str], text: &str) -> harness::Finished {
    let file = env.path().join("text");
    fs::write(&file, text).expect("it can be written");
    env.program(program).args(args).args([&file]).run().expect(COMPLETE)
}

#[test]
fn short_help_has_no_examples_and_long_help_has() {
    let env = test_env!();
    for command in WITH_EXAMPLES {
        let command = command.join(" ");
        let short = shell(&env, &format!("{command} -h")).run().expect(COMPLETE).stdout;
        let long = shell(&env, &format!("{command} --help")).run().expect(COMPLETE).stdout;
        assert!(!short.contains("Examples:") && long.contains("Examples:"), "{command}");
        assert!(short.lines().count() < long.lines().count(), "{command}");
    }
}

#[test]
fn completions_are_scripts_that_their_shells_accept() {
    let env = test_env!();
    for name in ["bash", "zsh", "fish", "elvish", "powershell"] {
        // The other two shells have no option that only parses a script.
        let shell = which(name).filter(|_| ["bash", "zsh", "fish"].contains(&name));
        if shell.is_none() {
            skip("completions_are_scripts_that_their_shells_accept", &format!("no {name} to check it"));
        }
        for program in ["coordinator", "worker"] {
            let script = env.coordinator(["completions", name, program]).run().expect(COMPLETE).stdout;
            assert!(script.contains(program) && script.contains("iterations"), "{name}: {script}");
            if let Some(shell) = &shell {
                let _ = reads(&env, shell, &["-n"], &script);
            }
        }
    }
    let _ = env.coordinator(["completions", "tcsh"]).run().expect(USAGE);
}

#[test]
fn bash_completes_commands_kernels_types_and_formats() {
    let Some(bash) = which("bash") else {
        skip("bash_completes_commands_kernels_types_and_formats", "no bash");
        return;
    };
    let env = test_env!();
    let script = env.coordinator(["completions", "bash"]).run().expect(COMPLETE).stdout;
    for (words, reply) in [
        ("coordinator sta", "status"),
        ("coordinator --kernel prime-c", "prime-count"),
        ("coordinator create demo --type u", "u64"),
        ("coordinator list --format j", "json"),
        ("coordinator man coord", "coordinator"),
    ] {
        let (before, last) = words.rsplit_once(' ').expect("there are words");
        let previous = before.rsplit(' ').next().expect("there is a word");
        let ask = format!(
            "COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _coordinator coordinator {last} {previous}\necho \"${{COMPREPLY[@]}}\"\n"
        );
        let replied = reads(&env, &bash, &[], &format!("{script}\n{ask}")).stdout;
        assert!(replied.split_whitespace().any(|word| word == reply), "{words}: {replied}");
    }
}

#[test]
fn manual_pages_render() {
    let env = test_env!();
    let folder = env.path().join("man1");
    let written = env.coordinator(["man".as_ref(), "--dir".as_ref(), folder.as_os_str()]).run().expect(COMPLETE);
    assert_eq!(written.stdout, "", "{written:?}");
    let pages = fs::read_dir(&folder).expect("it is there").filter_map(Result::ok).count();
    assert_eq!(pages, 14);
    for (page, name) in [("coordinator", "coordinator"), ("worker", "worker"), ("run", "coordinator-run")] {
        let roff = env.coordinator(["man", page]).run().expect(COMPLETE).stdout;
        let file = fs::read_to_string(folder.join(format!("{name}.1"))).expect("it is among them");
        assert_eq!(file.trim_end(), roff.trim_end());
        let renderers = [("man", &["-l"][..]), ("mandoc", &["-Tutf8"]), ("groff", &["-man", "-Tutf8"])];
        let Some((renderer, args)) = renderers.iter().find_map(|(name, args)| Some((which(name)?, args))) else {
            skip("manual_pages_render", "no man, mandoc or groff");
            return;
        };
        let text = reads(&env, &renderer, args, &roff);
        assert_eq!(text.stderr, "", "no warnings");
        for part in [&format!("{name}(1)"), "SYNOPSIS", "--delay", "EXAMPLES", "EXIT STATUS", "Overflow"] {
            assert!(text.stdout.contains(part), "{part}: {}", text.stdout);
        }
    }
    assert_eq!(env.coordinator(["man"]).run().stdout, env.coordinator(["man", "coordinator"]).run().stdout);
}

#[test]
fn a_misspelt_kernel_is_answered_with_the_nearest_one() {
    let env = test_env!();
    for command in [&["run"][..], &["create", &env.name("none")]] {
        let finished = env.coordinator(command).args(["--kernel", "prime-cuont"]).run();
        assert_error(&finished, USAGE, "no kernel \"prime-cuont\"");
        assert!(
            finished.stderr.contains("\nhint: did you mean prime-count? kernels: sum-of-squares, "),
            "{finished:?}"
        );
    }
    let name = env.create("cube", &["--worker", "/bin/true", "--kernel", "prime-digit", "--cells", "10"]);
    let finished = env.worker(&name).run();
    assert_error(&finished, USAGE, "no kernel \"prime-digit\"");
    assert!(finished.stderr.contains("did you mean prime-digits?"), "{finished:?}");
    env.remove(&name);
}

#[test]
fn misspelt_values_shells_and_pages_are_answered_with_the_nearest_ones() {
    let env = test_env!();
    for (args, hint) in [
        (&["--format", "jsn"][..], "json"),
        (&["completions", "bsh"], "bash"),
        (&["man", "staus"], "status"),
        (&["status", "demo", "--wacth"], "--watch"),
        (&["kernles"], "kernels"),
    ] {
        let finished = env.coordinator(args).run();
        assert_error(&finished, USAGE, "");
        assert!(finished.stderr.ends_with(&format!("\nhint: did you mean {hint}?\n")), "{finished:?}");
    }
}

#[test]
fn a_misspelt_segment_is_answered_with_the_nearest_one_first() {
    let env = test_env!();
    let (far, near) = (env.create("0-xyz", &[]), env.create("demo", &[]));
    let typo = env.name("dmeo");
    for command in [env.coordinator(["status", &typo]), env.worker(&typo)] {
        let finished = command.run();
        assert_error(&finished, UNAVAILABLE, &format!("no segment \"{typo}\""));
        let hint = format!("\nhint: did you mean {near}? existing segments: {near}");
        assert!(finished.stderr.contains(&hint) && finished.stderr.contains(&far), "{finished:?}");
    }
    env.remove(&far);
    env.remove(&near);
}
