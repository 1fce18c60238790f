"""The folder of a map: its items, and the results that are there. It outlives whoever is killed.

    head       what is computed: the function's name, how many items, a checksum of `table`. Made last, by rename
    items      the pickled items, and in `table` where they lie (`_table`)
    places     where the results are (`_results`)
    results-K  what worker K has computed
    lock       locked by the map, and by its workers until the last of them has ended
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from . import _table
from ._descriptors import above_standard, open_own
from ._results import PLACES, Results
from ._table import ITEMS, TABLE, Items

_HEAD, _LOCK = "head", "lock"

_FORMAT = "killproof map 1"

# What the head says besides.
_SAID = {"function", "count", "table"}

# Seconds to wait for the workers of a map whose process is dead: they are given 5 s to leave.
_PATIENCE = 10.0

# A forked child must not keep a map's lock. None forks while a lock is had, and not yet noted here.
_held: set[int] = set()
_changing = threading.RLock()


def _release_in_child() -> None:
    _changing.release()
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(before=_changing.acquire, after_in_parent=_changing.release, after_in_child=_release_in_child)


class Spool:
    """The folder of a map, which has its lock until it is left."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        """Makes or opens the folder; without a path, one that is removed when everything is computed."""
        self.is_temporary = path is None
        self.path = tempfile.mkdtemp(prefix="killproof-map-") if path is None else os.path.abspath(os.fsdecode(path))
        # Whether it stays, if it is temporary.
        self.stays = False
        if path is not None:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            try:
                os.mkdir(self.path, 0o700)
            except FileExistsError:
                pass
        try:
            self.folder = _open_own(self.path)
        except BaseException:
            self._remove_if_temporary()
            raise
        try:
            # Before anything is made in somebody's folder.
            self._must_be_empty_or_of_a_map()
            self.lock = self._locked()
            try:
                self.results = Results(self.folder)
            except BaseException:
                _release(self.lock)
                raise
        except BaseException:
            os.close(self.folder)
            self._remove_if_temporary()
            raise

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.results.close()
        os.close(self.folder)
        _release(self.lock)
        self._remove_if_temporary()

    def _remove_if_temporary(self) -> None:
        if self.is_temporary and not self.stays:
            shutil.rmtree(self.path, ignore_errors=True)

    def fill(self, name: str, items: Sequence[Any], *, bound: Any = None, by_value: bool = False) -> None:
        """Writes the items, or checks that they are those of the map that is there.

        `bound` is what the function brings along, such as the arguments of a partial one. It lies behind the items.
        """
        head = self._head()
        if head is None:
            self._write(name, [*items, bound], by_value)
        else:
            self._must_be(head, name, [*items, bound], by_value)

    def _locked(self) -> int:
        with _changing:
            descriptor = open_own(self.folder, _LOCK, os.O_RDWR | os.O_CREAT)
            _held.add(descriptor)
        deadline = time.monotonic() + _PATIENCE
        try:
            while not _is_free(descriptor):
                if time.monotonic() > deadline:
                    raise RuntimeError(
                        f"another map computes in {self.path}: wait until it has ended, or use another folder"
                    )
                time.sleep(0.02)
        except BaseException:
            _release(descriptor)
            raise
        return descriptor

    def _head(self) -> dict[str, Any] | None:
        """What is computed here; None if it was not said to the end."""
        try:
            with open(open_own(self.folder, _HEAD, os.O_RDONLY), encoding="utf-8") as file:
                head = json.load(file)
        except FileNotFoundError:
            return None
        except ValueError:
            head = None
        if not isinstance(head, dict) or head.get("format") != _FORMAT or not head.keys() >= _SAID:
            raise ValueError(f"{self.path}/{_HEAD} is damaged: remove the folder, or use another one")
        return head

    def _must_be_empty_or_of_a_map(self) -> None:
        """Of a map that was killed before its head was there, the lock is left, and maybe more."""
        there = set(os.listdir(self.folder))
        foreign = sorted(there - ({ITEMS, TABLE, _LOCK, PLACES, f"{_HEAD}.new"} if _LOCK in there else set()))
        if foreign and _HEAD not in there:
            raise ValueError(f"{self.path} has {foreign[0]!r} in it, and is no map's folder: use an empty or a new one")

    def _write(self, name: str, items: Sequence[Any], by_value: bool) -> None:
        table = _table.write(self.folder, items, by_value=by_value)
        head = {"format": _FORMAT, "function": name, "count": len(items) - 1, "table": table}
        with _table.new_file(self.folder, f"{_HEAD}.new") as file:
            file.write(json.dumps(head).encode())
        os.rename(f"{_HEAD}.new", _HEAD, src_dir_fd=self.folder, dst_dir_fd=self.folder)

    def _must_be(self, head: dict[str, Any], name: str, items: Sequence[Any], by_value: bool) -> None:
        if head["function"] != name:
            raise ValueError(f"{self.path} is of a map of {head['function']}, not of {name}: use another folder")
        if head["count"] != len(items) - 1:
            counts = f"{head['count']} items, not of {len(items) - 1}"
            raise ValueError(f"{self.path} is of a map of {counts}: use another folder")
        there = Items(self.folder)
        try:
            if there.digest() != head["table"]:
                raise ValueError(f"{self.path}/{TABLE} is damaged: remove the folder, or use another one")
            for index, item in enumerate(items):
                if not there.has(index, item, by_value=by_value):
                    what = f"item {index}" if index < len(items) - 1 else f"what {name} brings along"
                    raise ValueError(
                        f"{what} is not what {self.path} was made with: use the same again, or another folder"
                    )
        finally:
            there.close()


def _is_free(lock: int) -> bool:
    """Takes a lock if nobody has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _release(lock: int) -> None:
    """Gives a lock back. A forked child has closed it."""
    with _changing:
        if lock in _held:
            _held.discard(lock)
            os.close(lock)


def _open_own(path: str) -> int:
    """Opens a folder of one's own that nobody else can write into."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError:
        raise NotADirectoryError(f"{path} is not a folder, or a link to one: give another path") from None
    seen = os.fstat(folder)
    # A folder in one that hands its group on has another bit, which lets nobody in.
    mode = stat.S_IMODE(seen.st_mode) & 0o777
    if seen.st_uid == os.geteuid() and mode == 0o700:
        return above_standard(folder)
    os.close(folder)
    raise PermissionError(
        f"{path} must be your own (it is of user {seen.st_uid}) and closed to others (its mode is"
        f" {mode:o}, not 700), because what is in it is unpickled: chmod 700 it, or use another one"
    )
