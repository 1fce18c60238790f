"""CPython's own tests of multiprocessing's Value, Array and Lock, with killproof's in their place."""

from __future__ import annotations

import multiprocessing
import sys
import unittest
from typing import Any

import killproof
from support import Case, start_methods

try:
    from test import _test_multiprocessing as cpython  # type: ignore[import-not-found]
except ImportError:
    cpython = None

_RAW = "it is about RawValue and RawArray, which have no lock and so nothing to make crash-safe"
_LOCKS = "it hands in a lock, or takes the lock away: here a value has its own; what is left of it is tested below"
_LOCKED = "it is about `locked()` and the picture of a lock, which names the owner's process"

# What does not apply, and why. Not each version of Python has each of them.
NOT_APPLICABLE = {
    ("_TestValue", "test_rawvalue"): _RAW,
    ("_TestArray", "test_rawarray"): _RAW,
    ("_TestValue", "test_getobj_getlock"): _LOCKS,
    ("_TestArray", "test_getobj_getlock_obj"): _LOCKS,
    ("_TestLock", "test_lock_locked_2processes"): _LOCKED,
    ("_TestLock", "test_rlock_locked_2processes"): _LOCKED,
    ("_TestLock", "test_repr_lock"): _LOCKED,
    ("_TestLock", "test_repr_rlock"): _LOCKED,
}
# Of the typecodes that `_TestValue` goes through, `h` and `c` do not exist here.
TYPECODES = "idq"


class _Killproof:
    """What CPython's cases take from their mixin."""

    TYPE = "processes"
    Value = staticmethod(killproof.Value)
    Array = staticmethod(killproof.Array)
    Lock = staticmethod(killproof.Lock)
    RLock = staticmethod(killproof.RLock)


def _adapted(base: type, method: str) -> type[Case]:
    """A class of CPython's cases, for one start method."""
    context: Any = multiprocessing.get_context(method)
    name = f"{base.__name__.removeprefix('_')}By{method.capitalize()}"
    members: dict[str, Any] = {"Process": staticmethod(context.Process), "__module__": __name__, "__qualname__": name}
    for test in unittest.TestLoader().getTestCaseNames(type(name, (base, unittest.TestCase), {})):
        reason = NOT_APPLICABLE.get((base.__name__, test))
        if reason is not None:
            members[test] = unittest.skip(f"not applicable: {reason}")(getattr(base, test))
    codes = getattr(base, "codes_values", None)
    if codes is not None:
        members["codes_values"] = [case for case in codes if case[0] in TYPECODES]
    return type(name, (_Killproof, base, Case), members)


if cpython is not None:
    for _base in [cpython._TestValue, cpython._TestArray, cpython._TestLock]:
        for _method in start_methods():
            _case = _adapted(_base, _method)
            globals()[_case.__name__] = _case
            del _case
        del _base


class CPythonsCases(Case):
    def test_are_there(self) -> None:
        if cpython is None:
            self.skip("this Python comes without its `test` package")
        mine = [name for name in globals() if name.startswith("Test") and "By" in name]
        self.assertEqual(len(mine), 3 * len(start_methods()))
        print(f"CPython {sys.version.split()[0]}: its cases of Value, Array and Lock", file=sys.__stderr__)

    def test_of_locks_that_are_handed_in_hold_as_far_as_they_apply(self) -> None:
        makers: list[Any] = [
            lambda **options: killproof.Value("i", 5, **options),
            lambda **options: killproof.Array("i", list(range(10)), **options),
        ]
        for make in makers:
            for thing in [make(), make(lock=None), make(lock=True)]:
                self.assertIs(thing.get_lock(), thing.get_lock())
                self.assertIs(type(thing.get_obj()), type(make().get_obj()))
            for lock in [killproof.Lock(), multiprocessing.Lock(), False, "navalue"]:
                self.assertRaises(TypeError, make, lock=lock)
