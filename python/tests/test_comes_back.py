"""Objects that come back, and locks that Python code releases or acquires at odd moments."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import unittest

from killproof import Array, Lock, RLock, Value, attach, transaction
from support import Case, fork, is_there, wait_for


class AnObject(Case):
    def test_that_was_pickled_needs_no_descriptor_once_it_is_gone(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(50):
            pickle.dumps(self.learn(Value("i", 0)))
        self.assertLessEqual(len(os.listdir("/proc/self/fd")), before + 3)

    def test_that_was_pickled_comes_back_to_its_creator(self) -> None:
        value = self.learn(Value("i", 5))
        name, pickled = value.name, pickle.dumps(value)
        del value
        self.assertTrue(is_there(name))
        self.assertEqual(pickle.loads(pickled).add(1), 6)
        self.assertTrue(is_there(name))

    def test_that_only_attached_keeps_the_lock_of_its_thread(self) -> None:
        value = self.learn(Value("i", 0))
        name = value.name

        def child() -> None:
            attach(name).acquire()
            attach(name).release()
            attach(name).add(1)

        self.assertEqual(wait_for(fork(child)), 0)
        self.assertEqual(value.value, 1)

    def test_whose_lock_is_held_gives_up_its_name_with_the_last_reference(self) -> None:
        value = self.learn(Value("i", 0))
        name = value.name
        value.acquire()
        del value
        self.assertFalse(is_there(name))


class AnUpdate(Case):
    def test_whose_function_releases_the_lock_stores_nothing(self) -> None:
        value = self.learn(Value("i", 1))

        def change(_: int) -> int:
            value.release()
            return 7

        with self.raises_and_says(RuntimeError, "nothing is stored"):
            value.update(change)
        self.assertEqual(value.value, 1)

    def test_whose_function_forks_stores_once(self) -> None:
        value = self.learn(Value("i", 1))
        children: list[int] = []

        def change(old: int) -> int:
            children.append(os.fork())
            return old + 1

        try:
            value.update(change)
        except RuntimeError:
            os._exit(7)
        if not children[0]:
            os._exit(1)
        self.assertEqual(wait_for(children[0]), 7)
        self.assertEqual(value.value, 2)


class ATransaction(Case):
    def test_whose_list_shrinks_while_it_is_read_stores_nothing(self) -> None:
        array = self.learn(Array("i", [1, 2, 3, 4]))

        class Shrinking:
            def __index__(self) -> int:
                del cells[2:]
                return 77

        with self.raises_and_says(ValueError, "nothing is stored"), transaction(array) as cells:
            cells[0] = Shrinking()  # type: ignore[call-overload]
        self.assertEqual(array[:], [1, 2, 3, 4])


class ALock(Case):
    def test_takes_the_truth_of_its_first_argument(self) -> None:
        lock = self.learn(Lock())
        self.assertTrue(lock.acquire(1))  # type: ignore[arg-type]
        self.assertFalse(lock.acquire(0))  # type: ignore[arg-type]
        lock.release()

    def test_that_a_signal_handler_acquires_during_a_wait_is_acquired_once_more(self) -> None:
        lock = self.learn(RLock())
        held, handled = threading.Event(), threading.Event()

        def hold() -> None:
            with lock:
                held.set()
                handled.wait(60)

        def handle(*_: object) -> None:
            handled.set()
            lock.acquire()

        before = signal.signal(signal.SIGUSR2, handle)
        self.addCleanup(signal.signal, signal.SIGUSR2, before)
        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(60)
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR2))
        timer.start()
        self.assertTrue(lock.acquire())
        # The handler may also run before the wait or after it.
        deadline = time.monotonic() + 60
        while not handled.is_set() and time.monotonic() < deadline:
            time.sleep(0.01)
        thread.join()
        timer.join()
        lock.release()
        lock.release()
        with self.assertRaises(AssertionError):
            lock.release()


if __name__ == "__main__":
    unittest.main()
