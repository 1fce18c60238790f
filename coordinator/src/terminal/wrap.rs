//! Lines that wrap between words.

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// What a line that continues another one begins with, besides the other one's own blanks.
const INDENT: &str = "  ";

/// A blank at which no line ends.
const TIED: &str = "\u{a0}";

/// The line within so many columns. It ends between its parts (`part; part` and `part (why), part`), and within a part
/// that needs more than a line between words. A word stays whole, whatever its length, so that it can be copied.
pub fn wrap(line: &str, columns: usize) -> String {
    if display_width(line) <= columns {
        return line.to_owned();
    }
    let own = &line[..line.len() - line.trim_start().len()];
    let indent = format!("{own}{INDENT}");
    let room = columns.saturating_sub(indent.len());
    let tied: String = parts(line).iter().map(|part| tie(part, room)).collect();
    let options = Options::new(columns)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .subsequent_indent(&indent);
    textwrap::fill(&tied, options).replace(TIED, " ")
}

/// The parts of a line, each with the blank behind it.
fn parts(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for word in line.split_inclusive(' ') {
        if let Some(part) = parts.last_mut() {
            part.push_str(word);
        }
        if word.ends_with("; ") || word.ends_with("), ") {
            parts.push(String::new());
        }
    }
    parts
}

/// Keeps the words of a part together if there is room for them in a line.
fn tie(part: &str, room: usize) -> String {
    let text = part.trim_end();
    if display_width(text) > room { part.to_owned() } else { text.replace(' ', TIED) + &part[text.len()..] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_parts_then_between_words_and_never_within_a_word() {
        let missing = "missing: 4..5 (exit code 3), 11..12 (killed 4 workers), 30..31 (not begun)";
        let cases = [
            ("fits: 1; 2", 10, "fits: 1; 2"),
            (
                "next: worker --name demo; coordinator remove demo",
                30,
                "next: worker --name demo;\n  coordinator remove demo",
            ),
            ("value: [10, 20, 30, 40, 50] (i32)", 18, "value: [10, 20,\n  30, 40, 50]\n  (i32)"),
            ("a sum-of-squares/of-one-word b", 12, "a\n  sum-of-squares/of-one-word\n  b"),
            ("  own: 1; other: 2", 12, "  own: 1;\n    other: 2"),
            (missing, 40, "missing: 4..5 (exit code 3),\n  11..12 (killed 4 workers),\n  30..31 (not begun)"),
            ("anything at all", usize::MAX, "anything at all"),
        ];
        for (line, columns, wrapped) in cases {
            assert_eq!(wrap(line, columns), wrapped, "{columns}: {line}");
        }
    }
}
