"""A storm: workers that do one thing again and again, and are killed at random moments.

Each worker records outside of the segment what it begins and what it has done. The system call that writes a record is
done as a whole before the process can be killed.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import struct
import tempfile
import time
from collections.abc import Callable
from typing import Any

from processes import until
from support import fork, wait_for

_PAIR = struct.Struct("qq")
_BEGUN, _DONE = 0, 8


class Record:
    """How often one worker has begun and done its work."""

    def __init__(self, file: int, number: int) -> None:
        self._file = file
        self._offset = number * _PAIR.size
        self._begun = self._done = 0

    def begin(self) -> None:
        self._begun += 1
        os.pwrite(self._file, struct.pack("q", self._begun), self._offset + _BEGUN)

    def done(self) -> None:
        self._done += 1
        os.pwrite(self._file, struct.pack("q", self._done), self._offset + _DONE)


class Storm:
    """Some workers at a time. One that is killed is replaced by another one with a record of its own."""

    def __init__(self, work: Callable[[Record], Any], workers: int = 4) -> None:
        self._work = work
        self._file = tempfile.TemporaryFile()
        self._started = 0
        # The number of each worker that is alive, by its process id.
        self._alive: dict[int, int] = {}
        for _ in range(workers):
            self._start()

    def __enter__(self) -> Storm:
        return self

    def __exit__(self, *_: object) -> None:
        while self._alive:
            self._kill_one()
        self._file.close()

    def rage(
        self, kills: int, between: Callable[[], Any] = lambda: None, is_enough: Callable[[], bool] = lambda: True
    ) -> None:
        """Kills that many workers, or more until it is enough, each at a random moment; calls `between` after each."""
        for killed in itertools.count():
            if killed >= kills and is_enough():
                break
            time.sleep(random.uniform(0, 0.012))
            self._kill_one()
            self._start()
            between()

    def end(self) -> None:
        """Waits until each worker that is left has done something more, and kills all of them."""
        before = self.records()
        until(lambda: all(self.records()[number][1] > before[number][1] for number in self._alive.values()))
        while self._alive:
            self._kill_one()

    def records(self) -> list[tuple[int, int]]:
        """What each worker has begun and done."""
        content = os.pread(self._file.fileno(), self._started * _PAIR.size, 0)
        content = content.ljust(self._started * _PAIR.size, b"\0")
        return list(_PAIR.iter_unpack(content))

    def bounds(self) -> tuple[int, int]:
        """How often the work was done at least, and at most. Each dead worker leaves one in doubt."""
        records = self.records()
        if not self._alive:
            assert all(begun - done in (0, 1) for begun, done in records), records
        return sum(done for _, done in records), sum(begun for begun, _ in records)

    def _start(self) -> None:
        number = self._started

        def run() -> None:
            record = Record(self._file.fileno(), number)
            while True:
                self._work(record)

        self._alive[fork(run)] = number
        self._started += 1

    def _kill_one(self) -> None:
        victim = random.choice(list(self._alive))
        del self._alive[victim]
        os.kill(victim, signal.SIGKILL)
        code = wait_for(victim)
        if code != -signal.SIGKILL:
            raise AssertionError(f"a worker ended by itself: {code}")
