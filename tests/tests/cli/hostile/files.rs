//! Files with a segment's name that are not segments, truncated segments, and segments open to others: rejected with a
//! reason, never followed, never waited for, never deleted.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use common::cli::exit_code::{COMPLETE, FOREIGN, UNAVAILABLE};
use harness::{TestEnv, assert_error, skip, test_env};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// The unit in which segments are sized.
const PAGE: u64 = 4096;

/// A ready segment for one worker.
fn create(env: &TestEnv, label: &str) -> String {
    let name = env.name(label);
    let args = ["create", &name, "--quiet", "-w", "1", "--slots", "4", "--delay", "0", "-n", "10"];
    let _ = env.coordinator(args).run().expect(COMPLETE);
    name
}

/// A file with that content and no permissions for others.
fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).expect("the file can be written");
    permit(path, 0o600);
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("the permissions can be set");
}

fn resize(path: &Path, length: u64) {
    let file = File::options().write(true).open(path).expect("the file can be opened");
    file.set_len(length).expect("the length can be set");
}

/// What must not change when a command rejects a file: its inode, length and permissions.
fn identity(path: &Path) -> (u64, u64, u32) {
    let metadata = path.symlink_metadata().expect("the file is there");
    (metadata.ino(), metadata.len(), metadata.mode())
}

/// Checks that every command rejects the file for that reason and leaves it alone.
#[track_caller]
fn is_refused(env: &TestEnv, name: &str, reason: &str) {
    let path = env.segment(name);
    let before = identity(&path);
    assert_error(&env.worker(name).run(), FOREIGN, reason);
    for command in ["status", "remove"] {
        assert_error(&env.coordinator([command, name]).run(), FOREIGN, reason);
    }
    assert_error(&env.coordinator(["create", name]).run(), UNAVAILABLE, "exists already");
    let list = env.coordinator(["list"]).run().expect(COMPLETE);
    assert!(!list.stdout.contains(name), "{list:?}");
    assert_eq!(identity(&path), before, "{name} was touched");
}

/// The same; `remove --force` does not delete it either, because it was never a segment.
#[track_caller]
fn is_foreign(env: &TestEnv, name: &str, reason: &str) {
    is_refused(env, name, reason);
    let before = identity(&env.segment(name));
    assert_error(&env.coordinator(["remove", "--force", name]).run(), FOREIGN, reason);
    assert_eq!(identity(&env.segment(name)), before, "{name} was touched");
}

/// Faults 23 and 59: what begins as a segment does, or has no byte that anybody could miss, may be removed by force.
#[test]
fn a_segment_shorter_than_its_header_is_refused_by_its_size() {
    let env = test_env!();
    for (length, can_be_forced) in [(0, true), (1, false), (7, false), (8, true), (PAGE - 1, true)] {
        let name = create(&env, &format!("of-{length}-bytes"));
        resize(&env.segment(&name), length);
        let reason = format!("its size is {length} bytes, not at least {PAGE}");
        is_refused(&env, &name, &reason);
        let hint = if can_be_forced { "coordinator remove --force" } else { "rm /dev/shm" };
        assert!(env.worker(&name).run().stderr.contains(hint), "{length}");
        if can_be_forced {
            let _ = env.coordinator(["remove", "--force", &name]).run().expect(COMPLETE);
        } else {
            is_foreign(&env, &name, &reason);
            fs::remove_file(env.segment(&name)).expect("it can be removed");
        }
    }
}

/// Fault 23.
#[test]
fn a_segment_that_is_not_as_long_as_its_header_says_is_refused_by_its_size() {
    let env = test_env!();
    let name = create(&env, "resized");
    let path = env.segment(&name);
    let (_, length, _) = identity(&path);
    // The last but one is a sparse terabyte: no command may map or read all of it.
    for wrong in [PAGE, length - 1, length + 1, length + PAGE, 1 << 40, length - PAGE] {
        resize(&path, wrong);
        is_refused(&env, &name, &format!("its size is {wrong} bytes, not {length}"));
    }
    // Its header still identifies it, so `--force` may remove it.
    let _ = env.coordinator(["remove", "--force", &name]).run().expect(COMPLETE);
}

