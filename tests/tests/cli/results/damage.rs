//! Folders with something else under the names of results, and folders that cannot be written to.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use common::cli::exit_code::{COMPLETE, FOREIGN, UNAVAILABLE};
use harness::{Command, Finished, ResultsFolder, TestEnv, assert_error, secluded, skip, test_env, wrapped};

use super::SQUARES;

fn shard(folder: &ResultsFolder<'_>) -> Command {
    folder.run(&["-n", "100", "-w", "1"])
}

/// Checks that the part was computed, and what stood under its name was put aside.
fn was_computed(folder: &ResultsFolder<'_>, finished: Finished, case: &str) {
    let finished = finished.expect(COMPLETE);
    assert!(finished.stdout.starts_with("Process Process-1 added"), "{case}: {finished:?}");
    let renamed = "it is renamed to 0-100.json.damaged";
    assert!(finished.stderr.contains("0-100.json ") && finished.stderr.contains(renamed), "{case}: {finished:?}");
    assert_eq!(folder.names(), ["0-100.json", "0-100.json.damaged", "job.json"], "{case}");
    assert_eq!(folder.json("0-100.json")["total"], "328350", "{case}");
    let aside = folder.path().join("0-100.json.damaged");
    fs::remove_file(&aside).or_else(|_| fs::remove_dir(&aside)).expect("it can be removed");
}

/// Fault 72.
#[test]
fn what_is_no_result_of_the_part_is_renamed_and_the_part_computed() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let _ = shard(&folder).run().expect(COMPLETE);
    let text = fs::read_to_string(folder.path().join("0-100.json")).expect("it is there");
    let path = folder.path().join("0-100.json");
    for damaged in [
        String::new(),
        text[..text.len() / 2].to_owned(),
        text.replace("\"end\":\"100\"", "\"end\":\"99\""),
        text.replace("\"328350\"", "\"much\""),
        text.replace("\"328350\"", "[\"1\",\"2\"]"),
        text.replace("\"job\":\"", "\"job\":\"0"),
        "[".repeat(50_000),
        "x".repeat(1 << 20),
    ] {
        folder.write("0-100.json", &damaged);
        was_computed(&folder, shard(&folder).run(), &damaged[..damaged.len().min(99)]);
    }
    let stranger = env.path().join("stranger");
    fs::write(&stranger, &text).expect("it can be written");
    fs::remove_file(&path).expect("it is there");
    symlink(&stranger, &path).expect("it can be made");
    was_computed(&folder, shard(&folder).run(), "a link");
    assert_eq!(fs::read_to_string(stranger).expect("it stays"), text);
    fs::remove_file(&path).expect("it is there");
    fs::create_dir(&path).expect("it can be made");
    was_computed(&folder, shard(&folder).run(), "a folder");
    fs::remove_file(&path).expect("it is there");
    let _ = env.program("mkfifo".as_ref()).args([&path]).run().expect(COMPLETE);
    was_computed(&folder, shard(&folder).run(), "a FIFO");
}

#[test]
fn damaged_results_of_one_part_do_not_replace_each_other() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let _ = shard(&folder).run().expect(COMPLETE);
    for damaged in ["one", "two"] {
        folder.write("0-100.json", damaged);
        let _ = shard(&folder).run().expect(COMPLETE);
    }
    let aside: Vec<String> = folder.names().into_iter().filter(|name| name.contains(".damaged")).collect();
    let contents = aside.iter().map(|name| fs::read_to_string(folder.path().join(name)).expect("it is there"));
    assert_eq!(contents.collect::<BTreeSet<String>>(), BTreeSet::from(["one".to_owned(), "two".to_owned()]));
    let collected = env.coordinator(["collect"]).args([folder.path()]).run().expect(COMPLETE);
    assert_eq!((collected.stderr.as_str(), collected.lines()[0]), ("", "Final shared value: 328350"));
}

/// A new job would have another id, and all results would be those of another job.
#[test]
fn a_job_that_was_lost_is_not_begun_anew_beside_its_results() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let _ = folder.run(&["-n", "100", "--shard", "0/2"]).run().expect(COMPLETE);
    let job = fs::read(folder.path().join("job.json")).expect("it is there");
    fs::remove_file(folder.path().join("job.json")).expect("it is there");
    let lost = "job.json is missing, and results are there, such as 0-50.json";
    for shard in ["0/2", "1/2"] {
        assert_error(&folder.run(&["-n", "100", "--shard", shard]).run(), FOREIGN, lost);
    }
    let collected = env.coordinator(["collect"]).args([folder.path()]).run();
    assert_error(&collected, FOREIGN, lost);
    assert!(collected.stderr.contains("restore the file; or compute the job in another folder"), "{collected:?}");
    assert_eq!(folder.names(), ["0-50.json"]);
    fs::write(folder.path().join("job.json"), job).expect("it can be written");
    let _ = folder.run(&["-n", "100", "--shard", "1/2"]).run().expect(COMPLETE);
}

