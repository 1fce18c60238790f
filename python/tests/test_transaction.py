"""`transaction`: all of its changes or none."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

from killproof import Array, Lock, Value, transaction
from support import Case


class ATransaction(Case):
    def test_gives_a_list_and_writes_it_in_the_end(self) -> None:
        a = Array("i", [1, 2, 3])
        with transaction(a) as cells:
            self.assertEqual(cells, [1, 2, 3])
            self.assertIs(type(cells), list)
            cells[0], cells[2] = cells[2], cells[0]
            self.assertEqual(a[:], [1, 2, 3])
        self.assertEqual(a[:], [3, 2, 1])

    def test_of_a_value_gives_a_list_of_one(self) -> None:
        v = Value("d", 1.5)
        with transaction(v) as cells:
            self.assertEqual(cells, [1.5])
            cells[0] *= 2
        self.assertEqual(v.value, 3.0)

    def test_takes_any_change_of_the_list_that_keeps_its_length(self) -> None:
        a = Array("i", [3, 1, 2])
        with transaction(a) as cells:
            cells.sort()
        self.assertEqual(a[:], [1, 2, 3])
        with transaction(a) as cells:
            cells[:] = [x * 2 for x in cells]
        self.assertEqual(a[:], [2, 4, 6])
        with transaction(a) as cells:
            cells.append(cells.pop(0))
        self.assertEqual(a[:], [4, 6, 2])

    def test_writes_only_the_cells_that_it_changed(self) -> None:
        a = Array("i", [1, 2, 3])
        numbers = a.get_obj()
        with transaction(a) as cells:
            cells[0] = 10
            numbers[1] = 20
        self.assertEqual(a[:], [10, 20, 3])

    def test_writes_nothing_if_the_block_raises(self) -> None:
        a, v = Array("i", [1, 2, 3]), Value("i", 5)
        for target in [a, v]:
            with self.assertRaisesRegex(LookupError, "mine"):
                with transaction(target) as cells:
                    cells[0] = 10
                    raise LookupError("mine")
            with self.assertRaises(KeyboardInterrupt):
                with transaction(target) as cells:
                    cells.clear()
                    raise KeyboardInterrupt
            with self.assertRaises(AssertionError):
                target.release()
        self.assertEqual((a[:], v.value), ([1, 2, 3], 5))

    def test_writes_what_was_changed_when_the_block_is_left_early(self) -> None:
        a = Array("i", [1, 2])

        def change() -> str:
            with transaction(a) as cells:
                cells[0] = 10
                return "left"

        self.assertEqual(change(), "left")
        self.assertEqual(a[:], [10, 2])

    def test_writes_nothing_if_the_list_has_another_length(self) -> None:
        a, v = Array("i", [1, 2, 3]), Value("i", 5)
        changes: list[Any] = [lambda cells: cells.append(1), lambda cells: cells.pop(), lambda cells: cells.clear()]
        for target in [a, v]:
            for change in changes:
                with self.assertRaises(ValueError):
                    with transaction(target) as cells:
                        cells[0] = 10
                        change(cells)
                with self.assertRaises(AssertionError):
                    target.release()
        self.assertEqual((a[:], v.value), ([1, 2, 3], 5))

    def test_writes_nothing_if_an_element_is_of_another_type(self) -> None:
        a, v = Array("i", [1, 2, 3]), Value("i", 5)
        for target in [a, v]:
            for element in ["1", None, 1.5]:
                with self.assertRaises(TypeError):
                    with transaction(target) as cells:
                        cells[0] = 10
                        cells[-1] = element  # type: ignore[call-overload]
                with self.assertRaises(AssertionError):
                    target.release()
        self.assertEqual((a[:], v.value), ([1, 2, 3], 5))

    def test_reduces_integers_and_takes_truths(self) -> None:
        a, flags = Array("I", [1, 2]), Array(ctypes.c_bool, 2)
        with transaction(a) as cells:
            cells[0], cells[1] = -1, 2**40 + 7
        self.assertEqual(a[:], [2**32 - 1, 7])
        with transaction(flags) as truths:
            truths[1] = "yes"  # type: ignore[call-overload]
        self.assertEqual(flags[:], [False, True])

    def test_holds_the_lock(self) -> None:
        a = Array("i", [1, 2])
        found: list[bool] = []

        def try_it() -> None:
            found.append(a.acquire(False))

        with transaction(a) as cells:
            thread = threading.Thread(target=try_it)
            thread.start()
            thread.join()
            self.assertIs(a.acquire(False), True)
            a.release()
            cells[0] = 5
        self.assertEqual(found, [False])
        self.assertEqual(a[:], [5, 2])
        with self.assertRaises(AssertionError):
            a.release()

    def test_may_be_inside_the_lock_and_use_the_array(self) -> None:
        a = Array("i", [1, 2, 3])
        with a.get_lock(), transaction(a) as cells:
            cells[0] = a[1] + a.add(2, 10)
        self.assertEqual(a[:], [15, 2, 13])

    def test_inside_another_one_leaves_it_its_changes(self) -> None:
        a = Array("i", [1, 2, 3])
        with transaction(a) as outer:
            outer[0] = 10
            with transaction(a) as inner:
                self.assertEqual(inner, [1, 2, 3])
                inner[1] = 20
            self.assertEqual(a[:], [1, 20, 3])
            outer[2] = 30
        self.assertEqual(a[:], [10, 20, 30])

    def test_that_fails_inside_another_one_takes_nothing_from_it(self) -> None:
        a = Array("i", [1, 2, 3])
        with transaction(a) as outer:
            outer[0] = 10
            with self.assertRaises(LookupError):
                with transaction(a) as inner:
                    inner[1] = 20
                    raise LookupError
        self.assertEqual(a[:], [10, 2, 3])

    def test_of_two_arrays_at_once_holds_both_locks(self) -> None:
        a, b = Array("i", [1, 2]), Array("i", [3, 4])
        with transaction(a) as here, transaction(b) as there:
            here[:], there[:] = there[:], here[:]
        self.assertEqual((a[:], b[:]), ([3, 4], [1, 2]))

    def test_is_entered_once_at_a_time(self) -> None:
        a = Array("i", [1, 2])
        block = transaction(a)
        with block as cells:
            cells[0] = 5
            self.assertRaises(RuntimeError, block.__enter__)
        self.assertEqual(a[:], [5, 2])
        self.assertRaises(RuntimeError, block.__exit__, None, None, None)
        with block as cells:
            cells[1] = 6
        self.assertEqual(a[:], [5, 6])
        with self.assertRaises(AssertionError):
            a.release()

    def test_ends_in_the_thread_in_which_it_began(self) -> None:
        a = Array("i", [1, 2])
        block = transaction(a)
        block.__enter__()[0] = 5
        errors: list[BaseException] = []

        def leave() -> None:
            try:
                block.__exit__(None, None, None)
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=leave)
        thread.start()
        thread.join()
        self.assertEqual([type(error) for error in errors], [RuntimeError])
        self.assertEqual(a[:], [1, 2])
        block.__exit__(None, None, None)
        self.assertEqual(a[:], [5, 2])
        with self.assertRaises(AssertionError):
            a.release()

    def test_is_of_a_value_or_an_array(self) -> None:
        others: list[Any] = [Lock(), Value("i", 1).get_lock(), [1, 2], None, 5]
        for other in others:
            with self.subTest(other=other), self.assertRaises(TypeError):
                with transaction(other):
                    self.fail("there is nothing to change")
