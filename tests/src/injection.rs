//! Failures injected into the processes of one command.

use std::fs;
use std::path::Path;

use common::failpoint::Failpoint;

/// An action at a failpoint.
#[derive(Clone, Copy, Debug)]
pub struct Injection {
    /// Where.
    pub failpoint: Failpoint,
    /// `kill`, `stop`, `panic` or `refuse`.
    pub action: &'static str,
    /// In how many processes it happens.
    pub times: usize,
}

impl Injection {
    /// The environment variables that set it; files in `folder` count the times.
    #[must_use]
    pub fn variables(&self, folder: &Path) -> [(String, String); 3] {
        // A coordinator recovers its workers' commits, and must not die at their failpoints.
        let is_coordinators = matches!(
            self.failpoint,
            Failpoint::Created | Failpoint::Launching | Failpoint::Supervised | Failpoint::Marked | Failpoint::Removing
        );
        fs::create_dir_all(folder).expect("the folder of times can be made");
        for time in 0..self.times {
            fs::write(folder.join(time.to_string()), "").expect("a time can be written");
        }
        [
            ("KILLPROOF_FAILPOINT".to_owned(), format!("{:?}={}", self.failpoint, self.action)),
            ("KILLPROOF_FAILPOINT_TIMES".to_owned(), folder.display().to_string()),
            ("KILLPROOF_FAILPOINT_SPARES".to_owned(), if is_coordinators { "" } else { "coordinator" }.to_owned()),
        ]
    }
}
