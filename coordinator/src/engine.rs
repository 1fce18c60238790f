//! The place that an engine gives to the processes it starts, from its environment variables: `--shard auto`.
//!
//! An index is taken as it is. In a Slurm array that begins at 3, `SLURM_ARRAY_TASK_MIN` is not subtracted: resubmitting the
//! missing shards as `--array=3,7-9` must compute 3, 7, 8 and 9.

use crate::error::{Error, Result};
use common::Shard;

/// The variables that hold an index.
///
/// [Slurm](https://slurm.schedmd.com/sbatch.html), [HyperQueue](https://it4innovations.github.io/hyperqueue/stable/jobs/arrays/),
/// [Kubernetes](https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode),
/// [Open MPI](https://docs.open-mpi.org/en/v5.0.x/tuning-apps/environment-var.html),
/// [GNU parallel](https://www.gnu.org/software/parallel/parallel.html).
const ARRAY_TASK: &str = "SLURM_ARRAY_TASK_ID";
const SLURM_RANK: &str = "SLURM_PROCID";
const HYPER_QUEUE: &str = "HQ_TASK_ID";
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";
const MPI_RANK: &str = "OMPI_COMM_WORLD_RANK";
const PARALLEL: &str = "PARALLEL_SEQ";
const PLACES: [&str; 6] = [ARRAY_TASK, SLURM_RANK, HYPER_QUEUE, KUBERNETES, MPI_RANK, PARALLEL];

/// The shard of this process, by the variables that `see` finds; `of` is the number of shards, if it was given.
pub fn shard(see: impl Fn(&str) -> Option<String>, of: Option<u64>) -> Result<Shard> {
    let mut seen: Vec<&str> = PLACES.into_iter().filter(|place| see(place).is_some()).collect();
    let engine = Engine { see: &see };
    if seen.contains(&ARRAY_TASK) && engine.tasks()? <= 1 {
        // Each task of an array is a job of one process, and has that rank 0.
        seen.retain(|place| *place != SLURM_RANK);
    }
    let place = match seen[..] {
        [place] => place,
        [] => return Err(Error::usage("--shard is auto, and no engine gives a place", nowhere())),
        _ => {
            let all: Vec<String> = seen.iter().map(|name| engine.shown(name)).collect();
            let last = seen.last().copied().unwrap_or_default();
            let index = if last == PARALLEL { format!("$(({PARALLEL} - 1))") } else { format!("${last}") };
            let hint = format!("name the one that counts: --shard I/N, such as --shard {index}/N");
            return Err(Error::usage(
                format!("--shard is auto, and there are several places: {}", all.join(", ")),
                hint,
            ));
        }
    };
    let of = of.map_or_else(|| engine.count(place), Ok)?;
    let index = engine.index(place)?;
    Shard::new(index, of).ok_or_else(|| {
        let what = format!("{} is shard {index}, and there are {of}", engine.shown(place));
        Error::usage(what, format!("shards are counted from 0 to {}", of.saturating_sub(1)))
    })
}

fn nowhere() -> String {
    format!("--shard I/N; or start it under an engine that sets one of {}", PLACES.join(", "))
}

/// The environment of an engine's process.
struct Engine<'a> {
    see: &'a dyn Fn(&str) -> Option<String>,
}

