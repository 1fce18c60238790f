"""`map` and `imap_unordered`: what they give, and what they raise."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import sys
import time
from functools import partial
from typing import Any
from unittest import mock

import killproof
from calls import CallCase, all_of, die, log, logged, once, square, stay
from killproof import Incomplete, imap_unordered
from killproof import map as kp_map

MANY = 1000


def logs(folder: str, number: int) -> int:
    log(folder, number)
    return number * number


def fails_at(where: set[int], number: int) -> int:
    if number in where:
        raise ValueError(f"no {number}")
    return number * number


def dies_at(where: set[int], number: int) -> int:
    if number in where:
        die()
    return number * number


def dies_once_at(folder: str, where: set[int], number: int) -> int:
    log(folder, number)
    if number in where and once(folder, str(number)):
        die()
    return number * number


def stays_at(where: set[int], number: int) -> int:
    if number in where:
        stay()
    return number * number


def slow(number: int) -> int:
    time.sleep(number / 1000)
    return number


def large(size: int) -> bytes:
    return b"x" * size


def length(body: bytes) -> int:
    return len(body)


def says(words: str) -> None:
    print(words)
    os.write(1, words.encode() + b"\n")


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError("this has no text")


def raises(what: str) -> Any:
    if what == "odd":
        raise Odd
    if what == "exit":
        sys.exit("bye")
    if what == "interrupt":
        raise KeyboardInterrupt
    if what == "lines":
        raise ValueError("one\ntwo\nthree\nfour\n\udcff")
    if what == "unpicklable":
        return lambda: None
    if what == "huge integer":
        return 10**5000
    return what


class Refused:
    """Its pickle cannot be read."""

    def __reduce__(self) -> Any:
        return refuse, ()


def refuse() -> None:
    if "unittest" in sys.modules:
        raise ValueError("it does not come back")


def gives_refused(number: int) -> Any:
    return Refused() if number == 2 else number


def forks(folder: str, number: int) -> int:
    """Its child returns as well, before its parent or after it."""
    if number == 3 and not os.fork():
        return -1
    if number == 4 and os.fork():
        time.sleep(0.02)
    elif number == 4:
        raise ValueError("this is the child")
    return number * number


def leaves_at(number: int) -> int:
    if number == 6:
        os._exit(0)
    return number * number


class AMap(CallCase):
    def test_takes_nothing_from_a_child_that_a_function_forks(self) -> None:
        with self.quiet():
            self.assertEqual(kp_map(partial(forks, self.folder), range(40), progress=False), [n * n for n in range(40)])

    def test_sets_an_item_aside_that_ends_its_worker_as_if_all_were_well(self) -> None:
        with self.quiet(), self.assertRaises(Incomplete) as raised:
            kp_map(leaves_at, range(20), retries=1, progress=False)
        self.assertEqual(all_of(raised.exception.missing, "index"), [6])

    def test_gives_the_results_in_the_order_of_the_items(self) -> None:
        self.assertEqual(kp_map(square, range(MANY), progress=False), [n * n for n in range(MANY)])
        self.assertEqual(self.spools(), [])
        self.no_segment_is_left()

    def test_of_nothing_is_nothing(self) -> None:
        self.assertEqual(kp_map(square, [], progress=False), [])
        self.assertEqual(list(imap_unordered(square, iter(()), progress=False)), [])

    def test_takes_any_iterable_and_computes_each_item_once(self) -> None:
        items = (n for n in range(100))
        results = kp_map(partial(logs, self.folder), items, workers=3, progress=False)
        self.assertEqual(results, [n * n for n in range(100)])
        self.assertEqual(sorted(int(number) for [number] in logged(self.folder)), list(range(100)))

    def test_gives_each_result_as_it_comes(self) -> None:
        pairs = list(imap_unordered(slow, [2000, 0, 5, 10], workers=2, progress=False))
        self.assertEqual(sorted(pairs), [(0, 2000), (1, 0), (2, 5), (3, 10)])
        self.assertEqual(pairs[-1], (0, 2000))
        pairs = imap_unordered(partial(stays_at, {1}), range(2), workers=2, progress=False)
        self.assertEqual(next(pairs), (0, 0))
        pairs.close()
        self.nobody_is_left()

    def test_ends_its_workers_when_it_is_closed_before_its_end(self) -> None:
        with self.quiet() as err:
            pairs = imap_unordered(partial(stays_at, {5}), range(9), workers=2, progress=False)
            self.assertEqual({next(pairs), next(pairs)} - {(n, n * n) for n in range(9)}, set())
            pairs.close()
        self.nobody_is_left()
        self.no_segment_is_left()
        # What is computed stays.
        [spool] = self.spools()
        self.assertIn(spool, err.getvalue())

    def test_hands_huge_items_and_results_over(self) -> None:
        sizes = [0, 1, 4000, 5000, 64 << 20]
        self.assertEqual([len(body) for body in kp_map(large, sizes, progress=False)], sizes)
        self.assertEqual(kp_map(length, [b"y" * size for size in sizes], progress=False), sizes)

    def test_goes_on_when_workers_are_killed(self) -> None:
        function = partial(dies_once_at, self.folder, set(range(0, 60, 7)))
        with self.quiet():
            self.assertEqual(kp_map(function, range(60), progress=False), [n * n for n in range(60)])
        counts = [int(number) for [number] in logged(self.folder)]
        self.assertEqual([counts.count(n) for n in range(60)], [2 if n % 7 == 0 else 1 for n in range(60)])

    def test_sets_items_aside_that_cannot_be_computed(self) -> None:
        with self.quiet(), self.assertRaises(Incomplete) as raised:
            kp_map(partial(fails_at, {2, 3}), range(6), retries=1, progress=False)
        incomplete = raised.exception
        self.assertEqual(incomplete.results, [0, 1, None, None, 16, 25])
        self.assertEqual(all_of(incomplete.missing, "index"), [2, 3])
        self.assertEqual(all_of(incomplete.missing, "attempts"), [2, 2])
        place = r"test_map\.py.*line \d+.*\n.*raise ValueError.*\nValueError: no 2$"
        self.assertRegex(incomplete.missing[0]["why"], place)
        self.assertRegex(str(incomplete), r"^4 of 6 items are computed; missing: item 2 \(ValueError: no 2\), item 3")
        assert incomplete.spool is not None
        self.assertEqual([os.path.basename(incomplete.spool)], self.spools())

    def test_sets_items_aside_that_kill_their_workers(self) -> None:
        with self.quiet(), self.assertRaises(Incomplete) as raised:
            kp_map(partial(dies_at, {1}), range(5), retries=1, progress=False)
        self.assertEqual(raised.exception.results, [0, None, 4, 9, 16])
        [gap] = raised.exception.missing
        self.assertEqual((gap["index"], gap["attempts"]), (1, 2))
        self.assertTrue(gap["why"].startswith("killed 2 workers, last by SIGKILL"))

    def test_computes_the_others_also_when_the_first_ones_all_kill_their_workers(self) -> None:
        poison = set(range(40))
        with self.quiet(), self.assertRaises(Incomplete) as raised:
            kp_map(partial(dies_at, poison), range(100), retries=0, progress=False)
        self.assertEqual(raised.exception.results, [None if n in poison else n * n for n in range(100)])
        self.assertEqual(all_of(raised.exception.missing, "index"), sorted(poison))
        self.assertEqual(set(all_of(raised.exception.missing, "attempts")), {1})

    def test_survives_whatever_a_function_raises_or_returns(self) -> None:
        items = ["odd", "exit", "interrupt", "lines", "unpicklable", "huge integer", "fine"]
        with self.quiet(), self.assertRaises(Incomplete) as raised:
            kp_map(raises, items, retries=0, progress=False)
        self.assertEqual(raised.exception.results, [None] * 5 + [10**5000, "fine"])
        why = [gap["why"].splitlines()[-1] for gap in raised.exception.missing]
        self.assertIn("Odd: <exception str() failed>", why[0])
        self.assertEqual(why[1], "SystemExit: bye")
        self.assertEqual(why[2], "KeyboardInterrupt")
        self.assertIn("local object", why[4])

    def test_names_a_result_that_cannot_be_unpickled(self) -> None:
        with self.quiet(), self.assertRaises(Incomplete) as raised:
            kp_map(gives_refused, range(4), progress=False)
        self.assertEqual(raised.exception.results, [0, 1, None, 3])
        self.assertIn("cannot be unpickled: ValueError: it does not come back", raised.exception.missing[0]["why"])

    def test_refuses_an_item_that_cannot_be_pickled_before_any_worker_starts(self) -> None:
        with self.assertRaises((TypeError, AttributeError, pickle.PicklingError)) as raised:
            kp_map(partial(logs, self.folder), [1, 2, lambda: None], progress=False)
        self.assertEqual(raised.exception.__notes__, ["item 2 cannot be handed to workers"])
        self.assertEqual((logged(self.folder), self.spools()), ([], []))

    def test_ends_after_its_timeout_with_what_it_has(self) -> None:
        with self.quiet(), self.assertRaises(Incomplete) as raised:
            kp_map(partial(stays_at, {3}), range(6), workers=2, timeout=6, progress=False)
        self.assertEqual(raised.exception.results, [0, 1, 4, None, 16, 25])
        self.assertTrue(str(raised.exception).startswith("timeout: 5 of 6 items are computed"))
        self.assertEqual(raised.exception.missing[0]["attempts"], 0)
        self.nobody_is_left()

    def test_raises_incomplete_last_when_results_come_one_by_one(self) -> None:
        found = []
        with self.quiet(), self.assertRaises(Incomplete) as raised:
            for pair in imap_unordered(partial(fails_at, {0}), range(4), retries=0, progress=False):
                found.append(pair)
        self.assertEqual(sorted(found), [(1, 1), (2, 4), (3, 9)])
        self.assertEqual(all_of(raised.exception.missing, "index"), [0])

    def test_shows_what_workers_print_on_stderr(self) -> None:
        with self.quiet() as err:
            self.assertEqual(kp_map(says, ["some words"], progress=False), [None])
        self.assertEqual(err.getvalue(), "some words\nsome words\n")

    def test_works_with_a_closed_stderr_or_none(self) -> None:
        closed = io.StringIO()
        closed.close()
        for stream in (closed, None):
            with mock.patch.object(sys, "stderr", stream):
                self.assertEqual(kp_map(says, ["words"], progress=False), [None])

    def test_is_among_the_public_names(self) -> None:
        self.assertIs(killproof.map, kp_map)

    def quiet(self) -> contextlib.redirect_stderr[io.StringIO]:
        """Keeps what the coordinator says: it goes where `sys.stderr` leads."""
        return contextlib.redirect_stderr(io.StringIO())
