"""Interpreters and threads that end while they hold a lock, which is a death as well."""

from __future__ import annotations

import functools
import threading
from multiprocessing.context import BaseContext
from typing import Any

from killproof import Array, Lock, RLock, Value, attach
from processes import Script, run_script
from support import Case, for_each_start_method, fork, is_there, run_in, wait_for

HOLD = """
    import os, sys, threading
    from killproof import attach
    thing = attach(sys.argv[1])
    thing.acquire()
"""
# How a program may end, and its exit code.
ENDS = {
    "pass": 0,
    "sys.exit()": 0,
    "sys.exit(3)": 3,
    "os._exit(4)": 4,
    "raise LookupError": 1,
    "os.abort()": -6,
    "os.kill(os.getpid(), 15)": -15,
    "os.execv(sys.executable, [sys.executable, '-c', 'pass'])": 0,
    "del thing": 0,
    "thing = None; import gc; gc.collect(); os._exit(0)": 0,
}


def hold(thing: Any) -> None:
    thing.acquire()


def hold_and_exit(thing: Any) -> None:
    thing.acquire()
    raise SystemExit(3)


class AnInterpreterThatEndsWhileItHolds(Case):
    def test_has_died_however_it_ends(self) -> None:
        kinds: list[Any] = [Lock, RLock, functools.partial(Value, "i", 0), functools.partial(Array, "i", 2)]
        for kind in kinds:
            for end, code in ENDS.items():
                thing = kind(name=self.name())
                with self.subTest(kind=type(thing), end=end):
                    with Script(HOLD + "    " + end, thing.name) as script:
                        self.assertEqual(script.end().returncode, code)
                    self.assertIs(thing.acquire(timeout=60), True)
                    lock = thing if isinstance(thing, Lock | RLock) else thing.get_lock()
                    self.assertIs(lock.owner_died, True)
                    thing.release()

    @for_each_start_method
    def test_has_died_also_as_a_child_of_multiprocessing(self, context: BaseContext) -> None:
        for target, code in [(hold, 0), (hold_and_exit, 3)]:
            for lock in [Lock(), RLock(), Value("i", 0).get_lock()]:
                self.assertEqual(run_in(context, target, lock), code)
                self.assertIs(lock.acquire(timeout=60), True)
                self.assertIs(lock.owner_died, True)
                lock.release()

    def test_has_not_died_if_it_released_the_lock_first(self) -> None:
        for lock in [Lock(name=self.name()), RLock(name=self.name())]:
            run_script(HOLD + "    thing.release()", lock.name)
            with lock:
                self.assertIs(lock.owner_died, False)

    def test_may_have_dropped_the_object_long_before(self) -> None:
        lock = Lock(name=self.name())
        out = run_script(
            """
            import gc, sys
            from killproof import Lock, Value, attach
            lock = attach(sys.argv[1])
            lock.acquire()
            del lock
            gc.collect()
            others = [Lock() for _ in range(20)] + [Value("i", 1).get_lock() for _ in range(20)]
            for other in others:
                other.acquire()
            for other in others:
                other.release()
            print("alive")
            """,
            lock.name,
        )
        self.assertEqual(out, "alive\n")
        self.assertIs(lock.acquire(timeout=60), True)
        self.assertIs(lock.owner_died, True)
        lock.release()


class AnInterpreterThatEndsWhileItsThreadsWait(Case):
    def test_ends_in_good_order(self) -> None:
        # The object in `sys.modules` goes late in the end, and makes it last until each thread has woken up.
        out = run_script(
            """
            import sys, threading, time
            from killproof import Array, Lock, Value, transaction
            lock, v, a, mine = Lock(), Value("i", 0), Array("i", 2), threading.local()
            def change_all():
                with transaction(a) as cells:
                    cells[0] = 1
            def wait_for_oneself():
                mine.lock = Lock()
                mine.lock.acquire()
                mine.lock.acquire(timeout=100)
            class Late:
                def __del__(self, sleep=time.sleep):
                    sleep(0.3)
            lock.acquire(), v.acquire(), a.acquire()
            waits = [lock.acquire, lambda: lock.acquire(timeout=100), lambda: v.add(1), change_all, wait_for_oneself,
                     lambda: v.update(lambda old: old + 1), lambda: a.add(0, 1), lambda: setattr(v, "value", 1)]
            for wait in waits * 3:
                threading.Thread(target=wait, daemon=True).start()
            sys.modules["late"] = Late()
            time.sleep(0.2)
            print(v.name)
            """
        )
        self.assertFalse(is_there(out.strip()))


class AThreadThatEndsWhileItHolds(Case):
    def test_has_died(self) -> None:
        for lock in [Lock(), RLock(), Value("i", 0).get_lock()]:
            for _ in range(3):
                thread = threading.Thread(target=lock.acquire)
                thread.start()
                thread.join()
                self.assertIs(lock.acquire(timeout=60), True)
                self.assertIs(lock.owner_died, True)
                lock.clear_owner_died()
                lock.release()

    def test_has_died_however_often_it_acquired(self) -> None:
        lock = RLock()

        def hold_twice() -> None:
            lock.acquire()
            lock.acquire()

        thread = threading.Thread(target=hold_twice)
        thread.start()
        thread.join()
        self.assertIs(lock.acquire(timeout=60), True)
        self.assertIs(lock.owner_died, True)
        lock.release()
        self.assertRaises(AssertionError, lock.release)

    def test_leaves_the_lock_to_another_process(self) -> None:
        lock = Lock(name=self.name())
        thread = threading.Thread(target=lock.acquire)
        thread.start()
        thread.join()
        out = run_script(
            """
            import sys
            from killproof import attach
            lock = attach(sys.argv[1])
            print(lock.acquire(timeout=60), lock.owner_died)
            lock.release()
            """,
            lock.name,
        )
        self.assertEqual(out, "True True\n")

    def test_has_died_also_where_many_threads_come_and_go(self) -> None:
        v = Value("i", 0)

        def add_and_sometimes_hold(number: int) -> None:
            v.add(1)
            if number % 5 == 0:
                v.acquire()

        threads = [threading.Thread(target=add_and_sometimes_hold, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with v.get_lock() as lock:
            self.assertEqual((v.value, lock.owner_died), (50, True))

    def test_and_a_process_made_by_fork_are_not_taken_for_one_another(self) -> None:
        lock = RLock()
        with lock:
            self.assertEqual(wait_for(fork(lambda: attach(lock.name))), 0)
            self.assertIs(lock.acquire(False), True)
            lock.release()
        with lock:
            self.assertIs(lock.owner_died, False)
