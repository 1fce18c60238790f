//! Why a launched worker failed, as it reports it to its coordinator, which prints like failures once.
//!
//! One `write` appends a report to the coordinator's [`worker_file`](crate::worker_file). It begins with a line break, so that a report which a kill has cut off spoils no other.

use super::one_line;

/// Why a worker failed, and the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureReport {
    /// The worker's process.
    pub pid: u32,
    /// The reason.
    pub reason: String,
    /// The next step, if there is one.
    pub hint: Option<String>,
}

impl FailureReport {
    /// How the file of the segment with that nonce begins.
    #[must_use]
    pub fn head(nonce: u64) -> String {
        format!("failures {nonce:016x}")
    }

    /// The report as the file has it. A tab inside a text is escaped.
    #[must_use]
    pub fn to_text(&self) -> String {
        let hint = self.hint.as_deref().unwrap_or_default();
        format!("\n{}\t{}\t{}\n", self.pid, one_line(&self.reason), one_line(hint))
    }

    /// Parses a line of the file; nothing if it is not a whole report.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [pid, reason, hint] = fields[..] else { return None };
        let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
        Some(Self { pid: pid.parse().ok()?, reason: reason.to_owned(), hint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_as_they_were_written_and_what_a_kill_cut_off_is_skipped() {
        let one = FailureReport { pid: 7, reason: "no kernel".to_owned(), hint: Some("kernels: a, b".to_owned()) };
        let other = FailureReport { pid: 8, reason: "two\n\tlines".to_owned(), hint: None };
        let (one_text, other_text) = (one.to_text(), other.to_text());
        let file = format!("{}{one_text}\n9\tcut o{other_text}", FailureReport::head(1));
        let read: Vec<_> = file.lines().filter_map(FailureReport::from_line).collect();
        assert_eq!(read, [one, FailureReport { reason: r"two\n\tlines".to_owned(), ..other }]);
    }
}
