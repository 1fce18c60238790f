//! Failpoints in the processes of one command.

use std::fs;
use std::path::Path;

use common::plant::Point;

/// An action at a point of the code.
#[derive(Clone, Copy, Debug)]
pub struct Failpoint {
    /// Where.
    pub point: Point,
    /// `kill`, `stop`, `panic` or `refuse`.
    pub action: &'static str,
    /// In how many processes it happens.
    pub times: usize,
}

impl Failpoint {
    /// The environment variables that set it; files in `folder` count the times.
    #[must_use]
    pub fn variables(&self, folder: &Path) -> [(String, String); 3] {
        // A coordinator recovers its workers' commits, and must not die at their failpoints.
        let is_coordinators = matches!(self.point, Point::Created | Point::Launching | Point::Supervised);
        fs::create_dir_all(folder).expect("the folder of times can be made");
        for time in 0..self.times {
            fs::write(folder.join(time.to_string()), "").expect("a time can be written");
        }
        [
            ("MULTIPROCESS_PLANT".to_owned(), format!("{}={}", self.point.name(), self.action)),
            ("MULTIPROCESS_PLANT_TIMES".to_owned(), folder.display().to_string()),
            ("MULTIPROCESS_PLANT_SPARES".to_owned(), if is_coordinators { "" } else { "coordinator" }.to_owned()),
        ]
    }
}
