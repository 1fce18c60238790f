"""`Lock` and `RLock`."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable
from typing import Any

from killproof import Lock, RLock
from support import Case, is_there

KINDS: list[Any] = [Lock, RLock]
NOT_HELD: dict[Any, type[Exception]] = {Lock: ValueError, RLock: AssertionError}


def in_a_thread(act: Callable[[], Any]) -> Any:
    """What the action gives, or raises, in another thread."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(act())
        except BaseException as error:
            results.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


class ALock(Case):
    def test_is_acquired_and_released(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                lock = kind()
                self.assertIs(lock.acquire(), True)
                self.assertIs(in_a_thread(lambda: lock.acquire(False)), False)
                lock.release()
                self.assertIs(in_a_thread(lambda: lock.acquire(False) and lock.release() is None), True)

    def test_gives_itself_to_its_block(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                lock = kind()
                with lock as held:
                    self.assertIs(held, lock)
                    self.assertIs(in_a_thread(lambda: lock.acquire(False)), False)
                self.assertRaises(NOT_HELD[kind], lock.release)

    def test_is_released_by_a_block_that_raises(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                lock = kind()
                with self.assertRaises(LookupError), lock:
                    raise LookupError
                self.assertRaises(NOT_HELD[kind], lock.release)

    def test_that_is_not_held_is_not_released(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                lock = kind()
                self.assertRaises(NOT_HELD[kind], lock.release)
                with lock:
                    pass
                self.assertRaises(NOT_HELD[kind], lock.release)
                self.assertIs(lock.acquire(False), True)

    def test_of_another_thread_is_not_released(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                lock = kind()
                with lock:
                    self.assertIs(in_a_thread(lock.release), NOT_HELD[kind])
                    self.assertIs(in_a_thread(lambda: lock.acquire(False)), False)

    def test_waits_as_long_as_it_is_told(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                lock = kind()
                self.assertIs(lock.acquire(True, 5), True)
                lock.release()
                self.assertIs(lock.acquire(block=False), True)
                self.assertIs(in_a_thread(lambda: lock.acquire(block=False)), False)
                for timeout in [0, 0.05, -1]:
                    self.assertIs(in_a_thread(lambda: lock.acquire(timeout=timeout)), False, timeout)
                self.assertIs(in_a_thread(lambda: lock.acquire(True, 0)), False)
                self.assertIs(in_a_thread(lambda: lock.acquire(False, 100)), False)

    def test_takes_any_timeout_or_refuses_it_in_order(self) -> None:
        for kind in KINDS:
            for timeout in [math.inf, -math.inf, math.nan, 1e300, -1e300, 1e-300, 10**400, 2**63, 2**64, -(10**400)]:
                with self.subTest(kind=kind, timeout=timeout):
                    lock = kind()
                    try:
                        self.assertIs(lock.acquire(timeout=timeout), True)
                    except (ValueError, OverflowError):
                        continue
                    lock.release()
            for wrong in ["1", [], 1j]:
                with self.subTest(kind=kind, timeout=wrong), self.assertRaises(TypeError):
                    kind().acquire(timeout=wrong)

    def test_is_quiet_about_deaths_until_there_is_one(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind), kind() as lock:
                self.assertIs(lock.owner_died, False)
                lock.clear_owner_died()
                self.assertIs(lock.owner_died, False)

    def test_must_be_held_by_who_clears_a_death(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                lock = kind()
                self.assertRaises((ValueError, AssertionError, RuntimeError), lock.clear_owner_died)

    def test_has_a_name(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                lock = self.learn(kind())
                self.assertTrue(re.fullmatch(r"killproof-[0-9a-f]{16}", lock.name), lock.name)
                name = self.name()
                named = kind(name=name)
                self.assertEqual(named.name, name)
                self.assertTrue(is_there(name))
                with self.assertRaises(TypeError):
                    kind(name)

    def test_is_of_a_final_class_with_read_only_attributes(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.assertRaises(TypeError, type, "Mine", (kind,), {})
                lock = kind()
                for attribute in ["name", "owner_died", "other"]:
                    self.assertRaises(AttributeError, setattr, lock, attribute, True)
                self.assertIn(kind.__name__, repr(lock))


class APlainLock(Case):
    def test_does_not_wait_for_itself(self) -> None:
        lock = Lock()
        lock.acquire()
        self.assertIs(lock.acquire(False), False)
        self.assertIs(lock.acquire(timeout=0), False)
        self.assertIs(lock.acquire(timeout=0.05), False)
        self.assertRaises(RuntimeError, lock.acquire)
        self.assertRaises(RuntimeError, lock.__enter__)
        lock.release()
        self.assertRaises(ValueError, lock.release)


class AReEntrantLock(Case):
    def test_is_released_as_often_as_it_was_acquired(self) -> None:
        lock = RLock()
        for _ in range(3):
            self.assertIs(lock.acquire(), True)
        for _ in range(2):
            lock.release()
            self.assertIs(in_a_thread(lambda: lock.acquire(False)), False)
        lock.release()
        self.assertIs(in_a_thread(lambda: lock.acquire(False)), True)
        self.assertRaises(AssertionError, lock.release)

    def test_counts_blocks_and_calls_together(self) -> None:
        lock = RLock()
        with lock, lock as inner:
            self.assertIs(inner, lock)
            self.assertIs(lock.acquire(False), True)
            self.assertIs(lock.acquire(timeout=0), True)
            lock.release()
            lock.release()
            self.assertIs(in_a_thread(lambda: lock.acquire(False)), False)
        self.assertRaises(AssertionError, lock.release)

    def test_is_re_entered_many_times(self) -> None:
        lock = RLock()
        for _ in range(100_000):
            lock.acquire()
        for _ in range(100_000):
            lock.release()
        self.assertRaises(AssertionError, lock.release)
