"""`map` with `resume=`: a program that is killed is taken up where it was."""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

from calls import CallCase, all_of, log, logged, once, square, stay, workers_of
from killproof import Incomplete, imap_unordered
from killproof import map as kp_map
from processes import Script
from support import BOUND

ITEMS = 300

# Maps, and may be killed at any time: argv is the folder of the log, that of the map, how many items, and the workers.
PROGRAM = """
    import hashlib, sys
    from functools import partial
    import killproof
    from calls import log

    def digest(folder, number):
        log(folder, number)
        return hashlib.sha256(str(number).encode()).digest() * 40

    if __name__ == "__main__":
        folder, resume, count, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        print("begun", flush=True)
        results = killproof.map(
            partial(digest, folder), range(count), resume=resume, workers=workers, retries=1000, progress=False
        )
        assert results == [hashlib.sha256(str(number).encode()).digest() * 40 for number in range(count)]
        print("right", flush=True)
"""


def logs(folder: str, number: int) -> int:
    log(folder, number)
    return number * number


def fails_first(folder: str, number: int) -> int:
    if number % 10 == 0 and once(folder, str(number)):
        raise ValueError(number)
    return logs(folder, number)


def of_a_set(numbers: set[int]) -> int:
    return sum(numbers)


def stays_at_five(folder: str, number: int) -> int:
    log(folder, number)
    if number == 5 and once(folder, "five"):
        stay()
    return number


class AMapThatIsTakenUp(CallCase):
    def setUp(self) -> None:
        super().setUp()
        self.spool = os.path.join(self.folder, "deep", "spool")

    def map(self, function: Any, items: Any, **options: Any) -> list[Any]:
        with contextlib.redirect_stderr(io.StringIO()):
            return kp_map(function, items, resume=self.spool, progress=False, **options)

    def test_makes_its_folder_and_never_removes_it(self) -> None:
        self.assertEqual(self.map(square, range(10)), [n * n for n in range(10)])
        self.assertEqual(os.stat(self.spool).st_mode & 0o777, 0o700)
        self.assertEqual(self.map(square, range(10)), [n * n for n in range(10)])

    def test_computes_only_what_is_missing(self) -> None:
        function = partial(fails_first, self.folder)
        with self.assertRaises(Incomplete) as raised:
            self.map(function, range(50), retries=0)
        self.assertEqual(all_of(raised.exception.missing, "index"), [0, 10, 20, 30, 40])
        self.assertEqual(raised.exception.spool, self.spool)
        self.assertEqual(self.map(function, range(50), retries=0), [n * n for n in range(50)])
        self.assertEqual(sorted(int(number) for [number] in logged(self.folder)), list(range(50)))

    def test_takes_a_temporary_folder_up_that_an_incomplete_map_has_left(self) -> None:
        function = partial(fails_first, self.folder)
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(Incomplete) as raised:
            kp_map(function, range(20), retries=0, progress=False)
        assert raised.exception.spool is not None
        self.spool = raised.exception.spool
        self.assertEqual(self.map(function, range(20)), [n * n for n in range(20)])
        self.assertTrue(os.path.isdir(self.spool))

    def test_gives_first_what_is_there_when_results_come_one_by_one(self) -> None:
        function = partial(stays_at_five, self.folder)
        with contextlib.redirect_stderr(io.StringIO()):
            pairs = imap_unordered(function, range(8), workers=2, resume=self.spool, progress=False)
            self.assertEqual(len([next(pairs) for _ in range(7)]), 7)
            pairs.close()
            pairs = imap_unordered(function, range(8), workers=2, resume=self.spool, progress=False)
            self.assertEqual([index for index, _ in pairs], [0, 1, 2, 3, 4, 6, 7, 5])

    def test_is_another_one_with_other_items_or_another_function(self) -> None:
        self.map(square, [1, 2, 3])
        before = self.contents()
        for function, items, words in [
            (square, [1, 2, 4], ["item 2"]),
            (square, [5, 2, 4], ["item 0"]),
            (square, [1, 2], ["3 items", "2"]),
            (abs, [1, 2, 3], ["square", "abs"]),
        ]:
            with self.raises_and_says(ValueError, *words, self.spool):
                self.map(function, items)
        self.assertEqual(self.contents(), before)

    def test_knows_equal_items_whatever_their_pickles_are_like(self) -> None:
        self.assertEqual(self.map(of_a_set, [{1, 9, 17}, {2}]), [27, 2])
        # Another order of insertion, which is that of the pickle.
        self.assertEqual(self.map(of_a_set, [{17, 9, 1}, {2}]), [27, 2])

    def test_does_not_take_one_item_for_another_that_is_equal(self) -> None:
        self.map(repr, [1, 0.0, (1, "a")])
        for items in ([True, 0.0, (1, "a")], [1, -0.0, (1, "a")], [1, 0.0, (1.0, "a")], [1, 0.0, [1, "a"]]):
            with self.raises_and_says(ValueError, "item "):
                self.map(repr, items)

    def test_is_another_one_with_other_arguments_of_a_partial_function(self) -> None:
        self.assertEqual(self.map(partial(pow, 2), [1, 2]), [2, 4])
        with self.raises_and_says(ValueError, "what partial(builtins.pow) brings along"):
            self.map(partial(pow, 3), [1, 2])

    def contents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in Path(self.spool).iterdir()}


class AProgramThatIsKilled(CallCase):
    def test_is_taken_up_until_it_is_done(self) -> None:
        spool = os.path.join(self.folder, "spool")
        seen, kills, deadline = random.Random(1), 0, time.monotonic() + BOUND / 3
        while True:
            with Script(PROGRAM, self.folder, spool, str(ITEMS), "2") as script:
                self.assertEqual(script.line(), "begun")
                # Later and later, so that it comes to its end.
                time.sleep(seen.uniform(0, 0.05 * 1.15**kills))
                script.process.kill()
                result = script.end()
            if result.stdout == "right\n":
                break
            self.assertEqual((result.returncode, result.stdout), (-signal.SIGKILL, ""))
            kills += 1
            self.assertLess(time.monotonic(), deadline)
        self.assertGreater(kills, 2)
        self.nobody_is_left()
        counts = [0] * ITEMS
        for [number] in logged(self.folder):
            counts[int(number)] += 1
        self.assertGreaterEqual(min(counts), 1)
        # A kill costs what its two workers compute at the moment.
        self.assertLessEqual(sum(counts) - ITEMS, 2 * kills)

    def test_gives_each_result_once_under_a_storm_of_kills(self) -> None:
        count = 10_000
        with Script(PROGRAM, self.folder, os.path.join(self.folder, "spool"), str(count), "3") as script:
            self.assertEqual(script.line(), "begun")
            killed = self.storm(script)
            result = script.end()
        self.assertEqual(result.stdout, "right\n", result.stderr)
        self.assertGreater(killed, 10)
        counts = [0] * count
        for [number] in logged(self.folder):
            counts[int(number)] += 1
        self.assertGreaterEqual(min(counts), 1)
        self.assertLessEqual(sum(counts) - count, killed)

    def storm(self, script: Script) -> int:
        """Kills workers at random, until the program has ended or there are many; returns how many."""
        chosen, killed, caller = random.Random(2), 0, script.process.pid
        while script.process.poll() is None and killed < 300:
            time.sleep(chosen.uniform(0.001, 0.03))
            workers = workers_of(caller)
            # The last one is hit as seldom as each of three: it must come to its work between two kills.
            victim = chosen.randrange(3)
            if victim < len(workers):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(workers[victim], signal.SIGKILL)
                    killed += 1
        return killed