/// Fault 23.
#[test]
fn a_file_of_another_program_is_refused_by_its_beginning() {
    let env = test_env!();
    let zeros = vec![0; 8192];
    let text = b"not a segment\n".repeat(1000);
    for (label, content) in [("zeros", zeros), ("text", text)] {
        let name = env.name(label);
        write(&env.segment(&name), &content);
        is_foreign(&env, &name, "it does not begin as a segment does");
        assert_eq!(fs::read(env.segment(&name)).expect("it can be read"), content);
        fs::remove_file(env.segment(&name)).expect("it can be removed");
    }
}

/// Fault 23.
#[test]
fn a_huge_sparse_file_is_refused_by_its_beginning() {
    let env = test_env!();
    let name = env.name("sparse");
    write(&env.segment(&name), b"");
    resize(&env.segment(&name), 1 << 40);
    is_foreign(&env, &name, "it does not begin as a segment does");
    fs::remove_file(env.segment(&name)).expect("it can be removed");
}

/// Fault 23.
#[test]
fn a_fifo_is_refused_by_name() {
    let env = test_env!();
    let name = env.name("fifo");
    let path = env.segment(&name);
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO can be made");
    is_foreign(&env, &name, "it is a FIFO, not a regular file");
    fs::remove_file(path).expect("it can be removed");
}

/// Fault 23.
#[test]
fn a_directory_is_refused_by_name() {
    let env = test_env!();
    let name = env.name("directory");
    let path = env.segment(&name);
    fs::create_dir(&path).expect("a directory can be made");
    is_foreign(&env, &name, "it is a directory, not a regular file");
    fs::remove_dir(path).expect("it can be removed");
}

/// Fault 23.
#[test]
fn a_socket_is_refused_by_name() {
    let env = test_env!();
    let name = env.name("socket");
    let path = env.segment(&name);
    let _listener = UnixListener::bind(&path).expect("a socket can be made");
    is_foreign(&env, &name, "it is a socket");
    fs::remove_file(path).expect("it can be removed");
}

/// Fault 23.
#[test]
fn a_symbolic_link_is_refused_and_not_followed_even_to_a_good_segment() {
    let env = test_env!();
    let target = create(&env, "target");
    for (label, to) in [("link", env.segment(&target)), ("dangling", env.segment(&env.name("nothing")))] {
        let link = env.name(label);
        symlink(to, env.segment(&link)).expect("a link can be made");
        is_foreign(&env, &link, "it is a symbolic link, not a regular file");
        fs::remove_file(env.segment(&link)).expect("it can be removed");
    }
    // A worker that followed the link would have attached and used up the one contribution.
    assert_eq!(env.status(&target).expect("the target is whole")["contributions"]["done"], 0);
    let _ = env.coordinator(["remove", &target]).run().expect(COMPLETE);
}

/// Fault 23.
#[test]
fn a_segment_with_a_second_name_is_refused_under_both_until_one_is_gone() {
    let env = test_env!();
    let (first, second) = (create(&env, "first"), env.name("second"));
    fs::hard_link(env.segment(&first), env.segment(&second)).expect("a hard link can be made");
    is_foreign(&env, &first, "it has 2 names (hard links)");
    is_foreign(&env, &second, "it has 2 names (hard links)");
    fs::remove_file(env.segment(&second)).expect("it can be removed");
    let _ = env.worker(&first).run().expect(COMPLETE);
    let _ = env.coordinator(["remove", &first]).run().expect(COMPLETE);
}

/// Fault 23.
#[test]
fn a_segment_of_another_user_is_refused_by_its_owner() {
    if !rustix::process::geteuid().is_root() {
        skip("a_segment_of_another_user_is_refused_by_its_owner", "only root can give files away");
        return;
    }
    let env = test_env!();
    let name = create(&env, "owned");
    chown(env.segment(&name), Some(65534), None).expect("root can give files away");
    is_foreign(&env, &name, "it belongs to user 65534");
    fs::remove_file(env.segment(&name)).expect("it can be removed");
}

/// Fault 23.
#[test]
fn a_segment_that_others_may_use_is_refused_by_its_permissions() {
    let env = test_env!();
    let name = create(&env, "permitted");
    let path = env.segment(&name);
    for mode in [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666] {
        permit(&path, mode);
        is_foreign(&env, &name, &format!("its permissions are {mode:03o} and must be 600"));
    }
    permit(&path, 0o600);
    let _ = env.worker(&name).run().expect(COMPLETE);
    let _ = env.coordinator(["remove", &name]).run().expect(COMPLETE);
}
