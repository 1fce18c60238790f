//! The examples at the end of `--help`: each can be run as it stands.

pub const COORDINATOR: &str = "\
Examples:
  coordinator
      four workers add the sum of the first 10^6 squares to one i32
  coordinator --independent -n 10_000_000
      four workers print the sum of the first 10^7 squares each
  coordinator --split --kernel prime-count -n 1e7 --workers auto
      the primes below 10^7, shared out among a worker for each CPU
  coordinator create demo && worker --name demo; coordinator remove demo
      a worker by hand, on a segment that is made for such
  coordinator list
      the segments that there are

Signals: SIGINT, SIGTERM and SIGHUP end a run;
SIGUSR1 shows its status on stderr.";

pub const RUN: &str = "\
Examples:
  coordinator run --workers 8 --jobs 2 --type i64
      eight contributions, two workers at a time, and a value that does not wrap
  coordinator run --split --kernel prime-digits -n 1e6 -q
      an array: how many primes end in each digit, and nothing else printed
  coordinator run --split --kernel monte-carlo-pi --type f64 -n 1e6 --seed 1
      an estimate of pi, the same for any number of workers
  coordinator run --split -n 1000 --chunk 250 --exec 'seq {start} {end} | wc -l'
      a shell command for each chunk: its output is the number to add
  coordinator run --name demo --timeout 1m --format json
      a run that others can look at (coordinator status demo), reported as JSON

Signals: SIGINT, SIGTERM and SIGHUP end a run;
SIGUSR1 shows its status on stderr.";

pub const CREATE: &str = "\
Examples:
  coordinator create demo && worker --name demo
      a segment for four contributions, and the first of them
  coordinator create demo --workers 2 --delay 0 --type i64
      for two workers that add to an i64 without a delay
  coordinator create demo --split --kernel prime-count -n 1e7
      a range for as many workers as there will be: worker --name demo
  coordinator create demo --kernel prime-digits --cells 10
      an array of ten cells, which each contribution fills";

pub const STATUS: &str = "\
Examples:
  coordinator status demo
      its workers, its value, who holds the lock, and what to do next
  coordinator status demo --watch
      the same, drawn again and again until the run ends
  coordinator status demo --format json
      one JSON object, for jq
  coordinator status demo --watch --format json
      one JSON object a line, whenever something has changed";
