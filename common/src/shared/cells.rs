//! The cells that programs share, and their lock, whatever their type.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use super::{CellsGuard, SharedKind};
use crate::error::Result;
use crate::lock::{Guard, LockError, LockOutcome};
use crate::name::SegmentName;
use crate::removal;
use crate::segment::{AttachError, CreateError, Segment};
use crate::value::{ValueType, shape};

/// Cells that several processes share, whose type is known at run time: what [`SharedValue`](crate::SharedValue) and
/// [`SharedArray`](crate::SharedArray) are made of, for bindings to other languages.
///
/// A cell is given and taken as its bits; [`ValueType::value`] reads them. Bits beyond the type's width are ignored. Creating,
/// attaching, removing, forks and threads are as for a [`SharedValue`](crate::SharedValue).
///
/// ```
/// use common::{SegmentName, SharedCells, SharedKind, ValueType};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let name: SegmentName = format!("doc-cells-{}", std::process::id()).parse()?;
/// let cells = SharedCells::create(&name, SharedKind::Array, ValueType::I32, 3, &[7])?;
/// cells.lock()?.locked().add_at(1, 5)?;
/// assert_eq!((cells.get(0)?, cells.get(1)?, cells.get(3)?), (Some(7), Some(5), None));
/// # Ok(())
/// # }
/// ```
pub struct SharedCells {
    segment: Segment,
    /// Whether dropping it unlinks the name.
    pub(super) unlinks: bool,
}

impl AsRef<Segment> for SharedCells {
    fn as_ref(&self) -> &Segment {
        &self.segment
    }
}

impl Drop for SharedCells {
    fn drop(&mut self) {
        if self.unlinks {
            // In a forked child it is refused: the name is the parent's. If the system refuses, the segment stays, as after a
            // crash.
            let _ = removal::unlink(&self.segment);
        }
    }
}

impl SharedCells {
    /// Creates `len` cells. The first ones hold the bits `initial` before anybody can see them, the others zero.
    ///
    /// # Errors
    /// [`CreateError::Terms`] for no cells or more than [`MOST_SHARED_CELLS`](crate::MOST_SHARED_CELLS); the others as
    /// [`SharedValue::create`](crate::SharedValue::create).
    pub fn create(
        name: &SegmentName,
        kind: SharedKind,
        value_type: ValueType,
        len: usize,
        initial: &[u64],
    ) -> Result<Self, CreateError> {
        Self::create_from(name, kind, value_type, len, &initial.iter().copied())
    }

    /// The same, from any bits.
    pub(super) fn create_from(
        name: &SegmentName,
        kind: SharedKind,
        value_type: ValueType,
        len: usize,
        initial: &(impl Iterator<Item = u64> + Clone),
    ) -> Result<Self, CreateError> {
        // A number beyond `u32` is too large anyway and is refused as such.
        let terms = kind.terms(value_type, u32::try_from(len).unwrap_or(u32::MAX));
        let segment = Segment::create_with(name, &terms, |view| {
            for (index, bits) in initial.clone().enumerate() {
                // Published by the rename that gives the segment its name. There are as many cells as bits, or more.
                let _ = view.cells.store(index, bits, Relaxed);
            }
        })?;
        Ok(Self { segment, unlinks: true })
    }

    /// Attaches to the cells of that name.
    ///
    /// # Errors
    /// [`AttachError::OtherType`] if the segment is a run; the others as [`Segment::attach`].
    pub fn attach(name: &SegmentName) -> Result<Self, AttachError> {
        let segment = Segment::attach(name)?;
        if SharedKind::of(segment.terms()).is_none() {
            let found = format!("the value of a run (mode {})", segment.terms().mode.name());
            let wanted = "a value, an array or a lock that programs share".to_owned();
            return Err(AttachError::OtherType { name: name.clone(), found, wanted });
        }
        Ok(Self { segment, unlinks: false })
    }

    /// The same, if the cells are numbers of that type and `fits` accepts how many.
    pub(super) fn attach_numbers(
        name: &SegmentName,
        value_type: ValueType,
        fits: impl Fn(u32) -> bool,
        wanted: String,
    ) -> Result<Self, AttachError> {
        let cells = Self::attach(name)?;
        let found = match cells.kind() {
            kind if kind.is_lock() => format!("a lock ({})", kind.name()),
            _ if cells.value_type() == value_type && fits(cells.segment.terms().cells) => return Ok(cells),
            _ => shape(cells.segment.terms().cells, cells.value_type().name()),
        };
        Err(AttachError::OtherType { name: name.clone(), found, wanted })
    }

    /// Attaches, or creates the cells if nothing has the name.
    ///
    /// Nobody's drop unlinks the name: whoever comes later is to find it.
    pub(super) fn open_or_create(
        create: impl Fn() -> Result<Self, CreateError>,
        attach: impl Fn() -> Result<Self, AttachError>,
    ) -> Result<Self> {
        loop {
            match attach() {
                Err(AttachError::NoSegment { .. }) => {}
                attached => return Ok(attached?),
            }
            match create() {
                // Somebody else was faster.
                Err(CreateError::Exists { .. }) => {}
                created => {
                    let mut cells = created?;
                    cells.unlinks = false;
                    return Ok(cells);
                }
            }
        }
    }

