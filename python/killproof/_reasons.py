"""Why attempts failed: workers write it into memory that they share with their caller."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import zlib
from typing import NamedTuple

from ._descriptors import above_standard

# The first iteration of a worker that could not prepare.
PREPARING = (1 << 64) - 1

_MAGIC = b"\x93reason\n"

# The magic, the length of the text, its checksum with the numbers, start, end, attempts.
_HEADER = struct.Struct("=8sIIQQI")

_MOST_BYTES = 64 << 10
_MOST_BYTES_IN_ALL = 64 << 20


class Reason(NamedTuple):
    """Why attempts on a range failed: a line, and the traceback below it."""

    start: int
    end: int
    attempts: int
    text: str

    @property
    def line(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def last_lines(self) -> str:
        """Where it happened, if the traceback says so, and what."""
        lines = self.text.splitlines()[1:]
        places = [at for at, line in enumerate(lines) if line.startswith('  File "')]
        where = lines[places[-1] : places[-1] + 2] if places else []
        # The reason without the place, which stands above it now.
        what = re.sub(r" \([^()]*, line \d+\)$", "", self.line) if where else self.line
        return "\n".join([*where, what])


class Reasons:
    """The memory with the reasons, until it is left."""

    # Its descriptor, for workers.
    DESCRIPTOR = "KILLPROOF_REASONS"

    def __init__(self, descriptor: int | None = None) -> None:
        self.descriptor = _memory() if descriptor is None else descriptor
        # What is appended at once is not mixed with what others append (write(2)).
        fcntl.fcntl(self.descriptor, fcntl.F_SETFL, fcntl.fcntl(self.descriptor, fcntl.F_GETFL) | os.O_APPEND)

    def add(self, start: int, end: int, attempts: int, text: str) -> None:
        """Adds a reason, as long as there is room."""
        body = _shortened(text.encode(errors="backslashreplace"))
        if os.fstat(self.descriptor).st_size < _MOST_BYTES_IN_ALL:
            record = _HEADER.pack(_MAGIC, len(body), _checksum(start, end, attempts, body), start, end, attempts) + body
            os.write(self.descriptor, record)

    def all(self) -> list[Reason]:
        """All of them, but for the half ones of workers that were killed while they wrote."""
        memory = os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0)
        at, found = memory.find(_MAGIC), []
        while at >= 0 and at + _HEADER.size <= len(memory):
            _, length, checksum, start, end, attempts = _HEADER.unpack_from(memory, at)
            body = memory[at + _HEADER.size : at + _HEADER.size + length]
            if checksum == _checksum(start, end, attempts, body):
                found.append(Reason(start, end, attempts, body.decode(errors="replace")))
                at += len(body)
            at = memory.find(_MAGIC, at + 1)
        return found

    def __enter__(self) -> Reasons:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


def _memory() -> int:
    return above_standard(os.memfd_create("killproof-reasons"))


def _shortened(text: bytes) -> bytes:
    """Of a long text its first line and its end, where a traceback says what happened."""
    if len(text) <= _MOST_BYTES:
        return text
    begin = text.partition(b"\n")[0][: _MOST_BYTES // 4] + b"\n[...]\n"
    return begin + text[len(begin) - _MOST_BYTES :]


def _checksum(start: int, end: int, attempts: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(struct.pack("=QQI", start, end, attempts)))
