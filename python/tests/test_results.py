"""The results of a map on disk: whole ones are found, and everything else counts as missing."""

from __future__ import annotations

import errno
import itertools
import os
import random
import resource
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from killproof import _results
from killproof._results import Results
from support import Case, fork, wait_for

BODY = b"a result of some bytes"
RECORD = len(BODY) + 24


class Prepared(Case):
    """Two whole results, of two workers."""

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="kp-test-")))
        self.folder = os.open(self.path, os.O_RDONLY)
        self.addCleanup(os.close, self.folder)
        self.first, self.second = self.results(1), self.results(2)
        self.first.write(0, BODY)
        self.second.write(1, BODY[::-1])

    def results(self, number: int = 0) -> Results:
        results = Results(self.folder, number)
        self.addCleanup(results.close)
        return results

    def read(self, count: int = 2) -> list[bytes | None]:
        """What somebody reads who comes now."""
        results = Results(self.folder)
        try:
            return [results.read(index) for index in range(count)]
        finally:
            results.close()

    def changed(self, name: str, change: Callable[[bytearray], object]) -> list[bytes | None]:
        """What is read from a changed file."""
        path = self.path / name
        before = path.read_bytes()
        memory = bytearray(before)
        change(memory)
        path.write_bytes(memory)
        found = self.read()
        path.write_bytes(before)
        return found


class WhatIsWritten(Prepared):
    def test_is_read_by_everybody(self) -> None:
        for reader in (self.first, self.second, self.results()):
            self.assertEqual([reader.read(0), reader.read(1)], [BODY, BODY[::-1]])

    def test_may_be_empty_or_large(self) -> None:
        sizes = [0, 1, 4096 - 25, 4096 - 24, 4096 - 23, 4096, 5_000_000, 3]
        bodies = [random.Random(size).randbytes(size) for size in sizes]
        for index, body in enumerate(bodies):
            self.first.write(index, body)
        self.assertEqual(self.read(len(sizes)), bodies)

    def test_is_written_and_read_in_parts_if_it_is_huge(self) -> None:
        body = bytes(range(256)) * 40
        parts: list[int] = []

        def pwrite(file: int, what: bytes, at: int, real: Callable[[int, bytes, int], int] = os.pwrite) -> int:
            parts.append(len(what))
            return real(file, what, at)

        with mock.patch.object(_results, "_MOST_AT_ONCE", 1000), mock.patch("os.pwrite", pwrite):
            self.first.write(2, body)
            self.assertEqual(self.read(3), [BODY, BODY[::-1], body])
        self.assertLessEqual(max(parts), 1000)
        self.assertGreaterEqual(len(parts), 11)
        self.assertEqual(self.read(3)[2], body)

    def test_counts_the_last_time(self) -> None:
        self.second.write(0, b"again")
        self.assertEqual(self.read(), [b"again", BODY[::-1]])

    def test_is_none_before_the_first(self) -> None:
        folder = os.open(self.enterContext(tempfile.TemporaryDirectory(prefix="kp-test-")), os.O_RDONLY)
        self.addCleanup(os.close, folder)
        results = Results(folder, 1)
        self.addCleanup(results.close)
        self.assertTrue(results.are_none())
        self.assertIsNone(results.read(0))
        results.write(5, b"")
        self.assertFalse(results.are_none())
        self.assertEqual([results.read(index) for index in (0, 4, 5, 6, 1 << 40)], [None, None, b"", None, None])

    def test_is_whole_or_none_while_others_write(self) -> None:
        bodies = [bytes([index]) * (index * 100) for index in range(100)]

        def write(number: int) -> None:
            results = Results(self.folder, number)
            for _, index in itertools.product(range(20), range(number, 100, 2)):
                results.write(index, bodies[index])

        children = [fork(lambda: write(3)), fork(lambda: write(4))]
        reader, left, found = self.results(), set(range(3, 100)), 0
        while left:
            for index in range(3, 100):
                body = reader.read(index)
                self.assertIn(body, (bodies[index], None))
                if body is not None:
                    left.discard(index)
                    found += 1
        self.assertGreaterEqual(found, 97)
        self.assertEqual([wait_for(child) for child in children], [0, 0])

    def test_closes_what_it_has_opened(self) -> None:
        before = sorted(os.listdir("/proc/self/fd"))
        results = Results(self.folder, 3)
        results.write(2, b"")
        results.read(0)
        results.close()
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)


