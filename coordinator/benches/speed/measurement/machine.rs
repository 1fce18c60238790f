//! The machine and the time of a measurement.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

/// The machine as it was before the first round.
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    pub rustc: Option<String>,
    pub date: String,
    /// The load average of the last minute (`proc_loadavg(5)`).
    pub load: Option<f64>,
}

impl Machine {
    pub fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpus = text("/proc/cpuinfo");
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            cpu: model.map_or("unknown CPU", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            rustc: first_line(Command::new(super::build_dir::rustc()).arg("--version")),
            date: common::rfc3339(SystemTime::now()),
            load: text("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()),
        }
    }

    pub fn warn_if_busy(&self) {
        if let Some(load) = self.load.filter(|_| self.is_busy()) {
            eprintln!("warning: the load average is {load}: other processes use the CPUs, and the samples will spread");
        }
    }

    /// Whether other processes keep more than half of the cores busy.
    pub fn is_busy(&self) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "no machine has that many cores")]
        let half = self.cores as f64 / 2.0;
        self.load.is_some_and(|load| load > half)
    }

    /// The lines above the table.
    pub fn describe(&self, peers: &[String]) -> String {
        let load = self.load.map_or_else(String::new, |load| format!(", load average {load}"));
        let busy = if self.is_busy() { " (high: other processes use the CPUs)" } else { "" };
        let rustc = self.rustc.as_deref().unwrap_or("no rustc");
        let peers = if peers.is_empty() { String::new() } else { format!("\npeers: {}", peers.join("; ")) };
        let Self { cpu, cores, kernel, date, .. } = self;
        format!("{cpu}, {cores} cores, Linux {kernel}, {rustc}\n{date}{load}{busy}{peers}")
    }
}

/// The first line of a command's output, if the command succeeds.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
}
