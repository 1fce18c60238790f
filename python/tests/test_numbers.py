"""Numbers are reduced and refused as ctypes does, by every way into a cell."""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from killproof import Array, Value, transaction
from support import Case

INTEGERS: list[Any] = [
    ctypes.c_int, ctypes.c_long, ctypes.c_longlong, ctypes.c_uint, ctypes.c_ulong, ctypes.c_ulonglong
]  # fmt: skip
FLOATS: list[Any] = [ctypes.c_float, ctypes.c_double]
CODES: dict[Any, Any] = dict(zip(INTEGERS + FLOATS, "ilqILQfd", strict=True))

POWERS = [0, 100, *(2**n for n in [8, 15, 16, 24, 31, 32, 33, 52, 53, 62, 63, 64, 65]), 10**30]
WHOLE = sorted({sign * (power + offset) for power in POWERS for offset in [-2, -1, 0, 1, 2] for sign in [1, -1]})

REAL = [
    0.0, -0.0, 0.1, -0.1, 1.5, 1 / 3, 16777217.0, 2.0**53 + 2, 1e-40, 5e-324, 3.4028235e38, 3.4028236e38, 1e39, -1e308,
    math.inf, -math.inf, math.nan, math.pi,
]  # fmt: skip


class Indexed:
    def __index__(self) -> int:
        return -(2**40) - 3


class Floating:
    def __float__(self) -> float:
        return 2.5


class Refusing:
    def __index__(self) -> int:
        raise LookupError("index")

    def __float__(self) -> float:
        raise LookupError("float")

    def __bool__(self) -> bool:
        raise LookupError("bool")


ODD: list[Any] = [
    True, False, None, "1", b"1", "", [], (1,), 1.0, 0.5, 1j, Decimal("1.5"), Fraction(3, 2), Indexed(), Floating(),
    Refusing(), int, ctypes.c_int(3), 10**400, -(10**400),
]  # fmt: skip


def outcome(act: Callable[[], Any]) -> Any:
    """What an action gives, to the bit: a number or the kind of its error."""
    try:
        result = act()
    except Exception as error:
        return type(error)
    if isinstance(result, float):
        return "nan" if math.isnan(result) else struct.pack("d", result)
    return type(result), result


