"""Objects are pickled at any time, by name, and never taken for another one of that name."""

from __future__ import annotations

import os
import pickle
from typing import Any

from killproof import Array, Lock, RLock, Value
from processes import run_script
from support import FOLDER, Case, is_there

LOAD = """
    import pickle, sys
    try:
        thing = pickle.loads(bytes.fromhex(sys.argv[1]))
    except Exception as error:
        print(type(error).__name__)
    else:
        print(type(thing).__name__, thing.name)
        {}
"""


def load_elsewhere(pickled: bytes, then: str = "pass") -> str:
    """What another interpreter says about it, which this one has not started by multiprocessing."""
    return run_script(LOAD.format(then), pickled.hex())


class APickle(Case):
    def things(self) -> list[Any]:
        return [Value("i", 1), Array("d", [1, 2]), Lock(), RLock()]

    def test_gives_the_same_object_in_the_same_process(self) -> None:
        for thing in self.things():
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                with self.subTest(thing=thing, protocol=protocol):
                    again = pickle.loads(pickle.dumps(thing, protocol))
                    self.assertEqual((type(again), again.name), (type(thing), thing.name))

    def test_gives_one_lock_that_is_re_entered_through_both(self) -> None:
        things: list[Any] = [Value("i", 1), Array("i", 1), RLock()]
        for thing in things:
            again: Any = pickle.loads(pickle.dumps(thing))
            with thing:
                self.assertIs(again.acquire(False), True)
                again.release()
            self.assertRaises(AssertionError, again.release)
        lock = Lock()
        other: Lock = pickle.loads(pickle.dumps(lock))
        with lock:
            self.assertIs(other.acquire(False), False)
            self.assertRaises(RuntimeError, other.acquire)

    def test_gives_the_same_number(self) -> None:
        v, a = Value("i", 1), Array("i", [1, 2])
        w, b = pickle.loads(pickle.dumps((v, a)))
        w += 1
        b[0] = 7
        self.assertEqual((v.value, a[:]), (2, [7, 2]))

    def test_of_the_lock_of_a_value_gives_that_lock(self) -> None:
        for thing in [Value("i", 1), Array("i", 1)]:
            lock: RLock = pickle.loads(pickle.dumps(thing.get_lock()))
            with thing:
                self.assertIs(lock.acquire(False), True)
                lock.release()
            self.assertEqual(lock.name, thing.get_lock().name)

    def test_is_read_by_any_other_interpreter(self) -> None:
        v = Value("i", 1)
        out = load_elsewhere(pickle.dumps(v), "thing += 41; print(thing.value)")
        self.assertEqual(out, f"Value {v.name}\n42\n")
        self.assertEqual(v.value, 42)
        for thing in self.things():
            with thing:
                out = load_elsewhere(pickle.dumps(thing), "print(thing.acquire(False))")
            self.assertEqual(out, f"{type(thing).__name__} {thing.name}\nFalse\n")

    def test_of_a_name_that_is_gone_is_a_missing_file(self) -> None:
        for thing in self.things():
            pickled = pickle.dumps(thing)
            os.unlink(FOLDER / thing.name)
            self.assertEqual(load_elsewhere(pickled), "FileNotFoundError\n")
            del thing

    def test_of_a_name_that_now_stands_for_something_else_is_a_missing_file(self) -> None:
        makers: list[Any] = [lambda name: Value("i", 1, name=name), lambda name: Lock(name=name)]
        for make in makers:
            name = self.name()
            pickled = pickle.dumps(make(name))
            os.unlink(FOLDER / name)
            other = Value("i", 2, name=name)
            self.assertEqual(load_elsewhere(pickled), "FileNotFoundError\n")
            self.assertEqual(other.value, 2)
            self.assertEqual(load_elsewhere(pickle.dumps(other)), f"Value {name}\n")

    def test_of_a_name_that_stands_for_a_plain_file_is_refused(self) -> None:
        name = self.name()
        pickled = pickle.dumps(Value("i", 1, name=name))
        os.unlink(FOLDER / name)
        descriptor = os.open(FOLDER / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self.addCleanup(os.unlink, FOLDER / name)
        os.write(descriptor, b"x" * 10_000)
        os.close(descriptor)
        self.assertEqual(load_elsewhere(pickled), "RuntimeError\n")

    def test_is_read_again_where_its_object_still_lies_whatever_became_of_the_name(self) -> None:
        v = self.learn(Value("i", 5))
        pickled = pickle.dumps(v)
        os.unlink(FOLDER / v.name)
        other = Value("i", 7, name=v.name)
        again: Value[int] = pickle.loads(pickled)
        self.assertEqual((again.add(1), v.value, other.value), (6, 6, 7))

    def test_keeps_the_name_until_the_end_of_the_creator(self) -> None:
        v = self.learn(Value("i", 5))
        name, pickled = v.name, pickle.dumps(v)
        del v
        self.assertTrue(is_there(name))
        self.assertEqual(load_elsewhere(pickled, "print(thing.value)"), f"Value {name}\n5\n")
        again: Value[int] = pickle.loads(pickled)
        self.assertEqual(again.value, 5)
