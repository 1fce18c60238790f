//! Why an attempt failed, as a kernel says it: a reason in one line, and more, such as a traceback.

use common::cli::{one_line, shortened};

/// Characters of a line.
const MOST_CHARACTERS: usize = 500;

/// Lines below the reason. Of more the last ones are shown: there a traceback says what happened.
const MOST_LINES: usize = 60;

/// Why an attempt failed.
pub struct FailureText {
    /// One line.
    pub reason: String,
    /// The further lines, ready for stderr; empty if there are none.
    pub details: String,
}

impl FailureText {
    /// Takes the text of a failure apart.
    pub fn of(text: &str) -> Self {
        let (first, rest) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
        let line = |text: &str| shortened(text.trim_end(), MOST_CHARACTERS);
        let reason = if first.is_empty() { "no reason is given".to_owned() } else { line(first) };
        let lines: Vec<&str> = rest.lines().collect();
        let (cut, shown) = lines.split_at(lines.len().saturating_sub(MOST_LINES));
        let cut = (!cut.is_empty()).then(|| format!("    … {} lines\n", cut.len()));
        let shown = shown.iter().map(|text| format!("    {}\n", one_line(&line(text))));
        Self { reason, details: cut.into_iter().chain(shown).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (String, String) {
        let FailureText { reason, details } = FailureText::of(text);
        (reason, details)
    }

    #[test]
    fn the_first_line_is_the_reason_and_the_others_stand_below_it() {
        assert_eq!(of("out of luck"), ("out of luck".to_owned(), String::new()));
        let text = "ZeroDivisionError (squares.py, line 7)\nTraceback:\n  File \"squares.py\"\r\n\n\u{1b}[31m1/0\n";
        let details = "    Traceback:\n      File \"squares.py\"\n    \n    \\u{1b}[31m1/0\n";
        assert_eq!(of(text), ("ZeroDivisionError (squares.py, line 7)".to_owned(), details.to_owned()));
        for nothing in ["", "\n \n"] {
            assert_eq!(of(nothing), ("no reason is given".to_owned(), String::new()));
        }
    }

    #[test]
    fn whatever_a_kernel_says_the_text_is_bounded_and_its_end_is_shown() {
        let lines: Vec<String> = (0..1000).map(|line| format!("{line}{}", "é".repeat(1_000))).collect();
        let (reason, details) = of(&lines.join("\n"));
        assert_eq!(reason.chars().count(), MOST_CHARACTERS + 1);
        assert!(details.starts_with("    … 939 lines\n    940é"), "{details}");
        assert_eq!(details.lines().count(), MOST_LINES + 1);
        assert!(details.ends_with("é…\n") && details.contains("    999é"));
    }
}
