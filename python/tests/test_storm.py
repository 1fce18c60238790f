"""Workers are killed at random moments while they change what they share. What is left must fit their records."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable
from typing import Any

from killproof import Array, Lock, RLock, Value, attach, transaction
from storm import Record, Storm
from support import Case

KILLS = int(os.environ.get("KILLPROOF_KILLS", "150"))
ACCOUNTS = 10
EACH = 1000


class AStorm(Case):
    def count(
        self,
        v: Any,
        work: Callable[[Record], Any],
        read: Callable[[], float],
        is_enough: Callable[[], bool] = lambda: True,
    ) -> None:
        """Each work adds one. In the end each is there that was done, and at most those that were begun."""

        def look() -> None:
            # Meanwhile the others go on: what was done before is there, and what is there was begun before.
            done = storm.bounds()[0]
            found = read()
            self.assertLessEqual(done, found)
            self.assertLessEqual(found, storm.bounds()[1])

        with Storm(work) as storm:
            storm.rage(KILLS, look, is_enough)
            storm.end()
            done, begun = storm.bounds()
            with v:
                self.assertLessEqual(done, read())
                self.assertLessEqual(read(), begun)
            self.assertGreater(done, KILLS)

    def test_loses_and_doubles_no_addition(self) -> None:
        v = Value("i", 0)

        def work(record: Record) -> None:
            nonlocal v
            record.begin()
            v += 1
            record.done()

        self.count(v, work, lambda: v.value)

    def test_loses_and_doubles_no_addition_to_a_float_or_a_cell(self) -> None:
        d, a = Value("d", 0), Array("q", 3)

        def work(record: Record) -> None:
            record.begin()
            d.add(1)
            record.done()

        def work_on_a_cell(record: Record) -> None:
            record.begin()
            a.add(1, 1)
            record.done()

        self.count(d, work, lambda: d.value)
        self.count(a, work_on_a_cell, lambda: a[1])
        self.assertEqual((a[0], a[2]), (0, 0))

    def test_loses_and_doubles_no_update(self) -> None:
        v = Value("q", 0)

        def work(record: Record) -> None:
            record.begin()
            v.update(lambda old: old + 1)
            record.done()

        self.count(v, work, lambda: v.value)

    def test_loses_and_doubles_nothing_that_is_attached_by_name(self) -> None:
        v = Value("i", 0, name=self.name())
        name = v.name

        def work(record: Record) -> None:
            mine: Any = attach(name)
            for _ in range(20):
                record.begin()
                mine.add(1)
                record.done()
            del mine

        self.count(v, work, lambda: v.value)

    def test_keeps_the_sum_of_what_is_transferred(self) -> None:
        a = Array("q", [EACH] * ACCOUNTS)

        def transfer(record: Record) -> None:
            one, other = random.sample(range(ACCOUNTS), 2)
            amount = random.randrange(100)
            record.begin()
            with transaction(a) as cells:
                cells[one] -= amount
                cells[other] += amount
            record.done()

        def look() -> None:
            with a.get_lock():
                self.assertEqual(sum(a[:]), ACCOUNTS * EACH)

        with Storm(transfer) as storm:
            storm.rage(KILLS, look)
            storm.end()
            look()
            storm.bounds()

    def test_leaves_no_slice_half_assigned(self) -> None:
        a = Array("i", 50)

        def assign(record: Record) -> None:
            number = random.randrange(1_000_000)
            record.begin()
            a[:] = [number] * 50
            record.done()

        def look() -> None:
            with a.get_lock():
                self.assertEqual(len(set(a[:])), 1)

        with Storm(assign) as storm:
            storm.rage(KILLS, look)
            storm.end()
            look()

    def test_never_lets_two_in_at_once(self) -> None:
        for kind in [Lock, RLock]:
            lock = kind()
            with tempfile.TemporaryFile() as file:
                inside = file.fileno()
                os.pwrite(inside, b"\0" * 16, 0)

                def enter(record: Record, lock: Any = lock, inside: int = inside) -> None:
                    me = os.getpid().to_bytes(8, "little")
                    with lock:
                        record.begin()
                        os.pwrite(inside, me, 0)
                        for _ in range(random.randrange(200)):
                            pass
                        if os.pread(inside, 8, 0) != me:
                            os.pwrite(inside, me, 8)
                        record.done()

                with Storm(enter) as storm:
                    # Until one was killed inside.
                    storm.rage(KILLS, is_enough=lambda lock=lock: lock.owner_died)  # type: ignore[misc]
                    storm.end()
                self.assertEqual(os.pread(inside, 8, 8), b"\0" * 8)
                with lock:
                    self.assertIs(lock.owner_died, True)

    def test_tells_of_the_deaths_and_lets_the_rest_go_on(self) -> None:
        v = Value("i", 0)
        lock = v.get_lock()

        def work(record: Record) -> None:
            record.begin()
            with lock:
                v.value = v.value + 1
            record.done()

        # Until one was killed while it held the lock.
        self.count(v, work, lambda: v.value, lambda: lock.owner_died)
        with lock:
            self.assertIs(lock.owner_died, True)
            lock.clear_owner_died()
            self.assertIs(lock.owner_died, False)
