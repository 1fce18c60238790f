"""An array's memory as a buffer."""

from __future__ import annotations

import ctypes
import gc
import io
import os
import struct
from typing import Any

from killproof import Array, Value
from support import Case, fork, is_there, run_in, wait_for, for_each_start_method

FORMATS = {"i": "i", "l": "l", "q": "l", "I": "I", "L": "L", "Q": "L", "f": "f", "d": "d", ctypes.c_bool: "?"}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def write_through_a_buffer(a: Array[int]) -> None:
    with a.get_lock(), memoryview(a) as view:
        view[1] = 20


class ABuffer(Case):
    def test_has_the_native_format_of_the_type(self) -> None:
        for kind, form in FORMATS.items():
            with self.subTest(kind=kind):
                numbers: list[Any] = [True, False, True]
                view = memoryview(Array(kind, numbers))  # type: ignore[call-overload]
                self.assertEqual(view.format, form)
                self.assertEqual(view.itemsize, struct.calcsize(form))
                self.assertEqual((view.ndim, view.shape, view.strides), (1, (3,), (view.itemsize,)))
                self.assertEqual((view.nbytes, len(view)), (3 * view.itemsize, 3))
                self.assertTrue(view.c_contiguous and view.f_contiguous and view.contiguous)
                self.assertIs(view.readonly, False)
                self.assertIsNone(view.suboffsets or None)
                self.assertEqual(view.tolist(), numbers)

    def test_shares_the_memory_in_both_directions(self) -> None:
        for kind in FORMATS:
            with self.subTest(kind=kind):
                a: Any = Array(kind, [0, 0, 0])  # type: ignore[call-overload]
                view = memoryview(a)
                view[0] = 1
                a[2] = 1
                self.assertEqual((a[:], view.tolist()), ([1, 0, 1], [1, 0, 1]))

    def test_holds_the_bytes_of_c(self) -> None:
        for kind, form in FORMATS.items():
            numbers: list[Any] = [1, 0, 1]
            a = Array(kind, numbers)  # type: ignore[call-overload]
            self.assertEqual(bytes(a), struct.pack(f"3{form}", *numbers))

    def test_serves_whoever_reads_or_writes_buffers(self) -> None:
        a = Array("i", 3)
        self.assertEqual(io.BytesIO(struct.pack("3i", 1, 2, 3)).readinto(a), 12)
        self.assertEqual(a[:], [1, 2, 3])
        self.assertEqual(memoryview(a).cast("B").tolist(), list(struct.pack("3i", 1, 2, 3)))
        struct.pack_into("i", a, 4, 50)
        self.assertEqual(a[:], [1, 50, 3])
        out = io.BytesIO()
        out.write(a)
        self.assertEqual(out.getvalue(), bytes(a))
        self.assertEqual(memoryview(a)[1:].tolist(), [50, 3])
        self.assertEqual((ctypes.c_int * 3).from_buffer(a)[1], 50)

    def test_keeps_the_memory_when_the_array_is_gone(self) -> None:
        a = self.learn(Array("q", range(1000)))
        view = memoryview(a)
        del a
        gc.collect()
        for number in range(20):
            Array("q", [number] * 1000)
        self.assertEqual(view.tolist(), list(range(1000)))
        view[0] = 7
        self.assertEqual(view[0], 7)

    def test_gives_everything_back_in_the_end(self) -> None:
        before = descriptors()
        a = Array("q", 1000)
        name, view, numbers = a.name, memoryview(a), a.get_obj()
        part = view[1:10]
        del a
        view.release()
        del numbers
        self.assertEqual(part.tolist(), [0] * 9)
        del part, view
        gc.collect()
        self.assertEqual(descriptors(), before)
        self.assertFalse(is_there(name))

    def test_stays_valid_in_a_forked_child(self) -> None:
        a = Array("i", [1, 2, 3])
        view = memoryview(a)

        def write() -> None:
            view[0] = view[0] + 9
            a[1] = 20

        self.assertEqual(wait_for(fork(write)), 0)
        self.assertEqual((a[:], view.tolist()), ([10, 20, 3], [10, 20, 3]))
        name = self.learn(a).name
        del a
        self.assertEqual(wait_for(fork(lambda: view.__setitem__(2, 30))), 0)
        self.assertEqual(view.tolist(), [10, 20, 30])
        self.assertTrue(is_there(name))

    @for_each_start_method
    def test_shows_what_other_processes_write(self, context: Any) -> None:
        a = Array("i", [1, 2, 3])
        view = memoryview(a)
        self.assertEqual(run_in(context, write_through_a_buffer, a), 0)
        self.assertEqual(view.tolist(), [1, 20, 3])

    def test_is_there_for_long_arrays(self) -> None:
        a = Array("d", 1_000_000)
        view: Any = memoryview(a)
        view[999_999] = 1.5
        self.assertEqual((a[-1], len(view), sum(view)), (1.5, 1_000_000, 1.5))

    def test_over_the_ctypes_object_of_a_value_is_one_number(self) -> None:
        v = Value("i", 1)
        view = memoryview(v.get_obj())
        self.assertEqual((view.nbytes, view.shape), (4, ()))
        del v
        self.assertEqual(bytes(view), struct.pack("i", 1))
