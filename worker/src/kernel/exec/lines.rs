//! Whole lines out of pieces.

/// Bytes of a line. A longer one is shown in parts. Escaped, and with its worker's name, it fits into one write to a pipe
/// (`PIPE_BUF`), so that the lines of several workers stay apart.
const MOST: usize = 640;

/// The beginning of a line whose end has not come yet.
#[derive(Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Takes a piece; returns the lines that end in it.
    pub fn take(&mut self, piece: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(piece);
        let (mut lines, mut begin) = (Vec::new(), 0);
        while let Some((length, next)) = first(&self.0[begin..]) {
            lines.push(text(&self.0[begin..begin + length]));
            begin += next;
        }
        self.0.drain(..begin);
        lines
    }

    /// The line without an end, if there is one.
    pub fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.0);
        (!rest.is_empty()).then(|| text(&rest))
    }
}

/// The length of the first line, and where the next one begins.
fn first(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.iter().take(MOST + 1).position(|byte| *byte == b'\n');
    end.map(|end| (end, end + 1)).or_else(|| {
        let cut = (bytes.len() > MOST).then(|| character_before(bytes, MOST))?;
        Some((cut, cut))
    })
}

/// The last place up to there where no character of UTF-8 is cut.
fn character_before(bytes: &[u8], most: usize) -> usize {
    let is_continued = |place: &usize| bytes[*place] & 0xc0 == 0x80;
    (most - 3..=most).rev().find(|place| !is_continued(place)).unwrap_or(most)
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_whatever_the_pieces_are() {
        let long = format!("{}\n", "x".repeat(MOST));
        for (pieces, whole, rest) in [
            (&["a\nb\n"][..], &["a", "b"][..], None),
            (&["a", "b\n\nc", "d"], &["ab", ""], Some("cd")),
            (&["dos\r\n", "é"], &["dos"], Some("é")),
            (&[&long], &[&long[..MOST]], None),
            (&[""], &[], None),
        ] {
            let mut lines = Lines::default();
            let came: Vec<String> = pieces.iter().flat_map(|piece| lines.take(piece.as_bytes())).collect();
            assert_eq!(came, whole);
            assert_eq!(lines.rest().as_deref(), rest);
        }
    }

    #[test]
    fn a_line_without_end_is_shown_in_parts_and_cuts_no_character() {
        let mut lines = Lines::default();
        let long = format!("x{}", "é".repeat(2 * MOST));
        let mut parts: Vec<String> = long.as_bytes().chunks(7).flat_map(|piece| lines.take(piece)).collect();
        assert!(lines.0.len() <= MOST, "{}", lines.0.len());
        parts.extend(lines.rest());
        assert_eq!(parts.concat(), long);
        assert!(parts.iter().all(|part| part.len() <= MOST));
        let noise = lines.take(&[0x80; 3 * MOST]);
        assert_eq!(noise.len(), 2, "what is no UTF-8 ends, too");
    }
}
