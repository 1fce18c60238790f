"""Threads of one process."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from killproof import Array, Lock, RLock, Value, transaction
from support import Case


def together(*bodies: Callable[[], Any]) -> None:
    """Runs each in a thread of its own, and raises what one of them has raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(bodies))

    def run(body: Callable[[], Any]) -> None:
        try:
            start.wait()
            body()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def change_all(a: Array[int]) -> None:
    with transaction(a) as cells:
        cells[:] = [1] * len(cells)


class AThread(Case):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(1e-5)

    def test_that_waits_lets_the_others_run(self) -> None:
        # Were the interpreter's lock held during a wait, nobody could release the lock that is waited for.
        waits: list[tuple[Any, Callable[[Any], Any]]] = [
            (Lock(), lambda lock: lock.acquire() and lock.release()),
            (RLock(), lambda lock: lock.acquire(timeout=120) and lock.release()),
            (Value("i", 0), lambda v: v.add(1)),
            (Value("i", 0), lambda v: v.update(lambda old: old + 1)),
            (Value("i", 0), lambda v: setattr(v, "value", 1)),
            (Array("i", 2), lambda a: a.add(0, 1)),
            (Array("i", 2), lambda a: a.__setitem__(0, 1)),
            (Array("i", 2), lambda a: a.__setitem__(slice(None), [1, 1])),
            (Array("i", 2), change_all),
        ]
        for thing, wait in waits:
            begun = threading.Event()

            def run(thing: Any = thing, wait: Callable[[Any], Any] = wait, begun: threading.Event = begun) -> None:
                begun.set()
                wait(thing)

            thread = threading.Thread(target=run)
            with thing:
                thread.start()
                begun.wait()
                time.sleep(0.02)
                counted = sum(1 for _ in range(10_000))
                self.assertTrue(thread.is_alive())
            thread.join()
            self.assertEqual(counted, 10_000)

    def test_excludes_the_others_while_it_holds_a_lock(self) -> None:
        for lock in [Lock(), RLock(), Value("i", 0).get_lock(), Value("i", 0), Array("i", 1)]:
            count = 0

            def increment(lock: Any = lock) -> None:
                nonlocal count
                for _ in range(5_000):
                    with lock:
                        before = count
                        if before % 100 == 0:
                            time.sleep(0)
                        count = before + 1

            together(increment, increment)
            self.assertEqual(count, 10_000)

    def test_loses_no_addition_of_another_one(self) -> None:
        v, a, d = Value("i", 0), Array("q", 3), Value("d", 0)

        def add() -> None:
            nonlocal v
            for _ in range(5_000):
                v += 1
                v.add(1)
                a.add(1, 2)
                d.add(0.5)

        together(add, add, add, add)
        self.assertEqual((v.value, a[:], d.value), (40_000, [0, 40_000, 0], 10_000.0))

    def test_loses_no_update_of_another_one(self) -> None:
        v, a = Value("i", 0), Array("q", [50, 50])

        def next_number(old: int) -> int:
            time.sleep(0)
            return old + 1

        def update() -> None:
            for _ in range(1_000):
                v.update(next_number)
                with transaction(a) as cells:
                    cells[0] -= 1
                    time.sleep(0)
                    cells[1] += 1
                with v.get_lock():
                    v.value += 1

        together(update, update, update)
        self.assertEqual((v.value, a[:]), (6_000, [-2_950, 3_050]))

    def test_owns_its_own_count_of_a_re_entrant_lock(self) -> None:
        lock = RLock()

        def enter() -> None:
            for _ in range(1_000):
                with lock, lock, lock:
                    pass
                try:
                    lock.release()
                except AssertionError:
                    continue
                raise RuntimeError("it was released once too often")

        together(enter, enter, enter)

    def test_does_not_release_what_another_one_holds(self) -> None:
        errors: dict[Any, type[Exception]] = {Lock: ValueError, RLock: AssertionError}
        for kind, error in errors.items():
            lock = kind()
            with lock:
                self.assertRaises(error, together, lock.release)
            self.assertRaises(error, lock.release)

    def test_may_drop_what_another_one_uses(self) -> None:
        for _ in range(200):
            v = Value("i", 0)
            box = [v]
            del v

            def use(box: list[Value[int]] = box) -> None:
                box[0].add(1)

            def drop(box: list[Value[int]] = box) -> None:
                box[0] = Value("i", 0)

            together(use, drop)

    def test_makes_and_drops_objects_beside_others(self) -> None:
        def make() -> None:
            for number in range(200):
                a = Array("i", [number] * 3)
                a.add(0, 1)
                self.assertEqual(a[:], [number + 1, number, number])

        together(make, make, make, make)
