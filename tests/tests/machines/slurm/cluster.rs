//! A Slurm cluster: munged and slurmctld here, slurmd on each host.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread;

use harness::{Command, Finished, Running, TestEnv};

use crate::hosts::{CONTROL, Hosts, NAMES};
use crate::patience::until_engine;
use crate::shared_folder::SharedFolder;

/// Sockets, states and logs: a file system that ends with the test.
const FOLDER: &str = "/run/cluster";

/// What a cluster needs, beside the hosts.
pub const PROGRAMS: [&str; 6] = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol"];

/// Timeouts are short, so that a death is noticed in ten seconds instead of minutes. The hosts have more processors
/// than the machine, so that the host that is left takes a whole job.
const SETTINGS: &str = "
ClusterName=tests
SlurmUser=root
SlurmdUser=root
StateSaveLocation=/run/cluster/state
SlurmdSpoolDir=/run/cluster/%n
SlurmctldPidFile=/run/cluster/slurmctld.pid
SlurmdPidFile=/run/cluster/%n.pid
SlurmctldLogFile=/run/cluster/slurmctld.log
SlurmdLogFile=/run/cluster/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_min_interval=1000
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU,CR_LLN
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=5
MessageTimeout=3
TCPTimeout=1
KillWait=1
PartitionName=hosts Nodes=ALL Default=YES
";

/// Leaves slurmd to its host, which it dies with; waits until it is no more of this process group.
const SLURMD: &str = r#"slurmd -N "$0" && until [ -s "/run/cluster/$0.pid" ]; do sleep 0.01; done"#;

/// A running cluster.
pub struct Cluster<'a> {
    hosts: &'a Hosts<'a>,
    _daemons: [Running; 2],
}

impl<'a> Cluster<'a> {
    /// Starts the daemons.
    pub fn start(hosts: &'a Hosts<'a>) -> Self {
        configure(hosts);
        let munged = ["--foreground", "--force", "--key-file=/run/cluster/key", "--log-file=/run/cluster/munged.log"];
        let files = ["--pid-file=/run/munge/pid", "--seed-file=/run/munge/seed"];
        let munged = hosts.env().program(Path::new("munged")).args(munged).args(files).start();
        until_engine("munged to listen", || Path::new("/run/munge/munge.socket.2").exists() || munged.has_ended());
        let control = command(hosts.env(), "slurmctld", &["-D"]).start();
        for name in NAMES {
            let _ = hosts.host(name).command(&["sh", "-c", SLURMD, name]).with(configured).run().expect(0);
        }
        let cluster = Self { hosts, _daemons: [munged, control] };
        until_engine("the hosts to be ready", || cluster.nodes("idle") == NAMES.len());
        cluster
    }

    /// Submits a script of one line; returns the job's id.
    pub fn submit(&self, folder: &SharedFolder, options: &[&str], line: &str) -> String {
        let sbatch = command(self.hosts.env(), "sbatch", &["--parsable", "--output=/dev/null"]).args(options);
        let sbatch = sbatch.args(["--wrap", line]).with(|sbatch| {
            sbatch.env("PATH", folder.search_path());
        });
        sbatch.run().expect(0).stdout.trim().to_owned()
    }

    /// Submits what is missing, and waits for its end.
    pub fn submit_missing(&self, folder: &SharedFolder, line: &str) {
        let _ = self.submit(folder, &[&format!("--array={}", folder.missing_ranges())], line);
        self.until_idle();
    }

    /// Waits until all jobs have ended.
    pub fn until_idle(&self) {
        until_engine("the jobs to end", || {
            self.hasten_requeued();
            self.queue(&["-o", "%i"]).is_empty()
        });
    }

    /// How many hosts are in that state.
    pub fn nodes(&self, state: &str) -> usize {
        let sinfo = command(self.hosts.env(), "sinfo", &["-h", "-N", "-o", "%N", "-t", state]).run();
        sinfo.lines().len()
    }

    /// Slurm holds the job of a dead host back for two minutes.
    pub fn hasten_requeued(&self) {
        for line in self.queue(&["-r", "-t", "PENDING", "-O", "JobArrayID:30,RestartCnt:10"]).lines() {
            let (task, restarts) = line.trim().split_once(' ').expect("two columns");
            if restarts.trim() != "0" {
                // Fails if it has started meanwhile.
                let update = ["update", &format!("jobid={task}"), "starttime=now"];
                let _: Finished = command(self.hosts.env(), "scontrol", &update).run();
            }
        }
    }

    fn queue(&self, options: &[&str]) -> String {
        command(self.hosts.env(), "squeue", &["-h"]).args(options).run().expect(0).stdout
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            print_logs();
        }
    }
}

/// Writes the configuration and the key of munge.
fn configure(hosts: &Hosts) {
    let folder = Path::new(FOLDER);
    let folders = NAMES.map(|name| folder.join(name)).into_iter();
    for path in folders.chain([folder.join("state"), "/run/munge".into()]) {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(path).expect("a folder in /run can be made");
    }
    let node = |name| format!("NodeName={name} NodeAddr={} CPUs=6\n", hosts.host(name).address());
    let settings = format!("SlurmctldHost=control({CONTROL})\n{}{SETTINGS}", NAMES.map(node).concat());
    fs::write(folder.join("slurm.conf"), settings).expect("it can be written");
    // Its other plugin asks systemd.
    fs::write(folder.join("cgroup.conf"), "CgroupPlugin=cgroup/v1\n").expect("it can be written");
    let key = fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(folder.join("key"));
    key.and_then(|mut key| key.write_all(&[7; 128])).expect("the key can be written");
}

fn command(env: &TestEnv, program: &str, args: &[&str]) -> Command {
    env.program(Path::new(program)).args(args).with(configured)
}

fn configured(process: &mut std::process::Command) {
    process.env("SLURM_CONF", Path::new(FOLDER).join("slurm.conf"));
}

/// The ends of the daemons' logs.
fn print_logs() {
    let files = fs::read_dir(FOLDER).into_iter().flatten().flatten().map(|file| file.path());
    for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "log")) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        eprintln!("{}:\n{}", path.display(), lines[lines.len().saturating_sub(30)..].join("\n"));
    }
}
