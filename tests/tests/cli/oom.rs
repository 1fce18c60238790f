//! The kernel's out-of-memory killer, in a control group with little memory that the test makes.

use std::fs;
use std::path::{Path, PathBuf};

use common::cli::exit_code::{COMPLETE, INCOMPLETE};
use harness::{Finished, TestEnv, skip, test_env, until, wrapped};

/// Enough for a coordinator, a worker and a shell.
const LITTLE: &str = "67108864";

/// Takes more memory than there is: a line without end.
const HOG: &str = "tail /dev/zero";

/// A control group below the test's own, with little memory.
struct Group(PathBuf);

impl Group {
    /// The group, if this machine lets the test make one.
    fn new(env: &TestEnv) -> Result<Self, String> {
        let groups = fs::read_to_string("/proc/self/cgroup").map_err(|error| error.to_string())?;
        let own = |line: &str, controller: &str| {
            let mut fields = line.splitn(3, ':').skip(1);
            fields.next().filter(|found| *found == controller).and(fields.next()).map(str::to_owned)
        };
        let place = |controller, mount: &str, limit: &'static str| {
            let group = groups.lines().find_map(|line| own(line, controller))?;
            let folder = Path::new(mount).join(group.trim_start_matches('/')).join(env.name("oom"));
            Some((folder, limit))
        };
        let places = [
            place("memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            place("", "/sys/fs/cgroup", "memory.max"),
        ];
        let made = places.into_iter().flatten().find_map(|(folder, limit)| {
            fs::create_dir(&folder).ok()?;
            let group = Self(folder);
            // Swap would only delay it.
            for swap in ["memory.swap.max", "memory.swappiness"] {
                let _ = group.0.join(swap).exists().then(|| fs::write(group.0.join(swap), "0"));
            }
            let is_limited = group.0.join(limit).exists() && fs::write(group.0.join(limit), LITTLE).is_ok();
            is_limited.then_some(group)
        });
        made.ok_or_else(|| "no control group with a memory controller can be made here".to_owned())
    }

    /// Runs the coordinator in it.
    fn run(&self, env: &TestEnv, args: &[&str]) -> Finished {
        let enter = format!("echo $$ > {}/cgroup.procs && exec \"$0\" \"$@\"", self.0.display());
        env.coordinator(args).with(wrapped(&["sh", "-c", &enter])).run()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        until("the control group to be empty", || fs::remove_dir(&self.0).is_ok());
    }
}

fn says(finished: &Finished, what: &str) {
    assert!(finished.stderr.contains(what), "no {what:?} in {finished:?}");
}

/// Fault 75.
#[test]
fn a_command_that_the_out_of_memory_killer_ends_is_reported_as_such() {
    let env = test_env!();
    let group = match Group::new(&env) {
        Ok(group) => group,
        Err(why) => return skip("a_command_that_the_out_of_memory_killer_ends_is_reported_as_such", &why),
    };
    let oom = "the kernel's out-of-memory killer has killed 1 process in this control group meanwhile";
    let hint = "hint: fewer workers at once (--jobs N), or more memory for the control group";
    let logs = env.path().join("logs");
    // The command itself, and a process whose shell passes it on.
    for (command, how) in [(format!("exec {HOG}"), "killed by signal 9"), (format!("{HOG}; exit $?"), "exit code 137")]
    {
        let whole = ["-w", "1", "-n", "9", "--delay", "0", "--restarts", "0", "--exec", &command];
        let finished = group.run(&env, &[&whole[..], &["--exec-log", &logs.display().to_string()]].concat());
        says(&finished.expect(INCOMPLETE), &format!("exec failed for 0..9 in 1 attempt: {how}; {oom}"));
        let log = fs::read_to_string(logs.join("0-9.process-1.log")).expect("it is there");
        assert!(log.contains(&format!("== {how}; {oom}, after ")), "{log}");
        says(&group.run(&env, &whole).expect(INCOMPLETE), hint);
    }
    let command = format!("[ {{start}} = 1 ] && exec {HOG}; echo 1 # {{end}}");
    let split =
        ["--split", "-n", "3", "--chunk", "1", "-w", "1", "--restarts", "0", "--keep=never", "--exec", &command];
    let finished = group.run(&env, &split).expect(INCOMPLETE);
    says(&finished, &format!("exec failed for 1..2 in 1 attempt: killed by signal 9; {oom}; it is set aside"));
    // Another one's SIGKILL is not its own.
    let killed = group.run(&env, &["-w", "1", "--delay", "0", "--restarts", "0", "--exec", "kill -9 $$"]);
    assert!(!killed.expect(INCOMPLETE).stderr.contains("out-of-memory"));
    assert!(group.run(&env, &["-w", "1", "-n", "9", "--delay", "0"]).expect(COMPLETE).stderr.is_empty());
}

/// Fault 75.
#[test]
fn a_worker_that_the_out_of_memory_killer_ends_is_reported_as_such() {
    let env = test_env!();
    let group = match Group::new(&env) {
        Ok(group) => group,
        Err(why) => return skip("a_worker_that_the_out_of_memory_killer_ends_is_reported_as_such", &why),
    };
    let worker = env.path().join("hog");
    fs::write(&worker, format!("#!/bin/sh\nexec {HOG}\n")).expect("it can be written");
    fs::set_permissions(&worker, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("they can be set");
    let args = ["-w", "1", "-n", "9", "--restarts", "1", "--worker", &worker.display().to_string()].map(str::to_owned);
    let finished = group.run(&env, &args.each_ref().map(String::as_str)).expect(INCOMPLETE);
    let killed = "was killed by signal 9 (SIGKILL) before its contribution";
    let oom = |what: &str| {
        format!("; the kernel's out-of-memory killer has killed {what} in this control group since the run began")
    };
    says(&finished, &format!("{killed}{}; launching it again (1 of 1)\n", oom("1 process")));
    says(&finished, &format!("{killed}, after 1 restart{}\n", oom("2 processes")));
    says(&finished, "hint: fewer workers at once (--jobs N), or more memory for the control group\n");
}
