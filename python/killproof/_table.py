"""The items of a map, pickled one after the other in a file, and the table that tells where each one lies."""

from __future__ import annotations

import os
import pickle
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ._descriptors import above_standard, open_own
from ._pickles import are_same, dumps
from ._results import read_at, write_at

ITEMS, TABLE = "items", "table"

# Of each item: its offset and length in `items`, its checksum, and a digest of it.
_ENTRY = struct.Struct("=QQI16s")


# Bytes that are read at once.
_BLOCK = 1 << 16


def write(folder: int, items: Sequence[Any], *, by_value: bool = False) -> str:
    """Writes both files into a folder; returns the table's digest. If an item cannot be pickled, neither is left."""
    whole, offset = _blake2b(), 0
    try:
        with new_file(folder, ITEMS) as bodies, new_file(folder, TABLE) as table:
            for index, item in enumerate(items):
                body = _pickled(index, item, by_value)
                entry = _ENTRY.pack(offset, len(body), zlib.crc32(body), _blake2b(body).digest())
                bodies.write(body)
                table.write(entry)
                whole.update(entry)
                offset += len(body)
    except BaseException:
        for file in (ITEMS, TABLE):
            with suppress(FileNotFoundError):
                os.unlink(file, dir_fd=folder)
        raise
    return str(whole.hexdigest())


class Items:
    """The items in a folder."""

    def __init__(self, folder: int) -> None:
        self._items = open_own(folder, ITEMS, os.O_RDWR)
        try:
            self._table = open_own(folder, TABLE, os.O_RDONLY)
        except BaseException:
            os.close(self._items)
            raise
        self._bodies, self._entries = _Blocks(self._items), _Blocks(self._table)

    def close(self) -> None:
        os.close(self._items)
        os.close(self._table)

    def load(self, index: int) -> Any:
        """An item."""
        offset, length, checksum, _ = self._entry(index)
        body = self._bodies.read(length, offset)
        if zlib.crc32(body) != checksum:
            raise ValueError(f"item {index} is damaged in the map's folder")
        return pickle.loads(body)

    def has(self, index: int, item: Any, *, by_value: bool = False) -> bool:
        """Whether that item is there. If its file is damaged, it is mended."""
        body = _pickled(index, item, by_value)
        offset, length, _, digest = self._entry(index)
        if _blake2b(body).digest() == digest:
            if read_at(self._items, length, offset) != body:
                write_at(self._items, body, offset)
            return True
        try:
            return are_same(self.load(index), item, by_value=by_value)
        except Exception:
            return False

    def digest(self) -> str:
        """Of the table."""
        return str(_blake2b(read_at(self._table, os.fstat(self._table).st_size, 0)).hexdigest())

    def _entry(self, index: int) -> tuple[int, int, int, bytes]:
        entry = self._entries.read(_ENTRY.size, index * _ENTRY.size)
        if len(entry) < _ENTRY.size:
            raise ValueError(f"item {index} is not in the map's folder")
        offset, length, checksum, digest = _ENTRY.unpack(entry)
        return offset, length, checksum, digest


class _Blocks:
    """A file that does not change while it is read, in blocks: what follows is read next."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._block, self._begin = b"", 0

    def read(self, length: int, offset: int) -> bytes:
        at = offset - self._begin
        if at < 0 or at + length > len(self._block):
            if length > _BLOCK:
                return read_at(self._file, length, offset)
            self._block, self._begin, at = os.pread(self._file, _BLOCK, offset), offset, 0
        return self._block[at : at + length]


def new_file(folder: int, name: str) -> Any:
    """An empty file in a folder, open for writing."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(above_standard(os.open(name, flags, 0o600, dir_fd=folder)), "wb")


def _pickled(index: int, item: Any, by_value: bool) -> bytes:
    try:
        return dumps(item, by_value=by_value)
    except Exception as error:
        error.add_note(f"item {index} cannot be handed to workers")
        raise


def _blake2b(of: bytes = b"") -> Any:
    # Workers do not need it, and it is slow to import.
    import hashlib

    return hashlib.blake2b(of, digest_size=16)