    /// The same cells, whose name stays when they are dropped. [`unlink`](crate::unlink) removes it.
    #[must_use]
    pub fn keep_name(mut self) -> Self {
        self.unlinks = false;
        self
    }

    /// The name by which other processes attach.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        self.segment.name()
    }

    /// What the cells are to their users.
    #[must_use]
    pub fn kind(&self) -> SharedKind {
        SharedKind::of(self.segment.terms()).unwrap_or(SharedKind::Value)
    }

    /// The type of each cell.
    #[must_use]
    #[inline]
    pub fn value_type(&self) -> ValueType {
        self.segment.terms().value_type
    }

    /// The number of cells. It never changes.
    #[must_use]
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.segment.view().cells.len()
    }

    /// Where the first cell is. The others follow it, as in a C array of the type.
    ///
    /// The memory is there as long as these cells, also in a forked child. Other processes change it at any time.
    #[must_use]
    pub fn as_ptr(&self) -> *mut c_void {
        self.segment.view().cells.as_ptr()
    }

    /// The bits of a cell: one load, without the lock; nothing if there is no such cell.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if another program truncated the segment.
    #[inline]
    pub fn get(&self, index: usize) -> Result<Option<u64>, LockError> {
        let bits = self.load(index);
        self.segment.must_be_whole()?;
        Ok(bits)
    }

    /// Loads the only cell. Ask afterwards whether the segment is whole.
    #[inline]
    pub(super) fn load_only(&self) -> u64 {
        // Acquire: as in `load`.
        self.segment.view().header.core.value.load(Acquire)
    }

    /// Loads a cell; nothing if there is no such cell. Ask afterwards whether the segment is whole.
    #[inline]
    pub(super) fn load(&self, index: usize) -> Option<u64> {
        // Acquire: whoever sees a value without the lock also sees what its writer wrote before it. Pairs with the Release in
        // `LockedCells::set` and with the fence in `redo::publish`.
        self.segment.view().cells.load(index, Acquire)
    }

    /// Whether there is one cell alone.
    #[inline]
    pub(super) fn is_single(&self) -> bool {
        self.segment.view().is_single
    }

    /// Fails if another program truncated the segment.
    #[inline]
    pub(super) fn must_be_whole(&self) -> Result<(), LockError> {
        Ok(self.segment.must_be_whole()?)
    }

    /// Panics if another program truncated the segment: better than a number that nobody stored.
    #[inline]
    #[track_caller]
    pub(super) fn assert_whole(&self) {
        self.segment.assert_whole();
    }

    /// [`LockOutcome::OwnerDied`] if an owner of the lock died with it since the last
    /// [`clear_owner_died`](super::LockedCells::clear_owner_died). Without the lock it is the state of a moment ago.
    #[must_use]
    pub fn outcome(&self) -> LockOutcome {
        let header = self.segment.view().header;
        let is_cleared = header.redo.recoveries.load(Relaxed) == header.live.cleared_deaths.load(Relaxed);
        if is_cleared { LockOutcome::Released } else { LockOutcome::OwnerDied }
    }

    /// Acquires the lock, however long it takes.
    ///
    /// # Errors
    /// As [`SharedValue::lock`](crate::SharedValue::lock).
    #[inline]
    pub fn lock(&self) -> Result<CellsGuard<&Self>, LockError> {
        Guard::acquire(self, |_, _| {}).map(CellsGuard)
    }

    /// Acquires the lock, or gives up when `patience` has passed.
    ///
    /// # Errors
    /// As [`SharedValue::lock_within`](crate::SharedValue::lock_within).
    #[inline]
    pub fn lock_within(&self, patience: Duration) -> Result<CellsGuard<&Self>, LockError> {
        Guard::acquire_within(self, patience).map(CellsGuard)
    }

    /// The same, for a guard that owns the cells.
    ///
    /// # Errors
    /// As [`Self::lock_within`].
    pub fn lock_owned_within(self: &Arc<Self>, patience: Duration) -> Result<CellsGuard<Arc<Self>>, LockError> {
        Guard::acquire_within(Arc::clone(self), patience).map(CellsGuard)
    }

    /// Acquires the lock if nobody holds it, this thread included.
    ///
    /// # Errors
    /// [`LockError::Damaged`] and [`LockError::Forked`] as in [`Self::lock`]. Boxed: by value, a large error would leave the guard in
    /// memory instead of registers.
    #[inline]
    pub fn try_lock(&self) -> Result<Option<CellsGuard<&Self>>, Box<LockError>> {
        Ok(Guard::try_acquire(self)?.map(CellsGuard))
    }

    /// The same, for a guard that owns the cells.
    ///
    /// # Errors
    /// As [`Self::try_lock`].
    #[inline]
    pub fn try_lock_owned(self: &Arc<Self>) -> Result<Option<CellsGuard<Arc<Self>>>, Box<LockError>> {
        Ok(Guard::try_acquire(Arc::clone(self))?.map(CellsGuard))
    }
}
