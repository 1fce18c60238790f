//! The examples at the end of `--help`. Each of them runs as it stands.

pub const COORDINATOR: &str = "\
Examples:
  coordinator
      four workers add the sum of the first 10^6 squares to one i32
  coordinator --independent -n 10_000_000
      four workers print the sum of the first 10^7 squares each
  coordinator --split --kernel prime-count -n 1e7 --workers auto
      the primes below 10^7, divided among one worker for each CPU
  coordinator create demo && worker --name demo; coordinator remove demo
      a segment for workers started by hand, and one such worker
  coordinator list
      existing segments

Signals: SIGINT, SIGTERM and SIGHUP end a run;
SIGUSR1 shows its status on stderr.";

pub const RUN: &str = "\
Examples:
  coordinator run --workers 8 --jobs 2 --type i64
      eight contributions, two workers at a time, and a value that does not wrap
  coordinator run --split --kernel prime-digits -n 1e6 -q
      an array: how many primes end in each digit; only the result is printed
  coordinator run --split --kernel monte-carlo-pi --type f64 -n 1e6 --seed 1
      an estimate of pi, the same for any number of workers
  coordinator run --split -n 1000 --chunk 250 --exec 'seq {start} $(({end} - 1)) | wc -l'
      a shell command for each chunk: its output is the number to add
  coordinator run --name demo --timeout 1m --format json
      a run with a name, for coordinator status demo, and a report as JSON
  coordinator run --name demo --keep
      the segment stays even if the run is complete; otherwise it stays if work is in it and something is missing

Signals: SIGINT, SIGTERM and SIGHUP end a run;
SIGUSR1 shows its status on stderr.";

pub const CREATE: &str = "\
Examples:
  coordinator create demo && worker --name demo
      a segment for four contributions, and the first of them
  coordinator create demo --workers 2 --delay 0 --type i64
      for two workers that add to an i64 without a delay
  coordinator create demo --split --kernel prime-count -n 1e7
      a range for any number of workers: worker --name demo
  coordinator create demo --kernel prime-digits --cells 10
      an array of ten cells; each contribution fills all of them";

pub const STATUS: &str = "\
Examples:
  coordinator status demo
      its workers, its value, the owner of the lock, and what to do next
  coordinator status demo --watch
      the same, redrawn until the run ends
  coordinator status demo --format json
      one JSON object, for jq
  coordinator status demo --watch --format json
      one JSON object a line, after each change";

pub const RESUME: &str = "\
Examples:
  coordinator resume demo
      take over the run, compute what is missing, report the whole, remove the segment
  coordinator resume demo --jobs 1 --timeout 1h
      one worker at a time, and for an hour at most
  coordinator resume demo --restarts 10 --keep
      more attempts, and the segment stays";

pub const COLLECT: &str = "\
Examples:
  coordinator collect sums
      the total of all shards that were started with --results sums
  coordinator collect sums --missing
      the shards to submit again, such as 3,7-9: sbatch --array=$(coordinator collect sums --missing)
  coordinator collect sums --verify 2
      the same total, after two random shards were computed again here
  coordinator collect sums --format json
      one JSON object, for jq";
