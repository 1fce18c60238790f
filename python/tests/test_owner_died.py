"""Processes that are killed while they hold a lock. The next owner hears of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

from killproof import Array, Lock, OwnerDied, RLock, Value, transaction
from processes import until
from support import Case, for_each_start_method, fork, run_in, wait_for


def hold_and_be_killed(lock: Any) -> None:
    lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def hold_in_a_block_and_be_killed(thing: Any) -> None:
    with thing.get_lock():
        os.kill(os.getpid(), signal.SIGKILL)


def hold_and_wait(lock: Any, ready: Any) -> None:
    lock.acquire()
    ready.send_bytes(b"held")
    signal.pause()


def be_killed_in_an_update(v: Value[int]) -> None:
    def killed(old: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return old + 1

    v.update(killed)


def be_killed_in_a_transaction(a: Array[int]) -> None:
    with transaction(a) as cells:
        cells[:] = [7] * len(cells)
        os.kill(os.getpid(), signal.SIGKILL)


def expect(lock: Any, owner_died: bool) -> None:
    with lock:
        assert lock.owner_died is owner_died, lock.owner_died


def expect_an_error(lock: Any, is_error: bool) -> None:
    try:
        lock.acquire()
    except OwnerDied:
        assert is_error
    else:
        assert not is_error
        lock.release()


def expect_busy(lock: Any) -> None:
    if lock.acquire(False):
        raise RuntimeError("somebody holds it")


def clear(lock: Any) -> None:
    with lock:
        lock.clear_owner_died()


class AnOwnerThatIsKilled(Case):
    def assert_killed(self, context: BaseContext, target: Callable[..., None], *args: Any) -> None:
        self.assertEqual(run_in(context, target, *args), -signal.SIGKILL)

    @for_each_start_method
    def test_leaves_the_lock_to_the_next_owner_who_hears_of_it(self, context: BaseContext) -> None:
        for lock in [Lock(), RLock(), Value("i", 0).get_lock(), Array("i", 2).get_lock()]:
            self.assert_killed(context, hold_and_be_killed, lock)
            self.assertIs(lock.acquire(), True)
            self.assertIs(lock.owner_died, True)
            lock.release()

    @for_each_start_method
    def test_leaves_a_value_and_an_array_usable(self, context: BaseContext) -> None:
        v, a = Value("i", 1), Array("i", [1, 2])
        self.assert_killed(context, hold_and_be_killed, v)
        self.assert_killed(context, hold_in_a_block_and_be_killed, a)
        v += 1
        v.value += 1
        a[0] += 1
        with transaction(a) as cells:
            cells[1] = 5
        self.assertEqual((v.value, a[:]), (3, [2, 5]))
        for thing in [v, a]:
            with thing.get_lock() as lock:
                self.assertIs(lock.owner_died, True)

    @for_each_start_method
    def test_is_remembered_by_all_processes_until_one_clears_it(self, context: BaseContext) -> None:
        for lock in [Lock(), RLock(), Value("i", 0).get_lock()]:
            self.assert_killed(context, hold_and_be_killed, lock)
            for _ in range(3):
                with lock:
                    self.assertIs(lock.owner_died, True)
                self.assertEqual(run_in(context, expect, lock, True), 0)
            self.assertEqual(run_in(context, clear, lock), 0)
            with lock:
                self.assertIs(lock.owner_died, False)
            self.assertEqual(run_in(context, expect, lock, False), 0)

    @for_each_start_method
    def test_is_an_error_for_who_asks_for_strictness_and_does_not_get_the_lock(self, context: BaseContext) -> None:
        for thing in [Value("i", 0), Array("i", 2)]:
            strict = thing.get_lock(strict=True)
            with strict:
                pass
            self.assert_killed(context, hold_and_be_killed, thing.get_lock())
            for _ in range(2):
                self.assertRaises(OwnerDied, strict.acquire)
                self.assertRaises(OwnerDied, strict.acquire, False)
                self.assertRaises(OwnerDied, strict.acquire, timeout=5)
                with self.assertRaises(OwnerDied), strict:
                    self.fail("the block must not begin")
                self.assertRaises(AssertionError, strict.release)
                self.assertEqual(run_in(context, expect, thing.get_lock(), True), 0)
            with thing.get_lock() as lock:
                lock.clear_owner_died()
            with strict:
                self.assertIs(strict.owner_died, False)

    @for_each_start_method
    def test_is_an_error_also_where_a_strict_lock_was_handed_on(self, context: BaseContext) -> None:
        v = Value("i", 0)
        self.assertEqual(run_in(context, expect_an_error, v.get_lock(strict=True), False), 0)
        self.assert_killed(context, hold_and_be_killed, v)
        self.assertEqual(run_in(context, expect_an_error, v.get_lock(strict=True), True), 0)
        self.assertEqual(run_in(context, clear, v.get_lock()), 0)
        self.assertEqual(run_in(context, expect_an_error, v.get_lock(strict=True), False), 0)

    def test_is_an_error_inside_a_block_that_goes_on_to_hold_the_lock(self) -> None:
        v = Value("i", 0)
        self.assertEqual(wait_for(fork(lambda: hold_and_be_killed(v))), -signal.SIGKILL)
        with v.get_lock() as lock:
            self.assertRaises(OwnerDied, v.get_lock(strict=True).acquire)
            self.assertEqual(wait_for(fork(lambda: expect_busy(v))), 0)
            lock.clear_owner_died()
            with v.get_lock(strict=True):
                v.value += 1
        self.assertEqual(v.value, 1)

    def test_is_an_error_which_is_a_runtime_error(self) -> None:
        self.assertTrue(issubclass(OwnerDied, RuntimeError))

    @for_each_start_method
    def test_in_an_update_or_a_transaction_has_changed_nothing(self, context: BaseContext) -> None:
        v, a = Value("i", 5), Array("i", [1, 2, 3])
        self.assert_killed(context, be_killed_in_an_update, v)
        self.assert_killed(context, be_killed_in_a_transaction, a)
        self.assertEqual((v.value, a[:]), (5, [1, 2, 3]))
        with v.get_lock() as lock, a.get_lock() as other:
            self.assertEqual((lock.owner_died, other.owner_died), (True, True))

    @for_each_start_method
    def test_lets_those_go_on_that_wait_for_it(self, context: BaseContext) -> None:
        for lock in [Lock(), RLock(), Value("i", 0).get_lock()]:
            here, there = context.Pipe()
            holder = context.Process(target=hold_and_wait, args=(lock, there))  # type: ignore[attr-defined]
            holder.start()
            self.assertEqual(here.recv_bytes(), b"held")
            self.assertIs(lock.acquire(timeout=0.1), False)
            results: list[tuple[bool, bool]] = []

            def wait(lock: Any = lock, results: list[tuple[bool, bool]] = results) -> None:
                results.append((lock.acquire(), lock.owner_died))
                lock.release()

            waiters = [threading.Thread(target=wait) for _ in range(3)]
            for waiter in waiters:
                waiter.start()
            # Most of the time all of them wait by then. It must hold in any case.
            self.assertIs(lock.acquire(timeout=0.2), False)
            os.kill(holder.pid, signal.SIGKILL)
            self.assertIs(lock.acquire(), True)
            self.assertIs(lock.owner_died, True)
            lock.release()
            for waiter in waiters:
                waiter.join()
            self.assertEqual(results, [(True, True)] * 3)
            holder.join()

    def test_that_others_follow_into_death_is_heard_of_once_more(self) -> None:
        lock = RLock()
        for _ in range(10):
            self.assertEqual(wait_for(fork(lambda: hold_and_be_killed(lock))), -signal.SIGKILL)
        with lock:
            self.assertIs(lock.owner_died, True)
            lock.clear_owner_died()
        with lock:
            self.assertIs(lock.owner_died, False)
        self.assertEqual(wait_for(fork(lambda: hold_and_be_killed(lock))), -signal.SIGKILL)
        with lock:
            self.assertIs(lock.owner_died, True)

    def test_is_heard_of_by_who_only_tries_the_lock(self) -> None:
        lock = Lock()
        self.assertEqual(wait_for(fork(lambda: hold_and_be_killed(lock))), -signal.SIGKILL)
        self.assertIs(lock.acquire(False), True)
        self.assertIs(lock.owner_died, True)
        lock.release()

    def test_is_heard_of_while_the_next_owner_only_looks_at_the_number(self) -> None:
        v = Value("i", 3)
        self.assertEqual(wait_for(fork(lambda: hold_and_be_killed(v))), -signal.SIGKILL)
        until(lambda: v.value == 3)
        with v.get_lock() as lock:
            self.assertIs(lock.owner_died, True)
