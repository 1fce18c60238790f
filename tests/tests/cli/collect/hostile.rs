//! Fault 72. Folders that strangers write to: nothing of theirs counts, is followed, blocks, or breaks a line.

use std::fs::{self, File};
use std::os::unix::fs::{chown, symlink};

use common::cli::exit_code::{COMPLETE, DISAGREE};
use harness::{assert_error, skip, test_env};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

use super::{Folder, assert_incomplete, assert_line, result, squares};

#[test]
fn what_is_not_the_result_that_its_name_says_is_named_and_its_part_missing() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    let good = result(&(30..40), squares(30..40)).to_string();
    for (text, why) in [
        (String::new(), "is not a result"),
        (good[..good.len() / 2].to_owned(), "is not a result"),
        ("[".repeat(10_000), "is not a result"),
        (" ".repeat(1 << 20), "is too large"),
        (good.replace("0123456789abcdef", "fedcba9876543210"), "is a result of another job"),
        (good.replace("\"end\":\"40\"", "\"end\":\"41\""), "is the result of 30..41"),
        (good.replace(&squares(30..40), "1.5"), "has no total of type i32"),
        (good.replace("\"schema\":1", "\"schema\":2"), "has schema 2"),
        (good.replace(super::ID, &"x".repeat(10_000)), "is a result of another job, xxxx"),
    ] {
        assert_ne!(text, good);
        folder.write("30-40.json", &text);
        let finished = folder.collect(&[]);
        assert_incomplete(&finished, "9 of 10 shards");
        assert_line(&finished, "damaged", 1, &["30-40.json", why]);
        assert!(finished.stderr.len() < 1000, "{finished:?}");
        assert_line(&finished, "missing", 1, &["missing: 3"]);
    }
}

#[test]
fn no_link_is_followed_no_fifo_waits_and_no_folder_is_read() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    let elsewhere = env.path().join("elsewhere.json");
    fs::rename(folder.file("10-20.json"), &elsewhere).expect("it can be moved");
    symlink(&elsewhere, folder.file("10-20.json")).expect("it can be linked");
    for name in ["20-30.json", "30-40.json"] {
        fs::remove_file(folder.file(name)).expect("it can be removed");
    }
    mknodat(CWD, folder.file("20-30.json"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("it can be made");
    fs::create_dir(folder.file("30-40.json")).expect("it can be made");
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "7 of 10 shards");
    assert_line(&finished, "damaged", 3, &["10-20.json is a symbolic link"]);
    assert_line(&finished, "damaged", 3, &["20-30.json is not a regular file"]);
    assert_line(&finished, "damaged", 3, &["30-40.json is not a regular file"]);
    assert_line(&finished, "missing", 1, &["missing: 1-3"]);
}

#[test]
fn a_job_that_is_a_link_is_none() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    let elsewhere = env.path().join("elsewhere.json");
    fs::rename(folder.file("job.json"), &elsewhere).expect("it can be moved");
    symlink(&elsewhere, folder.file("job.json")).expect("it can be linked");
    assert_error(&folder.collect(&[]), common::cli::exit_code::FOREIGN, "job.json is a symbolic link");
}

#[test]
fn a_result_of_another_user_does_not_count() {
    if !rustix::process::geteuid().is_root() {
        skip("a_result_of_another_user_does_not_count", "only root can give a file to another user");
        return;
    }
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    chown(folder.file("50-60.json"), Some(12345), None).expect("root may");
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "9 of 10 shards");
    assert_line(&finished, "damaged", 1, &["50-60.json belongs to another user (12345)"]);
    // One that is said to differ neither stops anybody nor counts.
    folder.put_shards([5]);
    fs::remove_file(folder.file("50-60.json")).expect("it can be removed");
    folder.put_shards([5]);
    let differing = "50-60.differs-node-2-1.json";
    folder.write(differing, &result(&(50..60), "1").to_string());
    let _ = folder.collect(&[]).expect(DISAGREE);
    chown(folder.file(differing), Some(12345), None).expect("root may");
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_line(&finished, "damaged", 1, &[differing, "belongs to another user"]);
}

