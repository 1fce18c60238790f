//! The registers of a stopped process: system calls that fail without being made, or whose result is changed.

#[cfg(not(target_arch = "x86_64"))]
pub use unknown::{fail_call, is_beginning, number, skip_call};
#[cfg(target_arch = "x86_64")]
pub use x86_64::{fail_call, is_beginning, number, skip_call};

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::io;
    use std::mem::MaybeUninit;

    use super::super::answer;

    /// What the kernel shows as the result while a call has not been made (`ENOSYS`), and the number of no call.
    const NOT_MADE: u64 = (-(libc::ENOSYS as i64)).cast_unsigned();
    const NO_CALL: u64 = u64::MAX;

    /// Whether it is at the beginning of a call that can fail. The C library takes its thread's id from `set_tid_address`,
    /// which always succeeds (`set_tid_address(2)`).
    pub fn is_beginning(pid: i32) -> io::Result<bool> {
        let registers = read(pid)?;
        Ok(registers.rax == NOT_MADE && registers.orig_rax != libc::SYS_set_tid_address.cast_unsigned())
    }

    /// The number of the system call.
    pub fn number(pid: i32) -> io::Result<libc::c_long> {
        Ok(read(pid)?.orig_rax.cast_signed())
    }

    pub fn skip_call(pid: i32) -> io::Result<()> {
        let registers = read(pid)?;
        write(pid, libc::user_regs_struct { orig_rax: NO_CALL, ..registers })
    }

    pub fn fail_call(pid: i32, errno: i32) -> io::Result<()> {
        let registers = read(pid)?;
        write(pid, libc::user_regs_struct { rax: i64::from(-errno).cast_unsigned(), ..registers })
    }

    fn read(pid: i32) -> io::Result<libc::user_regs_struct> {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
        // SAFETY: the kernel writes one such structure, for which there is room; any bits are a valid one.
        unsafe {
            answer(libc::ptrace(libc::PTRACE_GETREGS, pid, std::ptr::null_mut::<()>(), registers.as_mut_ptr()))?;
            Ok(registers.assume_init())
        }
    }

    fn write(pid: i32, registers: libc::user_regs_struct) -> io::Result<()> {
        // SAFETY: the kernel reads one such structure, which lives until the call returns.
        answer(unsafe { libc::ptrace(libc::PTRACE_SETREGS, pid, std::ptr::null_mut::<()>(), &raw const registers) })?;
        Ok(())
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod unknown {
    use std::io::{Error, ErrorKind, Result};

    pub fn is_beginning(_: i32) -> Result<bool> {
        Err(unknown())
    }

    pub fn number(_: i32) -> Result<libc::c_long> {
        Err(unknown())
    }

    pub fn skip_call(_: i32) -> Result<()> {
        Err(unknown())
    }

    pub fn fail_call(_: i32, _: i32) -> Result<()> {
        Err(unknown())
    }

    fn unknown() -> Error {
        Error::new(ErrorKind::Unsupported, "the registers of this processor are not known here")
    }
}
