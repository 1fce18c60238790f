"""Children of `os.fork()` use what they inherit, whatever has become of its name."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import threading
from typing import Any

from killproof import Array, Lock, RLock, Value, transaction
from processes import run_script, until
from support import FOLDER, Case, fork, is_there, wait_for


def check(condition: object) -> None:
    """`assert` for children, which have no test case."""
    if not condition:
        raise RuntimeError("it must be so")


class AForkedChild(Case):
    def things(self) -> tuple[Any, Any, Any, Any]:
        return Value("i", 1), Array("i", [1, 2]), Lock(), RLock()

    def use(self, v: Any, a: Any, lock: Any, relock: Any) -> None:
        with lock, relock, relock:
            v += 1
            v.value += 1
            a[0] += 1
        with transaction(a) as cells:
            cells[1] += 1

    def assert_forked_well(self, body: Any) -> None:
        self.assertEqual(wait_for(fork(body)), 0)

    def test_uses_what_it_has_inherited(self) -> None:
        things = self.things()
        self.assert_forked_well(lambda: self.use(*things))
        self.use(*things)
        self.assertEqual((things[0].value, things[1][:]), (5, [3, 4]))

    def test_uses_it_after_its_name_is_gone(self) -> None:
        things = self.things()
        for thing in things:
            os.unlink(FOLDER / thing.name)
        self.assert_forked_well(lambda: self.use(*things))
        self.assert_forked_well(lambda: self.use(*things))
        self.assertEqual((things[0].value, things[1][:]), (5, [3, 4]))

    def test_uses_it_after_its_name_was_given_to_something_else(self) -> None:
        things = self.things()
        others = []
        for thing in things:
            os.unlink(FOLDER / thing.name)
            others.append(Value("i", 100, name=thing.name))
            self.learn(thing)
        self.assert_forked_well(lambda: self.use(*things))
        self.assertEqual((things[0].value, things[1][:]), (3, [2, 3]))
        self.assertEqual([other.value for other in others], [100] * 4)
        del things, thing
        self.assertEqual([is_there(other.name) for other in others], [True] * 4)

    def test_uses_it_after_its_parent_has_dropped_it(self) -> None:
        v = self.learn(Value("i", 1))
        read, write = os.pipe()

        def wait_and_add() -> None:
            os.read(read, 1)
            check(v.add(1) == 2)
            v.value = 7
            check(v.get_obj().value == 7)

        child = fork(wait_and_add)
        del v
        os.write(write, b"x")
        self.assertEqual(wait_for(child), 0)
        os.close(read)
        os.close(write)

    def test_uses_it_after_the_end_of_its_creator(self) -> None:
        out = run_script(
            """
            import os, sys
            from killproof import Array, RLock, Value
            v, a, lock = Value("i", 1), Array("i", [1, 2]), RLock()
            end, alive = os.pipe()
            if os.fork():
                print(v.name, flush=True)
                sys.exit()
            os.close(alive)
            os.read(end, 1)
            while os.path.exists("/dev/shm/" + v.name):
                pass
            with lock:
                v += 1
                a[0] = v.add(1)
            if not os.fork():
                v += 1
                os._exit(0)
            os.wait()
            print(v.value, a[:], flush=True)
            """
        )
        self.assertEqual(out.splitlines()[1:], ["4 [3, 2]"])

    def test_is_parent_of_others(self) -> None:
        things = self.things()

        def generation(left: int) -> None:
            self.use(*things)
            if left:
                check(wait_for(fork(lambda: generation(left - 1))) == 0)
                self.use(*things)

        self.assert_forked_well(lambda: generation(4))
        self.assertEqual(things[0].value, 1 + 9 * 2)

    def test_does_not_own_what_its_parent_holds(self) -> None:
        v, a, lock, relock = self.things()

        def try_them() -> None:
            for thing in [v, a, lock, relock]:
                check(thing.acquire(False) is False)
                check(thing.acquire(timeout=0.05) is False)
                try:
                    thing.release()
                except (ValueError, AssertionError):
                    continue
                raise RuntimeError("it is the parent's")
            # Single cells are read without the lock; a slice would wait for it.
            check(v.value == 1 and list(a) == [1, 2])

        with v, a, lock, relock:
            self.assert_forked_well(try_them)
            self.assertIs(v.acquire(False), True)
            v.release()
        for held in [v.get_lock(), a.get_lock(), lock, relock]:
            with held:
                self.assertIs(held.owner_died, False)

    def test_that_leaves_a_block_of_its_parent_releases_nothing(self) -> None:
        for thing in self.things():

            def leave(thing: Any = thing) -> None:
                try:
                    thing.__exit__(None, None, None)
                except (ValueError, AssertionError, RuntimeError):
                    pass

            outcome: list[bool] = []

            def try_it(thing: Any = thing, outcome: list[bool] = outcome) -> None:
                outcome.append(thing.acquire(False))

            with thing:
                self.assert_forked_well(leave)
                thread = threading.Thread(target=try_it)
                thread.start()
                thread.join()
            self.assertEqual(outcome, [False])

    def test_that_leaves_a_transaction_of_its_parent_writes_nothing(self) -> None:
        a = Array("i", [1, 2])

        def leave(block: Any, cells: list[int]) -> None:
            cells[0] = 100
            try:
                block.__exit__(None, None, None)
            except (RuntimeError, AssertionError, ValueError):
                pass

        block = transaction(a)
        with block as cells:
            self.assert_forked_well(lambda: leave(block, cells))
            self.assertEqual(a[:], [1, 2])
            cells[1] = 5
        self.assertEqual(a[:], [1, 5])

    def test_that_is_killed_while_it_holds_has_died_like_any_other(self) -> None:
        things = self.things()

        def hold() -> None:
            for thing in things:
                thing.acquire()
            os.kill(os.getpid(), signal.SIGKILL)

        self.assertEqual(wait_for(fork(hold)), -signal.SIGKILL)
        for lock in [things[0].get_lock(), things[1].get_lock(), things[2], things[3]]:
            with lock:
                self.assertIs(lock.owner_died, True)

    def test_without_a_descriptor_to_spare_is_told_so_and_reads_on(self) -> None:
        v, lock = Value("i", 5), Lock()

        def try_them() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
            acts: list[Any] = [lambda: v.add(1), v.acquire, lock.acquire]
            for act in acts:
                try:
                    act()
                except (OSError, RuntimeError):
                    continue
                raise RuntimeError("it cannot be opened again")
            check(v.value == 5)

        self.assert_forked_well(try_them)
        self.assertEqual(v.add(1), 6)
        with lock:
            self.assertIs(lock.owner_died, False)

    def test_gets_a_lock_that_another_thread_of_its_parent_releases(self) -> None:
        lock, v = RLock(), Value("i", 0)
        is_held, is_over = threading.Event(), threading.Event()

        def hold() -> None:
            with lock:
                is_held.set()
                is_over.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        is_held.wait()

        def get() -> None:
            check(lock.acquire(False) is False)
            v.value = 1
            check(lock.acquire(timeout=60))
            lock.release()

        child = fork(get)
        until(lambda: v.value == 1)
        is_over.set()
        thread.join()
        self.assertEqual(wait_for(child), 0)
        with lock:
            self.assertIs(lock.owner_died, False)

    def test_pickles_what_it_has_inherited(self) -> None:
        v = self.learn(Value("i", 1))

        def unpickle() -> None:
            again: Value[int] = pickle.loads(pickle.dumps(v))
            check(again.add(1) == 2)
            with v:
                check(again.acquire(False))
                again.release()

        self.assert_forked_well(unpickle)
        self.assertEqual(v.value, 2)

    def test_is_made_while_threads_are_at_work(self) -> None:
        v, a, lock = Value("i", 0), Array("i", 3), Lock()
        is_over = threading.Event()
        counts = [0, 0]

        def work(index: int) -> None:
            while not is_over.is_set():
                v.add(1)
                with lock:
                    a.add(0, 1)
                Value("i", 1).add(1)
                counts[index] += 1

        threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
        for thread in threads:
            thread.start()
        try:
            children = 40

            def child() -> None:
                v.add(1)
                with lock:
                    a.add(0, 1)
                check(Value("i", 7).add(1) == 8)

            for _ in range(children):
                self.assert_forked_well(child)
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        self.assertEqual((v.value, a[0]), (sum(counts) + children, sum(counts) + children))
