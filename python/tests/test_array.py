"""`Array`: numbers side by side, with one lock."""

from __future__ import annotations

import array
import ctypes
import multiprocessing
import re
from collections.abc import Iterator
from typing import Any

import killproof
from killproof import Array, RLock
from support import Case, is_there

SEQUENCE = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831]
BOUNDS = [None, 0, 1, 4, 9, 10, 11, 100, -1, -4, -10, -11, -100, 2**70, -(2**70)]
STEPS = [None, 1, 2, 3, 100, -1, -2, -100, 2**70, -(2**70)]


class AnArray(Case):
    def test_of_a_size_begins_with_zeros(self) -> None:
        for size in [1, 2, 1000]:
            self.assertEqual(list(Array("i", size)), [0] * size)
        self.assertEqual(Array("d", 2)[:], [0.0, 0.0])
        self.assertEqual(Array(ctypes.c_bool, 2)[:], [False, False])

    def test_begins_with_the_numbers_that_it_is_given(self) -> None:
        def generated() -> Iterator[int]:
            yield from SEQUENCE

        sources: list[Any] = [SEQUENCE, tuple(SEQUENCE), array.array("q", SEQUENCE), generated(), iter(SEQUENCE)]
        for source in [*sources, Array("i", SEQUENCE)]:
            with self.subTest(source=type(source)):
                self.assertEqual(list(Array("i", source)), SEQUENCE)
        self.assertEqual(Array("i", range(3))[:], [0, 1, 2])

    def test_raises_what_its_source_raises(self) -> None:
        def broken() -> Iterator[int]:
            yield 1
            raise LookupError("no more")

        with self.assertRaises(LookupError):
            Array("i", broken())
        for source in [None, 1.5, object()]:
            with self.subTest(source=source), self.assertRaises(TypeError):
                Array("i", source)  # type: ignore[call-overload]

    def test_has_at_least_one_cell_and_no_absurd_number_of_them(self) -> None:
        sources: list[Any] = [0, -1, -(2**70), [], (), iter([])]
        for source in sources:
            with self.subTest(source=source), self.assertRaises(ValueError):
                Array("i", source)
        for size in [2**40, 2**63 - 1, 2**64, 10**30]:
            with self.subTest(size=size), self.assertRaises((ValueError, OverflowError, MemoryError, OSError)):
                Array("i", size)

    def test_takes_the_same_options_as_a_value(self) -> None:
        self.assertEqual(Array("i", [1], lock=None)[0], 1)
        others: list[Any] = [False, killproof.Lock(), multiprocessing.RLock(), "notalock"]
        for other in others:
            with self.subTest(lock=other), self.raises_and_says(TypeError, "lock"):
                Array("i", 3, lock=other)
        with self.raises_and_says(TypeError, *"ilqILQfd", "c_bool"):
            Array("h", 3)  # type: ignore[call-overload]
        array: Any = Array
        for arguments in [(), ("i",), ("i", 1, True)]:
            self.assertRaises(TypeError, array, *arguments)
        a = self.learn(Array("i", 1))
        self.assertTrue(re.fullmatch(r"killproof-[0-9a-f]{16}", a.name), a.name)
        self.assertFalse(is_there(Array("i", 1, name=self.name()).name))

    def test_has_a_length_and_indices_also_from_its_end(self) -> None:
        a = Array("i", SEQUENCE)
        self.assertEqual(len(a), 10)
        self.assertTrue(a)
        expected = list(SEQUENCE)
        for index in range(-10, 10):
            self.assertEqual(a[index], expected[index])
            a[index] = expected[index] = 100 * index
        self.assertEqual(a[:], expected)

    def test_refuses_an_index_outside_and_what_is_none(self) -> None:
        a: Any = Array("i", 3)
        for index in [3, -4, 100, 2**31, 2**63, -(2**63), 10**30, -(10**30)]:
            with self.subTest(index=index):
                self.assertRaises(IndexError, lambda: a[index])
                self.assertRaises(IndexError, a.__setitem__, index, 1)
                self.assertRaises(IndexError, a.add, index, 1)
        others: list[Any] = [None, 1.0, "0", (0,)]
        for other in others:
            with self.subTest(index=other):
                self.assertRaises(TypeError, lambda: a[other])
                self.assertRaises(TypeError, a.__setitem__, other, 1)
                self.assertRaises(TypeError, a.add, other, 1)
        self.assertEqual(a[:], [0, 0, 0])

    def test_gives_the_slices_that_a_list_gives(self) -> None:
        a = Array("i", SEQUENCE)
        for start in BOUNDS:
            for stop in BOUNDS:
                for step in STEPS:
                    part = slice(start, stop, step)
                    self.assertEqual(a[part], SEQUENCE[part], part)
        self.assertIs(type(a[:]), list)
        self.assertRaises(ValueError, lambda: a[::0])

    def test_takes_slices_of_the_same_length(self) -> None:
        for start in BOUNDS:
            for step in STEPS:
                part = slice(start, None, step)
                a, expected = Array("i", SEQUENCE), list(SEQUENCE)
                numbers = list(range(len(expected[part])))
                a[part] = expected[part] = numbers
                self.assertEqual(a[:], expected, part)

    def test_takes_slices_from_any_iterable(self) -> None:
        a = Array("i", [1, 2, 3])
        for source in [[4, 5], (4, 5), range(4, 6), array.array("i", [4, 5]), iter([4, 5]), Array("q", [4, 5])]:
            a[1:] = [0, 0]
            a[1:] = source
            self.assertEqual(a[:], [1, 4, 5], source)
        a[::-1] = a[:]
        self.assertEqual(a[:], [5, 4, 1])
        a[:] = a
        self.assertEqual(a[:], [5, 4, 1])

    def test_is_not_changed_by_a_slice_that_does_not_fit(self) -> None:
        a: Any = Array("i", [1, 2, 3])

        def broken() -> Iterator[int]:
            yield 7
            raise LookupError("no more")

        for part, numbers, error in [
            (slice(None), [7, 7], ValueError),
            (slice(None), [7, 7, 7, 7], ValueError),
            (slice(1, 1), [7], ValueError),
            (slice(None, None, 2), [7], ValueError),
            (slice(None), [7, 7, "7"], TypeError),
            (slice(None), [7, 7, 7.5], TypeError),
            (slice(None), 7, TypeError),
            (slice(None), None, TypeError),
            (slice(0, 2), broken(), LookupError),
            (slice(None, None, 0), [7, 7, 7], ValueError),
        ]:
            with self.subTest(part=part, numbers=numbers):
                self.assertRaises(error, a.__setitem__, part, numbers)
                self.assertEqual(a[:], [1, 2, 3])
        with self.assertRaises(TypeError):
            del a[0]
        with self.assertRaises(AssertionError):
            a.release()

    def test_is_iterated_like_a_sequence(self) -> None:
        a = Array("d", [1.5, 2.5, 1.5])
        self.assertEqual(list(a), [1.5, 2.5, 1.5])
        self.assertEqual(list(iter(a)), [1.5, 2.5, 1.5])
        self.assertEqual(list(reversed(a)), [1.5, 2.5, 1.5])
        self.assertIn(2.5, a)
        self.assertNotIn(3.5, a)
        one, two, three = a
        self.assertEqual((one, two, three, sum(a)), (1.5, 2.5, 1.5, 5.5))

    def test_shows_an_iteration_what_is_there_when_it_comes_to_it(self) -> None:
        a = Array("i", [0, 1])
        numbers = iter(a)
        self.assertEqual(next(numbers), 0)
        a[1] = 100
        self.assertEqual(list(numbers), [100])

    def test_add_gives_the_new_number_of_that_cell(self) -> None:
        a = Array("i", [1, 2, 3])
        self.assertEqual(a.add(0, 10), 11)
        self.assertEqual(a.add(-1, -3), 0)
        self.assertEqual(a[:], [11, 2, 0])
        a[1] += 5
        self.assertEqual(a[1], 7)

    def test_has_one_lock_which_is_re_entrant(self) -> None:
        a = Array("i", 3)
        lock = a.get_lock()
        self.assertIsInstance(lock, RLock)
        self.assertIs(a.get_lock(), lock)
        with lock as held, a.get_lock(strict=True), a:
            self.assertIs(held, lock)
            a[0] = 1
            a[1:] = [2, 3]
            self.assertEqual(a.add(0, 4), 5)
        self.assertIs(a.acquire(), True)
        self.assertIs(a.acquire(False), True)
        self.assertIs(a.acquire(timeout=1), True)
        for _ in range(3):
            a.release()
        with self.assertRaises(AssertionError):
            a.release()

    def test_shares_its_memory_with_its_ctypes_object(self) -> None:
        a = Array("i", [1, 2, 3])
        numbers = a.get_obj()
        self.assertIsInstance(numbers, ctypes.Array)
        self.assertEqual((len(numbers), numbers._type_), (3, ctypes.c_int))
        numbers[1] = 7
        self.assertEqual(a[:], [1, 7, 3])
        a[2] = 8
        self.assertEqual(list(numbers), [1, 7, 8])
        del a
        numbers[0] = 9
        self.assertEqual(list(numbers), [9, 7, 8])

    def test_is_a_final_class_with_read_only_attributes(self) -> None:
        with self.assertRaises(TypeError):
            type("Mine", (Array,), {})
        self.assertIn("float", str(Array[float]))
        a: Any = Array("i", 1)
        for attribute in ["name", "other"]:
            with self.subTest(attribute=attribute), self.assertRaises(AttributeError):
                setattr(a, attribute, 1)
        self.assertIn("Array", repr(a))