#[test]
fn a_huge_file_is_not_read() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    File::create(folder.file("0-10.json")).and_then(|file| file.set_len(1 << 30)).expect("it can be made");
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "9 of 10 shards");
    assert_line(&finished, "damaged", 1, &["0-10.json is too large (1073741824 bytes)"]);
}

#[test]
fn a_result_beyond_the_job_does_not_count() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..11);
    folder.put(0..u64::MAX, "1");
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_line(&finished, "damaged", 2, &["100-110.json ends beyond the job's 100 iterations"]);
    assert_line(&finished, "damaged", 2, &["0-18446744073709551615.json ends beyond"]);
}

#[test]
fn foreign_names_are_told_and_change_nothing() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    for name in ["notes.txt", "00-10.json", "10-0.json", "0-10.json~", "0-10.differs-x.json", "slurm 1.out"] {
        folder.write(name, "text");
    }
    fs::create_dir(folder.file("folder")).expect("it can be made");
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_eq!(finished.stdout, format!("Final shared value: {0}\nExact total: {0}\n", squares(0..100)));
    let named = "0-10.differs-x.json, 0-10.json~, 00-10.json, 10-0.json, folder, notes.txt, slurm 1.out";
    assert_line(&finished, "note", 1, &["7 files of no job: ", named]);
    for number in 0..20 {
        folder.write(&format!("a{number:02}"), "");
    }
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_line(&finished, "note", 1, &["27 files", "10-0.json, a00, a01, a02, a03, a04, a05, and 17 more"]);
}

#[test]
fn no_name_breaks_a_line_or_reaches_the_terminal_as_it_is() {
    use std::os::unix::ffi::OsStrExt;
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    for name in [&b"a\nerror: all is lost"[..], b"b\x1b[2J", b"c\xff\xfe"] {
        let name = std::ffi::OsStr::from_bytes(name);
        fs::write(folder.path.join(name), "").expect("it can be written");
    }
    folder.write("90-100.json", &result(&(90..100), "1").to_string().replace("0123456789abcdef", "\\nerror: \\u001b"));
    symlink("job.json", folder.file("0-10.differs-\x1b[2J\nerror: all is lost-1.json")).expect("it can be linked");
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "9 of 10 shards");
    assert_line(&finished, "note", 1, &[r"a\nerror: all is lost", r"b\u{1b}[2J", "c\u{fffd}"]);
    assert_line(&finished, "damaged", 2, &[r"0-10.differs-\u{1b}[2J\nerror: all is lost-1.json is a symbolic link"]);
    assert_line(&finished, "damaged", 2, &["90-100.json is a result of another job, \\n"]);
    assert!(finished.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{finished:?}");
}

#[test]
fn a_result_that_differs_under_a_hostile_name_is_told_in_one_line_and_quoted_in_the_hint() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    folder.write("0-10.differs-$(touch x);\n\x1b[2J-1.json", &result(&(0..10), "5").to_string());
    let finished = folder.collect(&[]);
    assert_error(&finished, DISAGREE, r"0-10.differs-$(touch x);\n\u{1b}[2J-1.json has 5");
    assert!(finished.stderr.contains(r"0-10.differs-$(touch x);\n\u{1b}[2J-1.json'; if"), "{finished:?}");
    folder.write("10-20.differs-\x1b[2J-1.json", &result(&(10..20), "5").to_string());
    let finished = folder.collect(&[]).expect(DISAGREE);
    assert_line(&finished, "differs", 2, &[r"10-20.differs-\u{1b}[2J-1.json has 5"]);
    assert!(finished.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{finished:?}");
}

#[test]
fn a_damaged_result_that_other_parts_cover_is_told_and_changes_nothing() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": null }));
    folder.put(0..100, "5");
    folder.write("20-30.json", "{");
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_eq!(finished.stdout, "Final shared value: 5\nExact total: 5\n");
    assert_line(&finished, "damaged", 1, &["20-30.json is not a result"]);
}
