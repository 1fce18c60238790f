//! A program on a terminal of its own.

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A program, and all that the terminal was sent.
pub struct OnTerminal {
    child: Child,
    reader: JoinHandle<Vec<u8>>,
}

impl OnTerminal {
    /// Starts it on a terminal of that size.
    pub fn start(mut command: Command, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal can be made");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("it can be opened");
        let slave = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("it is opened");
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).expect("it has a size");
        command.env("TERM", "xterm").stdin(Stdio::null()).stdout(Stdio::from(slave)).stderr(Stdio::null());
        let child = command.spawn().expect("it can be started");
        // Its own copy of the terminal's end must not keep the reader waiting.
        drop(command);
        let reader = thread::spawn(move || {
            let (mut master, mut text, mut buffer) = (File::from(master), Vec::new(), [0; 4096]);
            // Once nobody has the terminal any more reading it is an error (EIO).
            while let Ok(count @ 1..) = master.read(&mut buffer) {
                text.extend(&buffer[..count]);
            }
            text
        });
        Self { child, reader }
    }

    /// Waits for its end; returns its exit code and what it has shown.
    pub fn finish(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("a child can be waited for");
        let text = self.reader.join().expect("the reader does not panic");
        (status.code(), String::from_utf8(text).expect("it is text"))
    }
}