/// Before any work.
#[test]
fn a_folder_that_is_read_only_is_refused_unless_it_has_the_result() {
    if !secluded!(a_folder_that_is_read_only_is_refused_unless_it_has_the_result) {
        return;
    }
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let _ = folder.run(&["-n", "100", "--shard", "0/2"]).run().expect(COMPLETE);
    let mount = format!("mount --bind {0} {0} && mount -o remount,bind,ro {0}", folder.path().display());
    let read_only = |shard: &str| {
        let run = folder.run(&["-n", "100", "--shard", shard]);
        run.with(wrapped(&["unshare", "-m", "sh", "-c", &format!("{mount} && exec \"$0\" \"$@\"")])).run()
    };
    assert_error(&read_only("1/2"), UNAVAILABLE, "Read-only file system");
    assert_eq!(read_only("0/2").expect(COMPLETE).stdout, "Final shared value: 40425\n");
}

/// It may be that user's valid result.
#[test]
fn a_result_of_another_user_is_neither_taken_nor_renamed() {
    if !secluded!(a_result_of_another_user_is_neither_taken_nor_renamed) {
        return;
    }
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let _ = shard(&folder).run().expect(COMPLETE);
    if std::os::unix::fs::chown(folder.path().join("0-100.json"), Some(65534), None).is_err() {
        return skip("a_result_of_another_user_is_neither_taken_nor_renamed", "only root gives files away");
    }
    assert_error(&shard(&folder).run(), UNAVAILABLE, "0-100.json belongs to another user (65534)");
    assert_eq!(folder.names(), ["0-100.json", "job.json"]);
}

#[test]
fn a_job_that_makes_no_sense_is_refused() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    fs::create_dir(folder.path()).expect("it can be made");
    folder.write("job.json", "{}");
    assert_error(&shard(&folder).run(), FOREIGN, "job.json is not a job");
    fs::remove_file(folder.path().join("job.json")).expect("it is there");
    symlink("/etc/passwd", folder.path().join("job.json")).expect("it can be made");
    assert_error(&shard(&folder).run(), FOREIGN, "job.json is a symbolic link");
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let env = test_env!();
    let run = |folder: &str| env.coordinator(["--split", "-n", "10", "--results", folder]).run();
    let file = env.path().join("worker").display().to_string();
    for (folder, why) in [
        (file.as_str(), "Not a directory"),
        ("/proc/self/results", "No such file or directory"),
        ("/nowhere/at/all", "No such file or directory"),
    ] {
        assert_error(&run(folder), UNAVAILABLE, &format!("cannot use the folder of results {folder}: {why}"));
    }
}

/// Runs the shard, and then `script`, over a file system of 64 KiB.
fn on_a_small_disk(env: &TestEnv, path: &std::path::Path, script: &str) -> Finished {
    let script = format!("mount -t tmpfs -o size=64k none {} && {script}", path.display());
    let run = ["--split", "-n", "100", "-w", "1", "--results"];
    env.coordinator(run).args([path]).with(wrapped(&["unshare", "-m", "sh", "-c", &script])).run()
}

/// Fault 69.
#[test]
fn a_full_disk_keeps_the_work_and_the_same_command_leaves_the_result_when_there_is_room() {
    if !secluded!(a_full_disk_keeps_the_work_and_the_same_command_leaves_the_result_when_there_is_room) {
        return;
    }
    let env = test_env!();
    let path = env.path().join("small");
    fs::create_dir(&path).expect("it can be made");
    let place = path.display();
    // A page for the job, and none for the result.
    let script = format!(
        "\"$0\" \"$@\" >/dev/null || exit 9; rm {place}/0-100.json; dd if=/dev/zero of={place}/fill bs=4k 2>/dev/null; \
         \"$0\" \"$@\"; echo code $?; ls -A {place}; rm {place}/fill; \"$0\" \"$@\" -v; echo code $?; ls -A {place}"
    );
    let finished = on_a_small_disk(&env, &path, &script);
    let (full, room) = finished.stdout.split_once("code 1\n").unwrap_or_else(|| panic!("{finished:?}"));
    assert!(full.ends_with(SQUARES), "stdout has the result all the same: {finished:?}");
    assert!(room.starts_with("fill\njob.json\n") && room.contains(SQUARES), "{finished:?}");
    assert!(room.ends_with("code 0\n0-100.json\njob.json\n"), "{finished:?}");
    assert!(finished.stderr.contains("error: cannot leave the result in "), "{finished:?}");
    assert!(finished.stderr.contains("No space left on device"), "{finished:?}");
    assert!(finished.stderr.contains("100 of 100 iterations are applied; finish it: run the same command again"));
    assert!(finished.stderr.contains("took over segment"), "nothing is computed again: {finished:?}");
    assert!(env.all_segments().is_empty());
}
