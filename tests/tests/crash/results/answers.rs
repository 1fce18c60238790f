//! System calls of a shard's writer with certain answers, and what follows from each.

use std::fs;

use common::cli::exit_code::DISAGREE;
use harness::ptrace::Traced;
use harness::{secluded, test_env};
use libc::{SYS_fsync, SYS_linkat, SYS_renameat2, SYS_unlinkat};
use rustix::io::Errno;

use super::{RESULT, Shard, can_trace};

/// A call, and its answer.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// It is not made, and fails so.
    Refused(libc::c_long, Errno),
    /// It is made, and looks as if it had failed so.
    Denied(libc::c_long, Errno),
    /// It is made.
    Right(libc::c_long),
}

use Answer::{Denied, Refused, Right};

/// Gives the answers to the next calls with those numbers.
pub fn answer(victim: &mut Traced, answers: &[Answer]) {
    for answer in answers {
        let (Refused(number, _) | Denied(number, _) | Right(number)) = *answer;
        assert!(victim.run_to_call(number).expect("it worked a moment ago"), "{answer:?} of {answers:?}");
        let answered = match answer {
            Refused(_, error) => victim.refuse(error.raw_os_error()),
            Denied(_, error) => victim.deny(error.raw_os_error()),
            Right(_) => Ok(()),
        };
        answered.expect("it worked a moment ago");
    }
}

/// Fault 69: also what NFS answers when the reply to the first request was lost, and file systems without hard links.
#[test]
fn each_answer_to_a_writer_leaves_the_result_or_names_what_is_in_its_way() {
    if !secluded!(each_answer_to_a_writer_leaves_the_result_or_names_what_is_in_its_way) {
        return;
    }
    let env = test_env!();
    let shard = Shard::new(&env);
    if !can_trace(&shard, "each_answer_to_a_writer") {
        return;
    }
    let no_links = Refused(SYS_linkat, Errno::PERM);
    for (answers, code, left, told) in [
        // The text does not reach the disk.
        (&[Refused(SYS_fsync, Errno::IO)] as &[_], 1, "segment", "Input/output error"),
        (&[Refused(SYS_fsync, Errno::NOSPC)], 1, "segment", "No space left on device"),
        (&[Refused(SYS_fsync, Errno::DQUOT)], 1, "segment", "quota"),
        (&[Denied(SYS_fsync, Errno::IO)], 1, "segment", "Input/output error"),
        // The link is made, and the answer is another one.
        (&[Denied(SYS_linkat, Errno::EXIST)], 0, "result", ""),
        (&[Denied(SYS_linkat, Errno::IO)], 0, "result", ""),
        (&[Denied(SYS_linkat, Errno::PERM)], 0, "result", ""),
        // The link is not made.
        (&[Refused(SYS_linkat, Errno::IO)], 1, "segment", "Input/output error"),
        (&[Refused(SYS_linkat, Errno::NOSPC)], 1, "segment", "No space left on device"),
        (&[Refused(SYS_linkat, Errno::DQUOT)], 1, "segment", "quota"),
        // The name was taken, and is free a moment later.
        (&[Refused(SYS_linkat, Errno::EXIST)], 0, "result", ""),
        // There are no hard links.
        (&[no_links, Right(SYS_renameat2)], 0, "result", ""),
        (&[Refused(SYS_linkat, Errno::OPNOTSUPP), Right(SYS_renameat2)], 0, "result", ""),
        (&[Refused(SYS_linkat, Errno::NOSYS), Right(SYS_renameat2)], 0, "result", ""),
        (&[no_links, Refused(SYS_renameat2, Errno::EXIST)], 0, "result", ""),
        (&[no_links, Refused(SYS_renameat2, Errno::IO)], 1, "segment", "Input/output error"),
        (&[no_links, Refused(SYS_renameat2, Errno::INVAL)], 1, "segment", "neither hard links nor renameat2"),
        (&[no_links, Refused(SYS_renameat2, Errno::NOSYS)], 1, "segment", "neither hard links nor renameat2"),
        // The result is there; whether it is on the disk is not known, or cannot be known of a folder.
        (&[Right(SYS_linkat), Refused(SYS_fsync, Errno::IO)], 1, "both", "Input/output error"),
        (&[Right(SYS_linkat), Refused(SYS_fsync, Errno::INVAL)], 0, "result", ""),
    ] {
        let case = format!("{answers:?}");
        shard.renew();
        let mut victim = shard.start().expect("it worked a moment ago");
        answer(&mut victim, answers);
        let found = victim.finish();
        let [stdout, stderr] = shard.output();
        assert_eq!(found, Some(code), "{case}: {stderr}");
        assert!(stdout.ends_with("Final shared value: 285\n"), "{case}: stdout has it in any case: {stdout}");
        assert!(stderr.contains(told), "{case}: {stderr}");
        assert_eq!(stderr.contains("error: cannot leave the result in "), code == 1, "{case}: {stderr}");
        assert_eq!(stderr.contains("finish it: run the same command again"), code == 1, "{case}: {stderr}");
        assert_eq!(shard.check(&case), left, "{case}");
    }
}

