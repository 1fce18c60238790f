//! Deaths planted in the processes of one command.

use std::fs;
use std::path::Path;

use common::plant::Point;

/// What happens at a point, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Failpoint {
    /// Where.
    pub point: Point,
    /// `kill`, `stop`, `panic` or `refuse`.
    pub action: &'static str,
    /// How many processes of the command it hits.
    pub times: usize,
}

impl Failpoint {
    /// The variables that plant it, counted by files in `folder`.
    #[must_use]
    pub fn variables(&self, folder: &Path) -> [(String, String); 3] {
        // A coordinator recovers what its workers leave, and must not die of what was planted in them.
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