impl Engine<'_> {
    fn index(&self, place: &str) -> Result<u64> {
        let number = self.number(place)?;
        if place != PARALLEL {
            return Ok(number);
        }
        number.checked_sub(1).ok_or_else(|| self.wrong(place, "is below 1, the first"))
    }

    /// The number of shards, where the engine says it.
    fn count(&self, place: &str) -> Result<u64> {
        let count = match place {
            MPI_RANK => self.number("OMPI_COMM_WORLD_SIZE")?,
            SLURM_RANK if self.tasks()? > 1 => self.tasks()?,
            ARRAY_TASK => {
                let [min, max, count] =
                    ["MIN", "MAX", "COUNT"].map(|end| self.number(&format!("SLURM_ARRAY_TASK_{end}")));
                let (min, max, count) = (min?, max?, count?);
                if min != 0 || max.checked_add(1) != Some(count) {
                    let what = format!("--shard is auto, and the array has {count} tasks from {min} to {max}");
                    return Err(Error::usage(what, "it may be a part of a larger one: --shard auto/N"));
                }
                count
            }
            _ => {
                let what =
                    format!("--shard is auto, and {} does not tell how many shards there are", self.shown(place));
                return Err(Error::usage(what, "--shard auto/N"));
            }
        };
        if count == 0 {
            Err(Error::usage("--shard is auto, and the engine counts 0 shards", "--shard auto/N"))
        } else {
            Ok(count)
        }
    }

    /// The number of tasks of a Slurm job: 1 unless it is given.
    fn tasks(&self) -> Result<u64> {
        if (self.see)("SLURM_NTASKS").is_some() { self.number("SLURM_NTASKS") } else { Ok(1) }
    }

    fn number(&self, name: &str) -> Result<u64> {
        let text = (self.see)(name).ok_or_else(|| self.wrong(name, "is not set"))?;
        text.parse().map_err(|_| self.wrong(name, "is not a number"))
    }

    fn wrong(&self, name: &str, why: &str) -> Error {
        Error::usage(format!("--shard is auto, and {} {why}", self.shown(name)), "--shard auto/N; or --shard I/N")
    }

    fn shown(&self, name: &str) -> String {
        (self.see)(name).map_or_else(|| name.to_owned(), |value| format!("{name}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `3/24`, or the error.
    fn place(environment: &str, of: Option<u64>) -> String {
        let see = |wanted: &str| {
            let mut entries = environment.split_whitespace().filter_map(|entry| entry.split_once('='));
            entries.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
        };
        match shard(see, of) {
            Ok(shard) => format!("{}/{}", shard.index(), shard.of()),
            Err(error) => format!("{error}; {}", error.hint().unwrap_or_default()),
        }
    }

    #[test]
    fn the_index_is_the_engines_own_and_a_lower_end_is_never_subtracted() {
        for (environment, expected) in [
            ("SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=9 SLURM_ARRAY_TASK_COUNT=4", "7/24"),
            ("SLURM_ARRAY_TASK_ID=7 SLURM_PROCID=0", "7/24"),
            ("SLURM_ARRAY_TASK_ID=7 SLURM_PROCID=0 SLURM_NTASKS=1", "7/24"),
            ("SLURM_PROCID=5 SLURM_NTASKS=8", "5/24"),
            ("SLURM_PROCID=0", "0/24"),
            ("HQ_TASK_ID=9", "9/24"),
            ("JOB_COMPLETION_INDEX=23", "23/24"),
            ("OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4", "2/24"),
            ("PARALLEL_SEQ=1", "0/24"),
            ("PARALLEL_SEQ=24", "23/24"),
        ] {
            assert_eq!(place(environment, Some(24)), expected, "{environment}");
        }
    }

    #[test]
    fn without_a_count_only_an_engine_that_tells_it_will_do() {
        let array = |min, max, count| {
            format!(
                "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN={min} SLURM_ARRAY_TASK_MAX={max} SLURM_ARRAY_TASK_COUNT={count}"
            )
        };
        assert_eq!(place(&array(0, 23, 24), None), "3/24");
        assert_eq!(place("OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4", None), "2/4");
        assert_eq!(place("SLURM_PROCID=5 SLURM_NTASKS=8", None), "5/8");
        for (environment, part) in [
            (array(3, 9, 4), "4 tasks from 3 to 9"),
            (array(0, 9, 4), "4 tasks from 0 to 9"),
            ("SLURM_ARRAY_TASK_ID=3".to_owned(), "SLURM_ARRAY_TASK_MIN is not set"),
            ("SLURM_PROCID=0 SLURM_NTASKS=1".to_owned(), "--shard auto/N"),
            ("SLURM_PROCID=0".to_owned(), "--shard auto/N"),
            ("OMPI_COMM_WORLD_RANK=0".to_owned(), "OMPI_COMM_WORLD_SIZE is not set"),
            ("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=0".to_owned(), "counts 0 shards"),
            ("HQ_TASK_ID=9".to_owned(), "HQ_TASK_ID=9 does not tell how many"),
            ("JOB_COMPLETION_INDEX=2".to_owned(), "--shard auto/N"),
            ("PARALLEL_SEQ=2".to_owned(), "--shard auto/N"),
        ] {
            let error = place(&environment, None);
            assert!(error.contains(part), "{environment}: {error}");
        }
    }

    #[test]
    fn two_places_or_none_or_a_wrong_one_are_refused_with_what_was_seen() {
        for (environment, parts) in [
            (
                "SLURM_ARRAY_TASK_ID=1 SLURM_PROCID=2 SLURM_NTASKS=4",
                &["SLURM_ARRAY_TASK_ID=1", "SLURM_PROCID=2"] as &[_],
            ),
            ("SLURM_PROCID=0 PARALLEL_SEQ=3", &["SLURM_PROCID=0, PARALLEL_SEQ=3"]),
            ("HQ_TASK_ID=1 JOB_COMPLETION_INDEX=1", &["HQ_TASK_ID=1, JOB_COMPLETION_INDEX=1", "--shard I/N, such as"]),
            ("", &["no engine gives a place", "PARALLEL_SEQ"]),
            ("HQ_TASK_ID=", &["HQ_TASK_ID= is not a number"]),
            ("HQ_TASK_ID=-1", &["HQ_TASK_ID=-1 is not a number"]),
            ("HQ_TASK_ID=24", &["HQ_TASK_ID=24 is shard 24, and there are 24", "0 to 23"]),
            ("PARALLEL_SEQ=0", &["PARALLEL_SEQ=0 is below 1"]),
            ("SLURM_ARRAY_TASK_ID=1 SLURM_NTASKS=x", &["SLURM_NTASKS=x is not a number"]),
        ] {
            let error = place(environment, Some(24));
            assert!(parts.iter().all(|part| error.contains(part)), "{environment}: {error}");
        }
    }
}