/// A temporary file that cannot be removed stays, and is in nobody's way.
#[test]
fn a_writer_whose_temporary_file_cannot_be_removed_leaves_its_result() {
    if !secluded!(a_writer_whose_temporary_file_cannot_be_removed_leaves_its_result) {
        return;
    }
    let env = test_env!();
    let shard = Shard { unlinks_fail: true, ..Shard::new(&env) };
    if !can_trace(&shard, "a_writer_whose_temporary_file_cannot_be_removed") {
        return;
    }
    shard.renew();
    let mut victim = shard.start().expect("it worked a moment ago");
    answer(&mut victim, &[Right(SYS_linkat), Refused(SYS_unlinkat, Errno::IO)]);
    assert_eq!(victim.finish(), Some(0), "{:?}", shard.output());
    assert_eq!((shard.names().len(), shard.check("unlink")), (3, "result"), "{:?}", shard.names());
}

/// Fault 71: with hard links, without them, and where they fail for the second file only.
#[test]
fn a_result_that_came_first_is_not_replaced_whatever_gives_files_their_names() {
    if !secluded!(a_result_that_came_first_is_not_replaced_whatever_gives_files_their_names) {
        return;
    }
    let env = test_env!();
    let shard = Shard::new(&env);
    let path = shard.folder().join(RESULT);
    let other = fs::read_to_string(&path).expect("it is complete").replace("\"285\"", "\"286\"");
    if !can_trace(&shard, "a_result_that_came_first_is_not_replaced") {
        return;
    }
    let no_links = Refused(SYS_linkat, Errno::PERM);
    for answers in [&[Right(SYS_linkat), Right(SYS_linkat)], &[no_links, no_links], &[Right(SYS_linkat), no_links]] {
        shard.renew();
        let mut victim = shard.start().expect("it worked a moment ago");
        answer(&mut victim, &answers[..1]);
        fs::write(&path, &other).expect("it can be written");
        answer(&mut victim, &answers[1..]);
        let code = victim.finish();
        let [_, stderr] = shard.output();
        assert_eq!(code, Some(DISAGREE.into()), "{answers:?}: {stderr}");
        assert_eq!(fs::read_to_string(&path).ok().as_ref(), Some(&other), "{answers:?}: {stderr}");
        let mut names = shard.names();
        assert!(names.remove("job.json") && names.remove(RESULT) && names.len() == 1, "{answers:?}: {names:?}");
        let beside = names.first().map(|name| shard.folder().join(name)).expect("there is one");
        let text = fs::read_to_string(&beside).expect("it is text");
        assert!(text.contains("\"total\":\"285\"") && stderr.contains(&beside.display().to_string()), "{text}{stderr}");
        fs::remove_file(beside).expect("it is there");
        assert!(!env.segment(shard.name.as_str()).exists(), "{answers:?}");
    }
}
