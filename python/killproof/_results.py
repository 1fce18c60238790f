"""The results of a map: each is written once, under its index, and found again by whoever comes next.

A worker first says where it will write a result, then it writes it. If it is killed in between, what lies at that place
fails the check of index, length and checksum, and counts as missing.
"""

from __future__ import annotations

import os
import struct
import zlib

from ._descriptors import open_own

# Where the result of each item lies: a number of 8 bytes, 0 for nowhere.
PLACES = "places"

_PLACE_BYTES = 8

# The low bits of a place are an offset; above them stands the number of the file.
_OFFSET_BITS = 44

# A result begins with the magic, the checksum of the rest, the index, and the length of what follows.
_HEADER = struct.Struct("=4sIQQ")
_MAGIC = b"\x93kpr"

# Files of others that are open at once.
_MOST_OPEN = 32

# Bytes that are read at once.
_BLOCK = 4096

# write(2) and read(2) take less than 2 GiB at once.
_MOST_AT_ONCE = 1 << 30


class Results:
    """The results in a folder."""

    def __init__(self, folder: int, number: int = 0) -> None:
        """`folder` is its descriptor. A worker writes into the file of its ticket's number: two never have the same."""
        self._folder = folder
        self._number = number
        self._places = open_own(folder, PLACES, os.O_RDWR | os.O_CREAT)
        self._files: dict[int, int] = {}
        self._own: int | None = None
        self._end = 0

    def close(self) -> None:
        own = [] if self._own is None else [self._own]
        for descriptor in (self._places, *self._files.values(), *own):
            os.close(descriptor)

    def are_none(self) -> bool:
        """Whether nobody has written one yet."""
        return os.fstat(self._places).st_size == 0

    def read(self, index: int) -> bytes | None:
        """The result, pickled; None if there is no whole one."""
        place = os.pread(self._places, _PLACE_BYTES, index * _PLACE_BYTES)
        number, offset = divmod(int.from_bytes(place, "little"), 1 << _OFFSET_BITS)
        if number == 0:
            return None
        try:
            file = self._file(number)
        except FileNotFoundError:
            return None
        # Most results are small, and come with their header.
        block = os.pread(file, _BLOCK, offset)
        if len(block) < _HEADER.size:
            return None
        magic, checksum, found, length = _HEADER.unpack_from(block)
        if magic != _MAGIC or found != index:
            return None
        body = block[_HEADER.size : _HEADER.size + length]
        if len(body) < length <= os.fstat(file).st_size:
            body = read_at(file, length, offset + _HEADER.size)
        return body if len(body) == length and checksum == _checksum(index, body) else None

    def write(self, index: int, body: bytes) -> None:
        """Writes a result. Afterwards it is there, whoever is killed."""
        if self._own is None:
            self._own = self._open(self._number, os.O_RDWR | os.O_CREAT)
            # What a worker that had the ticket before, and is dead, has half written stays.
            self._end = os.fstat(self._own).st_size
        place = (self._number << _OFFSET_BITS) + self._end
        write_at(self._places, place.to_bytes(_PLACE_BYTES, "little"), index * _PLACE_BYTES)
        header = _HEADER.pack(_MAGIC, _checksum(index, body), index, len(body))
        try:
            write_at(self._own, header + body, self._end)
        except BaseException:
            # The disk is full: others may need what it has taken.
            os.ftruncate(self._own, self._end)
            raise
        self._end += _HEADER.size + len(body)

    def _file(self, number: int) -> int:
        if number not in self._files:
            if len(self._files) >= _MOST_OPEN:
                os.close(self._files.pop(next(iter(self._files))))
            self._files[number] = self._open(number, os.O_RDONLY)
        return self._files[number]

    def _open(self, number: int, flags: int) -> int:
        return open_own(self._folder, f"results-{number}", flags)


def _checksum(index: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(struct.pack("=QQ", index, len(body))))


def write_at(file: int, what: bytes, at: int) -> None:
    """Writes all of it."""
    left = memoryview(what)
    while left:
        written = os.pwrite(file, left[:_MOST_AT_ONCE], at)
        at, left = at + written, left[written:]


def read_at(file: int, length: int, at: int) -> bytes:
    """Reads that many bytes, or those before the file's end."""
    parts = []
    while length > 0 and (part := os.pread(file, min(length, _MOST_AT_ONCE), at)):
        parts.append(part)
        at, length = at + len(part), length - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
