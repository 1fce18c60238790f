//! Results as text: a number for each cell.

use common::{Number, Terms, counted};

use crate::kernel::Contribution;

/// Bytes for each cell: an `i128` takes 40, the shortest text of an `f64` at most 24, plus blanks around it.
const CELL_BYTES: usize = 64;

/// Further bytes, for blanks at the ends.
const SPARE_BYTES: usize = 4096;

/// Characters of an invalid number in a message.
const TOKEN_SHOWN: usize = 40;

/// How many bytes a result may have.
pub fn most_bytes(terms: &Terms) -> usize {
    SPARE_BYTES + CELL_BYTES * terms.cells as usize
}

/// Parses the numbers of a text from `place`, exactly one for each cell.
pub fn numbers(text: &[u8], place: &str, terms: &Terms) -> Result<Contribution, String> {
    let text = String::from_utf8_lossy(text);
    let parse = |token| number(token, terms.value_type.is_float()).ok_or(token);
    let numbers: Result<Vec<Number>, &str> = text.split_ascii_whitespace().map(parse).collect();
    match numbers {
        Ok(numbers) if numbers.len() == terms.cells as usize => Ok(numbers.into()),
        Ok(numbers) => Err(format!("{} {place}, not {}", counted(numbers.len() as u64, "number"), terms.cells)),
        Err(token) => Err(why_not(token, terms.value_type.is_float())),
    }
}

/// Why a token is no number of the type.
fn why_not(token: &str, is_float: bool) -> String {
    let digits = token.strip_prefix(['+', '-']).unwrap_or(token);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_fraction = token.parse::<f64>().is_ok() && token.bytes().any(|byte| byte.is_ascii_digit());
    match (is_float, is_integer, is_fraction) {
        (false, true, _) => format!("more than 128 bits: {}", shown(token)),
        (false, false, true) => format!("not a whole number: {}; fractions need --type f64", shown(token)),
        (true, _, true) => format!("beyond the range of f64: {}", shown(token)),
        _ => format!("not a number: {}", shown(token)),
    }
}

/// The beginning of a text that should have been a number, in quotes.
pub fn shown(text: &str) -> String {
    let beginning: String = text.chars().take(TOKEN_SHOWN).collect();
    let cut = if beginning.len() < text.len() { "…" } else { "" };
    format!("{beginning:?}{cut}")
}

/// Parses an integer, or, for a fraction, any finite number.
fn number(token: &str, is_float: bool) -> Option<Number> {
    if is_float {
        token.parse().ok().filter(|float: &f64| float.is_finite()).map(Number::Float)
    } else {
        token.parse().ok().map(Number::Integer)
    }
}
