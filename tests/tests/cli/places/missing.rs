//! Places that lack something: `/proc`, `/dev/shm`, room for a command.

use common::cli::exit_code::{COMPLETE, FOREIGN, UNAVAILABLE, USAGE};
use harness::{Command, TestEnv, assert_error, secluded, skip, test_env, wrapped};

/// The command after a mount, in a mount namespace of its own.
fn after(mount: &str, command: Command) -> Command {
    let script = format!("{mount} && exec \"$0\" \"$@\"");
    command.with(wrapped(&["unshare", "--mount", "sh", "-c", &script]))
}

/// Whether such a mount is allowed; if not, reports the test as skipped.
fn can_mount(env: &TestEnv, test: &str, mount: &str) -> bool {
    let probe = after(mount, env.program("true".as_ref())).run();
    if probe.code != Some(0) {
        skip(test, &format!("{mount}: {}", probe.stderr));
    }
    probe.code == Some(0)
}

/// Fault 57.
#[test]
fn without_proc_nobody_creates_or_attaches_and_everybody_may_look_and_remove() {
    if !secluded!(without_proc_nobody_creates_or_attaches_and_everybody_may_look_and_remove) {
        return;
    }
    let env = test_env!();
    let hidden = "mount -t tmpfs tmpfs /proc";
    if !can_mount(&env, "without_proc_nobody_creates_or_attaches_and_everybody_may_look_and_remove", hidden) {
        return;
    }
    let name = env.create("procless", &["-w", "1"]);
    let cause = "this process's PID namespace is unknown: cannot read /proc/self/ns/pid: ";
    for command in [env.coordinator(["create", &env.name("never")]), env.worker(&name)] {
        let refused = after(hidden, command).run();
        assert_error(&refused, FOREIGN, cause);
        assert!(refused.stderr.contains("\nhint: mount it: mount -t proc proc /proc"), "{refused:?}");
    }
    let list = after(hidden, env.coordinator(["list", "--format", "json"])).run().expect(COMPLETE).json();
    assert_eq!(list["segments"][0]["state"], "open", "{list}");
    let _ = after(hidden, env.coordinator(["status", &name])).run().expect(COMPLETE);
    let swept = after(hidden, env.coordinator(["remove", "--stale"])).run().expect(COMPLETE);
    assert_eq!(swept.stderr, "nothing is stale\n", "what may be of this namespace is not foreign");
    let _ = env.worker(&name).run().expect(COMPLETE);
    let _ = after(hidden, env.coordinator(["remove", &name])).run().expect(COMPLETE);
}

/// Fault 58.
#[test]
fn without_a_usable_folder_for_segments_the_cause_and_the_next_step_are_named() {
    if !secluded!(without_a_usable_folder_for_segments_the_cause_and_the_next_step_are_named) {
        return;
    }
    let env = test_env!();
    for (mount, cause, hint) in [
        ("mount -t tmpfs tmpfs /dev", "there is no /dev/shm", "mount it: "),
        ("mount -t tmpfs -o ro tmpfs /dev/shm", "/dev/shm is read-only", "let it be written to: "),
    ] {
        if !can_mount(&env, "without_a_usable_folder_for_segments_the_cause_and_the_next_step_are_named", mount) {
            return;
        }
        for args in [&["create", "placeless"][..], &["run", "-w", "1", "-n", "10"]] {
            let failed = after(mount, env.coordinator(args)).run();
            assert_error(&failed, UNAVAILABLE, cause);
            assert!(failed.stderr.contains("cannot create segment"), "{failed:?}");
            assert!(failed.stderr.contains(&format!("\nhint: {hint}")), "{failed:?}");
        }
    }
    let mount = "mount -t tmpfs tmpfs /dev";
    for command in [env.worker("placeless"), env.coordinator(["list"])] {
        let failed = after(mount, command).run();
        assert_error(&failed, UNAVAILABLE, "");
        assert!(failed.stderr.contains("\nhint: mount it: "), "{failed:?}");
    }
}

/// Fault 58.
#[test]
fn a_command_or_an_array_beyond_the_limit_is_refused_with_the_limit() {
    let env = test_env!();
    let (name, command) = (env.name("long"), format!("echo 1 # {}", "x".repeat(5000)));
    for args in [&["create", &name][..], &["run", "--name", &name]] {
        let refused = env.coordinator(args).args(["--exec", &command]).run();
        assert_error(&refused, USAGE, &format!("the command has {} bytes, and there is room for ", command.len()));
        assert!(refused.stderr.contains("\nhint: put the command into a script file"), "{refused:?}");
    }
    let cells = (u64::from(common::MOST_CELLS) + 1).to_string();
    let refused = env.coordinator(["create", &name, "--exec", "echo 1", "--cells", &cells]).run();
    assert_error(&refused, USAGE, &format!("--cells is {cells}"));
    assert!(refused.stderr.contains(&format!("\nhint: --cells is 1 to {}", common::MOST_CELLS)), "{refused:?}");
}
