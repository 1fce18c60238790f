//! Hosts on this machine: namespaces with a network, processes, a `/dev/shm` and a host name of their own. They share
//! the files.

use std::fs;
use std::path::{Path, PathBuf};

use harness::{Command, Running, TestEnv, skip, until};
use rustix::process::{Pid, Signal, kill_process};

/// The hosts' names, which are also the names of the ends of their links on this side.
pub const NAMES: [&str; 3] = ["h1", "h2", "h3"];

/// The address of the test's own side.
pub const CONTROL: &str = "10.0.0.1";

/// Says its id as this side sees it, then becomes a host. The shell is process 1 of the host: it reaps orphans, and all
/// processes of the host die with it.
const HOST: &str = r#"
read -r init _ </proc/self/stat && hostname "$0" && mount -t proc proc /proc && mount -t tmpfs tmpfs /dev/shm || exit 1
echo "$init"
while :; do sleep 1000; done"#;

/// A network for the hosts, with this side in it, and the names of all: nobody else can be asked for them.
const NETWORK: &str = r#"
mount --bind "$1" /etc/hosts &&
ip link set lo up && ip link add network type bridge && ip address add "$0/24" dev network && ip link set network up"#;

/// A link from the network to a host.
const LINK: &str = r#"
ip link add "$0" type veth peer name eth0 netns "$1" && ip link set "$0" master network up &&
nsenter --target "$1" --net sh -c 'ip link set lo up && ip address add "$0/24" dev eth0 && ip link set eth0 up' "$2""#;

/// What a host has of its own.
const NAMESPACES: [&str; 5] = ["--mount", "--pid", "--net", "--ipc", "--uts"];

/// Three hosts in one network.
pub struct Hosts<'a> {
    env: &'a TestEnv,
    hosts: Vec<Host<'a>>,
}

/// A host; dropping it kills its processes.
pub struct Host<'a> {
    env: &'a TestEnv,
    name: &'static str,
    life: Running,
    init: Pid,
}

impl<'a> Hosts<'a> {
    /// Starts the hosts, on a machine of the test's own; or reports the test as skipped, with what the machine cannot.
    pub fn start_or_skip(env: &'a TestEnv, test: &str) -> Option<Self> {
        Self::start(env).inspect_err(|why| skip(test, why)).ok()
    }

    fn start(env: &'a TestEnv) -> Result<Self, String> {
        let names = env.path().join("hosts");
        let line = |name| format!("{} {name}\n", address(name));
        let lines = format!("127.0.0.1 localhost\n{CONTROL} control\n{}", NAMES.map(line).concat());
        fs::write(&names, lines).expect("the names can be written");
        let network = env.program(Path::new("sh")).args(["-c", NETWORK, CONTROL]).args([&names]).run();
        if network.code != Some(0) {
            return Err(format!("no network can be made here (ip): {}", network.stderr.trim()));
        }
        Ok(Self { env, hosts: NAMES.map(|name| Host::start(env, name)).into() })
    }

    /// The environment of the test.
    pub fn env(&self) -> &'a TestEnv {
        self.env
    }

    /// The host of that name.
    pub fn host(&self, name: &str) -> &Host<'a> {
        self.hosts.iter().find(|host| host.name == name).unwrap_or_else(|| panic!("there is no host {name}"))
    }
}

impl<'a> Host<'a> {
    fn start(env: &'a TestEnv, name: &'static str) -> Self {
        let unshare = env.program(Path::new("unshare")).args(NAMESPACES).args(["--fork", "--kill-child"]);
        let life = unshare.args(["sh", "-c", HOST, name]).start();
        until(&format!("{name} to start"), || life.stdout().ends_with('\n') || life.has_ended());
        let (stdout, stderr) = (life.stdout(), life.stderr());
        let init = stdout.trim().parse().ok().and_then(Pid::from_raw).unwrap_or_else(|| panic!("{name}: {stderr}"));
        let host = Self { env, name, life, init };
        let link = ["-c", LINK, name, stdout.trim(), &host.address()];
        let _ = env.program(Path::new("sh")).args(link).run().expect(0);
        fs::write(host.file(), stdout).expect("the host's file can be written");
        host
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its address in the network.
    pub fn address(&self) -> String {
        address(self.name)
    }

    /// A command that runs there.
    pub fn command(&self, words: &[&str]) -> Command {
        let target = self.init.as_raw_nonzero().to_string();
        let enter = self.env.program(Path::new("nsenter")).args(["--target", &target]).args(NAMESPACES);
        enter.args(["--"]).args(words)
    }

    /// The segments in its `/dev/shm`.
    pub fn segments(&self) -> String {
        self.command(&["ls", "-A", "/dev/shm"]).run().expect(0).stdout
    }

    /// Kills all its processes at once.
    pub fn kill(&self) {
        // Nobody may take another process for the host.
        fs::remove_file(self.file()).expect("the host lived");
        kill_process(self.init, Signal::KILL).expect("the host lives");
        until(&format!("{} to die", self.name), || self.life.has_ended());
    }

    /// Takes it off the network.
    pub fn cut_off(&self) {
        let down = self.env.program(Path::new("ip")).args(["link", "set", self.name, "down"]);
        let _ = down.run().expect(0);
    }

    /// Stops all its processes, as a virtual machine is paused.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets them go on.
    pub fn unpause(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let _ = self.command(&["sh", "-c", "kill -s \"$0\" -- -1", signal]).run().expect(0);
    }

    /// Contains the id of its process 1 while it lives.
    fn file(&self) -> PathBuf {
        self.env.path().join(self.name)
    }
}

fn address(name: &str) -> String {
    format!("10.0.0.1{}", &name[1..])
}
