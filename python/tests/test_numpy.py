"""numpy sees an array's memory, and its numbers are accepted."""

from __future__ import annotations

import ctypes
import gc
from typing import Any

from killproof import Array, Value, transaction
from support import Case, for_each_start_method, fork, run_in, wait_for

try:
    import numpy as np
except ImportError:
    np = None  # type: ignore[assignment]

KINDS: list[Any] = [*"ilqILQfd", ctypes.c_bool]


def add_one_to_all(a: Array[float]) -> None:
    with a.get_lock():
        shared = np.asarray(a)
        shared += 1


class Numpy(Case):
    def setUp(self) -> None:
        super().setUp()
        if np is None:
            self.skip("numpy is not installed")

    def test_shares_the_memory_of_an_array(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                a: Any = Array(kind, [0, 1, 0])
                shared = np.asarray(a)
                self.assertEqual(shared.dtype, np.dtype(a.get_obj()._type_))
                self.assertEqual((shared.shape, shared.flags.writeable, shared.flags.c_contiguous), ((3,), True, True))
                self.assertTrue(np.shares_memory(shared, np.asarray(a)))
                self.assertTrue(np.shares_memory(shared, np.frombuffer(a, dtype=shared.dtype)))
                shared[0] = 1
                a[1] = 0
                self.assertEqual((a[:], shared.tolist()), ([1, 0, 0], [1, 0, 0]))

    def test_works_on_the_shared_numbers_in_place(self) -> None:
        a = Array("d", range(6))
        matrix = np.asarray(a).reshape(2, 3)
        with a.get_lock():
            matrix *= 2
            matrix[:, 1] = -1
        self.assertEqual(a[:], [0, -1, 4, 6, -1, 10])

    def test_keeps_the_memory_when_the_array_is_gone(self) -> None:
        shared = np.asarray(Array("q", range(1000)))
        gc.collect()
        for number in range(20):
            Array("q", [number] * 1000)
        self.assertEqual(shared.sum(), 499_500)
        shared += 1
        self.assertEqual(shared.sum(), 500_500)

    def test_copies_when_it_is_told_to(self) -> None:
        a = Array("i", [1, 2])
        copy = np.array(a)
        copy[0] = 5
        self.assertEqual(a[:], [1, 2])

    def test_sees_in_a_forked_child_what_its_parent_sees(self) -> None:
        a = Array("d", [1, 2])
        shared = np.asarray(a)

        def double() -> None:
            np.multiply(shared, 2, out=shared)

        self.assertEqual(wait_for(fork(double)), 0)
        self.assertEqual((a[:], shared.tolist()), ([2, 4], [2, 4]))

    @for_each_start_method
    def test_sees_in_other_processes_the_same_numbers(self, context: Any) -> None:
        a = Array("d", [1, 2])
        self.assertEqual(run_in(context, add_one_to_all, a), 0)
        self.assertEqual(np.asarray(a).tolist(), [2, 3])

    def test_has_numbers_that_are_taken_as_pythons_own(self) -> None:
        v, d, a = Value("i", np.int64(5)), Value("d", np.float32(1.5)), Array("q", np.arange(4))
        self.assertEqual((v.value, d.value, a[:]), (5, 1.5, [0, 1, 2, 3]))
        v.value = np.int8(-3)  # type: ignore[assignment]
        v += np.uint16(10)
        self.assertEqual(v.add(np.int64(2**32 + 1)), 8)
        self.assertEqual(d.add(np.int32(1)), 2.5)
        self.assertEqual(v.update(lambda old: np.int64(old) + 1), 9)  # type: ignore[arg-type, return-value]
        a[np.int64(1)] = np.uint64(2**63)  # type: ignore[call-overload]
        self.assertEqual(a[np.int64(1)], -(2**63))
        a[:] = np.array([9, 8, 7, 6])
        self.assertEqual(a.add(np.int64(-1), np.int64(1)), 7)
        with transaction(a) as cells:
            cells[0] = np.int64(-1)  # type: ignore[call-overload]
        self.assertEqual(a[:], [-1, 8, 7, 7])
        self.assertEqual(Array(ctypes.c_bool, np.array([True, False]))[:], [True, False])

    def test_has_floats_that_an_integer_refuses(self) -> None:
        v: Any = Value("i", 5)
        for number in [np.float32(1), np.float64(1), np.array([1.0, 2.0])]:
            with self.subTest(number=number):
                self.assertRaises(TypeError, v.add, number)
                self.assertRaises(TypeError, Value, "i", number)
        self.assertEqual(v.value, 5)