class ANumber(Case):
    def ways(self, kind: Any) -> dict[str, Callable[[Any], Any]]:
        """Each way in which a number gets into a cell; it gives what is there then."""
        v, a = Value(kind, 1), Array(kind, [1, 1, 1])

        def assigned(x: Any) -> Any:
            v.value = x
            return v.value

        def item(x: Any) -> Any:
            a[1] = x
            return a[1]

        def part(x: Any) -> Any:
            a[1:] = [x, 1]
            return a[1]

        def cells(x: Any) -> Any:
            with transaction(a) as list_of_cells:
                list_of_cells[1] = x
            return a[1]

        def cell(x: Any) -> Any:
            with transaction(v) as list_of_cells:
                list_of_cells[0] = x
            return v.value

        return {
            "created": lambda x: Value(kind, x).value,
            "array created": lambda x: Array(kind, [1, x])[1],
            "assigned": assigned,
            "updated": lambda x: v.update(lambda _: x),
            "item": item,
            "slice": part,
            "transaction": cells,
            "transaction of a value": cell,
        }

    def check(self, kinds: list[Any], numbers: list[Any]) -> None:
        wrong = []
        for kind in kinds:
            for way, put in self.ways(kind).items():
                for x in numbers:
                    expected, found = outcome(lambda: kind(x).value), outcome(lambda: put(x))
                    if found != expected:
                        wrong.append(f"{kind.__name__}, {way}: {x!r} gives {found}, not {expected}")
        self.assertEqual(wrong, [])

    def test_of_any_size_is_reduced_to_the_width_of_an_integer_type(self) -> None:
        self.check(INTEGERS, WHOLE)

    def test_is_rounded_to_a_float_type(self) -> None:
        self.check(FLOATS, [*WHOLE, *REAL])

    def test_has_its_truth_in_a_bool(self) -> None:
        self.check([ctypes.c_bool], [*WHOLE, *REAL])

    def test_must_be_one_by_the_rules_of_ctypes(self) -> None:
        self.check([*INTEGERS, *FLOATS, ctypes.c_bool], ODD)

    def test_is_the_same_by_typecode(self) -> None:
        for kind, code in CODES.items():
            for x in WHOLE:
                self.assertEqual(outcome(lambda: Value(code, x).value), outcome(lambda: kind(x).value), (code, x))

    def sums(self, kind: Any) -> dict[str, Callable[[Any, Any], Any]]:
        """Each way to add a number to a cell that holds another; it gives the sum."""
        v, a = Value(kind), Array(kind, 2)

        def added(start: Any, x: Any) -> Any:
            v.value = start
            return v.add(x)

        def augmented(start: Any, x: Any) -> Any:
            nonlocal v
            v.value = start
            v += x
            return v.value

        def added_at(start: Any, x: Any) -> Any:
            a[1] = start
            return a.add(1, x)

        return {"add": added, "+=": augmented, "add of an array": added_at}

    def sum(self, kind: Any, start: Any, x: Any) -> Any:
        """What the type makes of the sum of two numbers, each as the type holds it."""
        return kind(kind(start).value + kind(x).value).value

    def check_sums(self, kinds: list[Any], numbers: list[Any]) -> None:
        wrong = []
        for kind in kinds:
            for way, add in self.sums(kind).items():
                for start in [0, 1, -1, 2**31 - 1, 2**63 - 1, 0.1 if kind in FLOATS else 7]:
                    for x in numbers:
                        expected = outcome(lambda: self.sum(kind, start, x))
                        found = outcome(lambda: add(start, x))
                        if found != expected:
                            wrong.append(f"{kind.__name__}, {way}: {start!r} + {x!r} gives {found}, not {expected}")
        self.assertEqual(wrong, [])

    def test_is_added_and_the_sum_reduced(self) -> None:
        self.check_sums(INTEGERS, WHOLE)

    def test_is_added_and_the_sum_rounded(self) -> None:
        self.check_sums(FLOATS, [*WHOLE, *REAL])

    def test_that_cannot_be_stored_cannot_be_added(self) -> None:
        self.check_sums([*INTEGERS, *FLOATS], ODD)

    def test_is_not_added_to_a_bool(self) -> None:
        v, a = Value(ctypes.c_bool, False), Array(ctypes.c_bool, 2)
        with self.assertRaises(TypeError):
            v.add(1)  # type: ignore[misc]
        with self.assertRaises(TypeError):
            v += True  # type: ignore[misc]
        with self.assertRaises(TypeError):
            a.add(0, 1)  # type: ignore[misc]
        self.assertIs(v.value, False)
        self.assertEqual(a[:], [False, False])

    def test_that_is_refused_changes_nothing(self) -> None:
        v, a = Value("i", 5), Array("d", [5, 6])
        for x in ["1", None, 1.5]:
            with self.subTest(x=x), self.assertRaises(TypeError):
                v.add(x)  # type: ignore[arg-type]
        for y in ["1", None, 1j]:
            with self.subTest(y=y), self.assertRaises(TypeError):
                a[0:2] = [1, y]  # type: ignore[list-item]
        self.assertRaises(OverflowError, a.add, 0, 10**400)
        self.assertEqual((v.value, a[:]), (5, [5, 6]))

    def test_comes_out_as_the_plain_type(self) -> None:
        plain_types: list[Any] = [(ctypes.c_uint, int), (ctypes.c_float, float), (ctypes.c_bool, bool)]
        for kind, plain in plain_types:
            v, a = Value(kind, True), Array(kind, [True])
            kinds = [type(v.value), type(v.update(lambda old: old)), type(a[0]), type(a[:][0]), type(list(a)[0])]
            self.assertEqual(kinds, [plain] * 5)
