//! A shared array's part of the redo record: the cells that a commit changes.
//!
//! It fills as many words as the cells. While the changes fit into them, each is one of them with its index, so a commit costs
//! what it changes. When they do not fit, at least every eighth byte changes, and the record holds all cells as they will be.
//!
//! | cells | a change | changes that fit |
//! |---|---|---|
//! | 8 bytes | two words: the index, the bits | half of the cells |
//! | 4 bytes | one word: the index in the high half, the bits in the low half | half of the cells |
//! | 1 byte | the same | an eighth of the cells |

use std::sync::atomic::Ordering::Relaxed;

use super::{Damage, begin};
use crate::layout::{CellSlice, View};

/// Writes the record's changes: the cells with these indices will have these bits. The caller holds the lock.
///
/// There is at least one change, and each index is below the number of cells.
pub fn write(view: &View<'_>, changes: &[(u32, u64)]) {
    begin();
    if changes.len() * words_each(view.cells) <= view.changes.len() {
        write_some(view, changes);
    } else {
        write_all(view, changes);
    }
}

/// Applies the record's changes.
///
/// # Errors
/// [`Damage`] if it names cells outside the array.
#[cold]
pub fn apply(view: &View<'_>) -> Result<(), Box<Damage>> {
    match view.header.redo.changes.load(Relaxed) {
        0 => {
            apply_all(view);
            Ok(())
        }
        count => apply_some(view, count as usize),
    }
}

fn write_some(view: &View<'_>, changes: &[(u32, u64)]) {
    let words = words_each(view.cells);
    let count = u32::try_from(changes.len()).unwrap_or(u32::MAX);
    for (place, (index, bits)) in view.changes.chunks_exact(words).zip(changes) {
        match place {
            [index_word, bits_word] => {
                index_word.store((*index).into(), Relaxed);
                bits_word.store(*bits, Relaxed);
            }
            place => place[0].store(u64::from(*index) << 32 | *bits & u64::from(u32::MAX), Relaxed),
        }
    }
    view.header.redo.changes.store(count, Relaxed);
}

fn apply_some(view: &View<'_>, count: usize) -> Result<(), Box<Damage>> {
    let words = words_each(view.cells);
    let damaged = || Damage::new(format!("its redo record changes {count} cells of {}", view.cells.len()));
    let places = view.changes.get(..count.saturating_mul(words)).ok_or_else(damaged)?;
    for place in places.chunks_exact(words) {
        let (index, bits) = match place {
            [index, bits] => (index.load(Relaxed), bits.load(Relaxed)),
            place => {
                let both = place[0].load(Relaxed);
                (both >> 32, both & u64::from(u32::MAX))
            }
        };
        let index = usize::try_from(index).map_err(|_| damaged())?;
        view.cells.store(index, bits, Relaxed).ok_or_else(damaged)?;
    }
    Ok(())
}

/// Copies all cells and changes the copy, word by word.
fn write_all(view: &View<'_>, changes: &[(u32, u64)]) {
    let (width, each) = (view.cells.width(), cells_in_a_word(view.cells));
    for (number, word) in view.changes.iter().enumerate() {
        let cell = |place| view.cells.load(number * each + place, Relaxed).unwrap_or(0);
        word.store((0..each).fold(0, |word, place| word | cell(place) << (place * width * 8)), Relaxed);
    }
    let mask = u64::MAX >> (64 - 8 * width);
    for (index, bits) in changes {
        let (number, place) = (*index as usize / each, *index as usize % each);
        let (word, shift) = (&view.changes[number], place * width * 8);
        word.store(word.load(Relaxed) & !(mask << shift) | (bits & mask) << shift, Relaxed);
    }
    view.header.redo.changes.store(0, Relaxed);
}

fn apply_all(view: &View<'_>) {
    let (width, each) = (view.cells.width(), cells_in_a_word(view.cells));
    for (number, word) in view.changes.iter().enumerate() {
        let word = word.load(Relaxed);
        for place in 0..each {
            // Nothing is stored behind the last cell.
            let _ = view.cells.store(number * each + place, word >> (place * width * 8), Relaxed);
        }
    }
}

/// How many words a change takes.
fn words_each(cells: CellSlice<'_>) -> usize {
    if cells.width() == 8 { 2 } else { 1 }
}

fn cells_in_a_word(cells: CellSlice<'_>) -> usize {
    8 / cells.width()
}
