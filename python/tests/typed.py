"""What a type checker is to make of the package. It is checked, and never run."""

import ctypes
import pickle
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NoReturn, assert_type

import numpy as np

import killproof
from killproof import Array, Incomplete, Lock, OwnerDied, Result, RLock, Value, attach, kernel, main, transaction

assert_type(killproof.__version__, str)

v = Value("i", 0)
assert_type(v, Value[int])
v += 1
v.value += 1
assert_type(v, Value[int])
assert_type(v.value, int)
assert_type(v.add(1), int)
assert_type(v.update(lambda old: old + 1), int)
assert_type(v.get_lock(), RLock)
assert_type(v.get_obj().value, int)
assert_type(v.name, str)
v += np.int64(1)
assert_type(Value(ctypes.c_int64, 5, lock=None, name="n"), Value[int])
v.value = 1.5  # type: ignore[assignment]
v.add(1.5)  # type: ignore[arg-type]
v.name = "other"  # type: ignore[misc]
Value("h")  # type: ignore[call-overload]
Value("i", 1.5)  # type: ignore[call-overload]
Value("i", 1, lock=False)  # type: ignore[call-overload]

d = Value(ctypes.c_double)
assert_type(d, Value[float])
d += 1
d.value = 1
assert_type(d.add(0.5), float)
d.add("1")  # type: ignore[arg-type]

b = Value(ctypes.c_bool, "yes")
assert_type(b, Value[bool])
assert_type(b.value, bool)
b.add(1)  # type: ignore[misc]

a = Array("d", [1, 2.5])
assert_type(a, Array[float])
assert_type(a[0], float)
assert_type(a[:], list[float])
assert_type(a.add(0, 1), float)
assert_type(len(a), int)
a[0] = 1
a[:] = range(2)
a[0] = "1"  # type: ignore[call-overload]
for cell in a:
    assert_type(cell, float)
view = memoryview(a)
shared = np.asarray(a)
assert_type(Array("q", 10), Array[int])
assert_type(Array(ctypes.c_bool, [1, "yes", None]), Array[bool])
Array("i", [1.5])  # type: ignore[call-overload]

with transaction(a) as cells:
    assert_type(cells, list[float])
with transaction(v) as numbers:
    assert_type(numbers, list[int])
transaction(Lock())  # type: ignore[arg-type]

lock, relock = Lock(), RLock(name="n")
with lock as held, relock as held_again, v, v.get_lock(strict=True) as strict:
    assert_type(held, Lock)
    assert_type(held_again, RLock)
    assert_type(strict, RLock)
    assert_type(lock.owner_died, bool)
    lock.clear_owner_died()
assert_type(lock.acquire(True, 1.5), bool)
assert_type(lock.acquire(block=False), bool)
lock.owner_died = True  # type: ignore[misc]
Lock("n")  # type: ignore[call-arg]

found = attach("n")
if isinstance(found, Value):
    found += 1
    assert_type(found.value, Any)
elif isinstance(found, Array):
    assert_type(found[0], Any)
else:
    assert_type(found, Lock | RLock)

error: RuntimeError = OwnerDied("…")


class Mine(Lock):  # type: ignore[misc]
    pass


def blocks() -> list[AbstractContextManager[object]]:
    return [Lock(), RLock(), Value("i"), Array("i", 1), transaction(Value("i"))]


def handed_on(v: Value[int], a: Array[float], lock: Lock) -> bytes:
    return pickle.dumps((v, a, lock))


@kernel
def squares(start: int, end: int) -> int:
    return sum(i * i for i in range(start, end))


@kernel(name="random histogram", cells=10)
def histogram(start: int, end: int, *, seed: int) -> list[int]:
    return [seed] * 10


assert_type(squares(0, 4), int)
assert_type(histogram(0, 4, seed=1), list[int])
squares("0", 4)  # type: ignore[arg-type]
histogram(0, 4)  # type: ignore[call-arg]
kernel("squares")  # type: ignore[call-overload]
kernel(name="any", cells=None)(squares)
kernel(cells="3")  # type: ignore[call-overload]


def ends() -> NoReturn:
    main(["script.py", "--name", "n"])


def double(number: int) -> int:
    return 2 * number


def calls() -> None:
    assert_type(killproof.map(double, range(3)), list[int])
    assert_type(killproof.map(str, [1, 2], resume=Path("spool"), timeout=1.5), list[str])
    for index, result in killproof.imap_unordered(double, {1, 2}, workers=2):
        assert_type((index, result), tuple[int, int])
    killproof.map(double, ["1"])  # type: ignore[arg-type]
    try:
        assert_type(killproof.run(squares, 10, chunk="auto"), Result)
    except Incomplete as incomplete:
        assert_type(incomplete.result, Result | None)
        assert_type(incomplete.spool, str | None)