class WhatIsDamaged(Prepared):
    def test_is_none_whichever_bit_of_it_is_flipped(self) -> None:
        for at, bit in itertools.product(range(RECORD), range(8)):
            found = self.changed("results-1", lambda memory: memory.__setitem__(at, memory[at] ^ 1 << bit))
            self.assertEqual(found, [None, BODY[::-1]], (at, bit))

    def test_is_none_wherever_it_ends(self) -> None:
        for length in range(RECORD):
            found = self.changed("results-1", lambda memory: memory.__delitem__(slice(length, None)))
            self.assertEqual(found, [None, BODY[::-1]], length)

    def test_is_none_if_it_was_not_written_to_its_end(self) -> None:
        # A file system gives zeros where nobody wrote.
        for length in range(RECORD):
            zeros = bytes(RECORD - length)
            found = self.changed("results-1", lambda memory: memory.__setitem__(slice(length, None), zeros))
            self.assertEqual(found, [None, BODY[::-1]], length)

    def test_is_none_if_its_place_is_anothers(self) -> None:
        def exchange(memory: bytearray) -> None:
            memory[:8], memory[8:16] = memory[8:16], memory[:8]

        self.assertEqual(self.changed("places", exchange), [None, None])
        copied = self.changed("places", lambda memory: memory.__setitem__(slice(8), memory[8:]))
        self.assertEqual(copied, [None, BODY[::-1]])

    def test_is_none_if_its_file_is_gone(self) -> None:
        (self.path / "results-1").unlink()
        self.assertEqual(self.read(), [None, BODY[::-1]])

    def test_is_none_if_its_place_is_wild(self) -> None:
        numbers = [0, 1, 2, 3, 1 << 19, (1 << 20) - 1]
        offsets = [1, 23, 24, 25, RECORD - 1, RECORD, 1 << 30, (1 << 44) - 1]
        wild = [number << 44 | offset for number, offset in itertools.product(numbers, offsets)]
        flipped = [(1 << 44) ^ 1 << bit for bit in range(64)]
        with self.little_memory():
            for place in [0, 2 << 44, *wild, *flipped]:
                found = self.changed("places", lambda memory: memory.__setitem__(slice(8), place.to_bytes(8, "little")))
                self.assertEqual(found, [None, BODY[::-1]], hex(place))

    def test_is_none_if_its_place_is_half(self) -> None:
        for length in range(8, 14):
            found = self.changed("places", lambda memory: memory.__delitem__(slice(length, None)))
            self.assertEqual(found, [BODY, None], length)

    def test_is_none_if_its_length_is_wild(self) -> None:
        lengths = [0, 1, len(BODY) - 1, len(BODY) + 1, RECORD, 4096, 1 << 30, 1 << 31, 1 << 63, (1 << 64) - 1]
        with self.little_memory():
            for length in lengths:
                field = length.to_bytes(8, "little")
                found = self.changed("results-1", lambda memory: memory.__setitem__(slice(16, 24), field))
                self.assertEqual(found, [None, BODY[::-1]], length)

    @contextmanager
    def little_memory(self) -> Iterator[None]:
        tracemalloc.start()
        try:
            yield
            self.assertLess(tracemalloc.get_traced_memory()[1], 1 << 20)
        finally:
            tracemalloc.stop()

    def test_is_passed_over_by_the_next_worker_with_the_number(self) -> None:
        path, whole = self.path / "results-1", (self.path / "results-1").read_bytes()
        for length in range(RECORD + 1):
            path.write_bytes(whole + whole[:length])
            results = Results(self.folder, 1)
            results.write(2, b"next")
            results.close()
            self.assertEqual(self.read(3), [BODY, BODY[::-1], b"next"], length)
            self.assertEqual(path.stat().st_size, RECORD + length + 24 + 4)


class AFullDisk(Prepared):
    def test_costs_only_the_result_that_has_no_room(self) -> None:
        self.first.write(2, BODY)
        for room in itertools.count():
            size = (self.path / "results-1").stat().st_size
            with mock.patch("os.pwrite", self.pwrite(room)):
                try:
                    self.first.write(3, BODY)
                    break
                except OSError as error:
                    self.assertEqual(error.errno, errno.ENOSPC)
            self.assertEqual(self.read(4), [BODY, BODY[::-1], BODY, None], room)
            self.assertEqual((self.path / "results-1").stat().st_size, size)
            if room % 3 == 0:
                # Another result comes, or this one again.
                self.first.write(2, BODY)
        self.assertEqual(room, 8 + RECORD)
        self.assertEqual(self.read(4), [BODY, BODY[::-1], BODY, BODY])

    def pwrite(self, room: int) -> Callable[[int, bytes, int], int]:
        """A write that has room for so many bytes, and then none."""
        real, left = os.pwrite, [room]

        def pwrite(file: int, what: bytes, at: int) -> int:
            if left[0] == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = real(file, what[: left[0]], at)
            left[0] -= written
            return written

        return pwrite

    def test_is_no_end_of_the_worker(self) -> None:
        def write() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (RECORD + 100, RECORD + 100))
            with self.assertRaises(OSError) as caught:
                self.first.write(2, bytes(1000))
            self.assertEqual(caught.exception.errno, errno.EFBIG)
            self.first.write(3, b"small")
            # Of this place not all has room.
            with self.assertRaises(OSError):
                self.first.write((RECORD + 100) // 8, b"")

        self.assertEqual(wait_for(fork(write)), 0)
        self.assertEqual(self.read(4), [BODY, BODY[::-1], None, b"small"])
        self.assertEqual((self.path / "results-1").stat().st_size, RECORD + 24 + 5)
