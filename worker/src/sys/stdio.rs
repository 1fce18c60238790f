//! The standard descriptors.

use std::os::fd::{BorrowedFd, IntoRawFd, RawFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, fcntl_getfd};

/// Opens `/dev/null` for each of stdin, stdout and stderr that is closed. Otherwise the segment could get the number 2, and
/// messages would be written into it.
///
/// Rust programs begin with it; a process whose `main` is in another language may not.
pub fn open_missing() {
    for number in 0..3 {
        if is_closed(number) {
            // The lowest free number, unless another thread has just taken it.
            match open("/dev/null", OFlags::RDWR, Mode::empty()).map(IntoRawFd::into_raw_fd) {
                Ok(opened) if opened != number => close(opened),
                _ => {}
            }
        }
    }
}

fn is_closed(number: RawFd) -> bool {
    // SAFETY: the borrow ends with this call, which only asks whether the number is open.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl_getfd(descriptor) == Err(Errno::BADF)
}

fn close(number: RawFd) {
    // SAFETY: the caller has just opened it, and nobody else knows the number.
    unsafe { rustix::io::close(number) }
}

#[cfg(test)]
mod tests {
    use std::fs::read_link;
    use std::process::{Command, Stdio};

    use super::*;

    /// Descriptors are those of the whole process, so the test runs itself again in another one.
    #[test]
    fn a_closed_standard_descriptor_is_opened_again_and_an_open_one_stays() {
        const CLOSING: &str = "STDIO_TEST_CLOSING";
        if std::env::var_os(CLOSING).is_some() {
            let stdout = read_link("/proc/self/fd/1").unwrap();
            for number in [0, 2] {
                close(number);
            }
            open_missing();
            let null = |number: u8| read_link(format!("/proc/self/fd/{number}")).unwrap();
            assert_eq!([0, 1, 2].map(null), ["/dev/null".into(), stdout, "/dev/null".into()]);
            return;
        }
        let mut again = Command::new(std::env::current_exe().unwrap());
        again
            .args(["--exact", "sys::stdio::tests::a_closed_standard_descriptor_is_opened_again_and_an_open_one_stays"]);
        assert!(again.env(CLOSING, "").stdout(Stdio::piped()).output().unwrap().status.success());
    }
}
