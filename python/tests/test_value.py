"""`Value`: one number with a lock of its own."""

from __future__ import annotations

import ctypes
import multiprocessing
import re
from typing import Any

import killproof
from killproof import RLock, Value
from support import Case, is_there

CODES: dict[Any, Any] = {
    "i": ctypes.c_int,
    "l": ctypes.c_long,
    "q": ctypes.c_longlong,
    "I": ctypes.c_uint,
    "L": ctypes.c_ulong,
    "Q": ctypes.c_ulonglong,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}
ALIASES: list[Any] = [
    ctypes.c_int32, ctypes.c_int64, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_size_t, ctypes.c_ssize_t
]  # fmt: skip


class AValue(Case):
    def test_begins_with_zero_or_with_what_it_is_given(self) -> None:
        self.assertEqual(Value("i").value, 0)
        self.assertEqual(Value("i", 7).value, 7)
        self.assertEqual(Value("d", value=1.5).value, 1.5)

    def test_is_of_a_typecode_or_of_its_ctypes_type(self) -> None:
        for code, kind in CODES.items():
            with self.subTest(code=code):
                self.assertIs(type(Value(code, 3).get_obj()), kind)
                self.assertIs(type(Value(kind, 3).get_obj()), kind)
        for alias in [*ALIASES, ctypes.c_bool]:
            with self.subTest(alias=alias):
                self.assertEqual(Value(alias, 1).value, 1)

    def test_of_another_type_is_a_type_error_that_lists_the_types(self) -> None:
        others: list[Any] = ["h", "c", "b", "u", "x", "", "ii", "í", 5, None, int, ctypes.c_char, ctypes.c_short]
        for other in [*others, ctypes.c_longdouble, ctypes.c_void_p, ctypes.Structure, ctypes.c_int * 2]:
            with self.subTest(other=other), self.raises_and_says(TypeError, *"ilqILQfd", "c_bool"):
                Value(other, 1)

    def test_needs_its_type_and_takes_its_options_by_keyword_only(self) -> None:
        value: Any = Value
        for arguments in [(), ("i", 1, True), ("i", 1, True, "name")]:
            self.assertRaises(TypeError, value, *arguments)
        self.assertRaises(TypeError, value, "i", 1, other=True)

    def test_takes_true_or_none_for_its_lock(self) -> None:
        self.assertEqual(Value("i", 1, lock=True).value, 1)
        self.assertEqual(Value("i", 2, lock=None).value, 2)

    def test_has_its_own_lock_and_no_other(self) -> None:
        others: list[Any] = [False, killproof.Lock(), RLock(), multiprocessing.Lock(), "navalue"]
        for other in others:
            with self.subTest(lock=other), self.raises_and_says(TypeError, "lock"):
                Value("i", 1, lock=other)

    def test_is_assigned(self) -> None:
        v = Value("i", 1)
        v.value = 5
        self.assertEqual(v.value, 5)
        v.value += 2
        self.assertEqual(v.value, 7)

    def test_add_gives_the_new_value(self) -> None:
        v = Value("i", 40)
        self.assertEqual(v.add(2), 42)
        self.assertEqual(v.add(-50), -8)
        self.assertEqual(v.value, -8)

    def test_stays_bound_to_itself_by_an_augmented_addition(self) -> None:
        v = before = Value("i", 1)
        v += 2
        self.assertIs(v, before)
        self.assertEqual(v.value, 3)

    def test_update_stores_what_the_function_makes_of_the_old_value(self) -> None:
        v = Value("i", 20)
        self.assertEqual(v.update(lambda old: old * 2 + 2), 42)
        self.assertEqual(v.value, 42)

    def test_update_changes_nothing_and_releases_the_lock_if_the_function_raises(self) -> None:
        v = Value("i", 5)
        with self.assertRaises(ZeroDivisionError):
            v.update(lambda old: old // 0)
        self.assertEqual(v.value, 5)
        with self.assertRaises(AssertionError):
            v.release()

    def test_update_changes_nothing_if_the_function_returns_something_else(self) -> None:
        v = Value("i", 5)
        functions: list[Any] = [lambda old: 1.5, lambda old: None, lambda old: "1"]
        for function in functions:
            self.assertRaises(TypeError, v.update, function)
            self.assertEqual(v.value, 5)
        with self.assertRaises(AssertionError):
            v.release()

    def test_update_may_use_the_value_itself(self) -> None:
        v = Value("i", 5)
        self.assertEqual(v.update(lambda old: v.add(10) + old), 20)
        self.assertEqual(v.value, 20)
        self.assertEqual(v.update(lambda old: v.update(lambda inner: inner + 1) + old), 41)
        with self.assertRaises(AssertionError):
            v.release()

    def test_has_one_lock_which_is_re_entrant(self) -> None:
        v = Value("i", 1)
        lock = v.get_lock()
        self.assertIsInstance(lock, RLock)
        self.assertIs(v.get_lock(), lock)
        self.assertIs(v.get_lock(strict=True), v.get_lock(strict=True))
        self.assertIsInstance(v.get_lock(strict=True), RLock)
        with lock as held, v.get_lock() as again, v.get_lock(strict=True):
            self.assertIs(held, lock)
            self.assertIs(again, lock)
            v.value = 2
            v += 3
            self.assertEqual(v.add(1), 6)
            self.assertEqual(v.update(lambda old: old + 1), 7)

    def test_is_a_lock_itself_as_in_multiprocessing(self) -> None:
        v = Value("i", 1)
        self.assertIs(v.acquire(), True)
        self.assertIs(v.acquire(False), True)
        self.assertIs(v.acquire(block=True, timeout=1), True)
        for _ in range(3):
            v.release()
        with self.assertRaises(AssertionError):
            v.release()
        with v:
            v.value += 1
            v.release()
            v.acquire()
        self.assertEqual(v.value, 2)

    def test_shares_its_memory_with_its_ctypes_object(self) -> None:
        for code, kind in CODES.items():
            with self.subTest(code=code):
                v = Value(code, 3)
                number = v.get_obj()
                self.assertIs(type(number), kind)
                self.assertEqual(number.value, 3)
                number.value = 4
                self.assertEqual(v.value, 4)
                v.add(1)
                self.assertEqual(number.value, 5)

    def test_its_ctypes_object_keeps_the_memory(self) -> None:
        number = Value("q", 2**40).get_obj()
        for _ in range(20):
            Value("q", 1)
        self.assertEqual(number.value, 2**40)
        number.value = 7
        self.assertEqual(number.value, 7)

    def test_has_a_random_name_unless_it_is_given_one(self) -> None:
        v = self.learn(Value("i", 1))
        self.assertTrue(re.fullmatch(r"killproof-[0-9a-f]{16}", v.name), v.name)
        self.assertTrue(is_there(v.name))
        self.assertNotEqual(v.name, Value("i", 1).name)
        named = Value("i", 1, name=self.name())
        self.assertTrue(is_there(named.name))

    def test_its_attributes_are_read_only_except_for_the_number(self) -> None:
        v: Any = Value("i", 1)
        for attribute in ["name", "other"]:
            with self.subTest(attribute=attribute), self.assertRaises(AttributeError):
                setattr(v, attribute, 1)
        with self.assertRaises((AttributeError, TypeError)):
            del v.value
        self.assertEqual(v.value, 1)

    def test_is_a_final_class_that_works_in_annotations(self) -> None:
        with self.assertRaises(TypeError):
            type("Mine", (Value,), {})
        self.assertIn("int", str(Value[int]))

    def test_has_a_short_picture(self) -> None:
        self.assertIn("Value", repr(Value("i", 1)))
