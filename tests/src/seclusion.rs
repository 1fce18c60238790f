//! Tests in namespaces of their own: those that act on every segment, those that use names like `demo`, and those that
//! make machines.
//!
//! Invariant: tests never touch segments, processes and networks that they did not create.

use std::process::Command;

use crate::report::{report, skip};

/// Set in the environment of a secluded test.
const SECLUDED: &str = "KILLPROOF_TEST_SECLUDED";

/// A place for one test.
struct Place {
    /// Makes the namespaces, then runs the program that follows.
    namespaces: &'static [&'static str],
    /// For whom: root, and others where unprivileged user namespaces are allowed (`unshare(1)`).
    ways: &'static [&'static [&'static str]],
    /// Prepares the namespaces, then runs the test.
    ///
    /// The shell stays: it is process 1 of the PID namespace, and reaps orphans.
    script: &'static str,
}

/// A `/dev/shm`, mounted in this mount namespace alone (`mount_namespaces(7)`), and a PID namespace.
const SHM_AND_PROCESSES: Place = Place {
    namespaces: &["unshare", "--mount", "--pid", "--fork", "--mount-proc"],
    ways: &[&[], &["--user", "--map-root-user"]],
    script: r#"mount -t tmpfs tmpfs /dev/shm && { "$0" "$@"; exit $?; }"#,
};

/// A machine: also a network, a host name, and a `/run` for the sockets and files of daemons. Whatever ends the test ends
/// its processes. Daemons drop groups, which the root of a user namespace may not.
const MACHINE: Place = Place {
    #[rustfmt::skip]
    namespaces: &[
        "setpriv", "--pdeathsig", "KILL",
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--ipc", "--uts",
    ],
    ways: &[&[]],
    script: r#"mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /run && hostname control && { "$0" "$@"; exit $?; }"#,
};

/// Whether the calling test, whose path begins with its crate, runs in a `/dev/shm` and a PID namespace of its own.
///
/// If not, this runs it there in another process, and the caller has nothing more to do. Call it before there is a
/// [`TestEnv`](crate::TestEnv).
pub fn is_secluded(path: &str) -> bool {
    SHM_AND_PROCESSES.holds(path)
}

/// The same for a test that makes machines: it also has a network, a host name and a `/run` of its own.
pub fn is_on_own_machine(path: &str) -> bool {
    MACHINE.holds(path)
}

impl Place {
    /// Whether the test is there; if not, this runs it there.
    fn holds(&self, path: &str) -> bool {
        if std::env::var_os(SECLUDED).is_some() {
            return true;
        }
        let test = path.split_once("::").map_or(path, |(_, test)| test);
        let works = |way: &&&[&str]| self.command(way, "true").output().is_ok_and(|output| output.status.success());
        let Some(way) = self.ways.iter().find(works) else {
            skip(test, &format!("no namespace can be made here ({})", self.namespaces.join(" ")));
            return false;
        };
        let program = std::env::current_exe().expect("a process has an executable");
        let mut command = self.command(way, &program.to_string_lossy());
        let output = command.args(["--exact", test, "--nocapture"]).output().expect("it worked a moment ago");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && printed.contains("1 passed"), "{test}, secluded:\n{printed}");
        printed.lines().filter(|line| line.starts_with("SKIPPED ")).for_each(report);
        false
    }

    fn command(&self, way: &[&str], program: &str) -> Command {
        let mut command = Command::new(self.namespaces[0]);
        command.args(&self.namespaces[1..]).args(way).args(["sh", "-c", self.script, program]).env(SECLUDED, "1");
        command
    }
}
