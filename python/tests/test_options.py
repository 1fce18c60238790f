"""The arguments of `run` and `map`: wrong ones are named before anything starts."""

from __future__ import annotations

import decimal
import fractions
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import killproof
from killproof import _call, _map, _options, _run
from killproof._options import common_options, count
from support import Case


class Number:
    """One of other packages, such as numpy's."""

    def __index__(self) -> int:
        return 3


def sized(start: int, end: int) -> int:
    return end - start


# What is no whole number, and what is not in the limits of most of them.
NO_NUMBERS: list[Any] = [None, "3", b"3", 3.0, 3j, [3], {}, int, Number, object(), decimal.Decimal(3)]
NO_FUNCTIONS: list[Any] = [None, 3, "len", []]
NO_PATHS: list[Any] = [3, ["a"], object(), True, Path]
WRONG_TIMES: list[Any] = ["1", b"1", [1], 1j, {}, float, object()]
WRONG_SECONDS: list[Any] = [0, -1, 0.0, -0.5, float("nan"), float("-inf"), decimal.Decimal("nan"), -(10**400)]


class Wrong(Case):
    """Nothing is started, and no folder is made."""

    def setUp(self) -> None:
        super().setUp()
        refuse = AssertionError("something was started")
        for module, name in ((_map, "Coordinator"), (_map, "Spool"), (_run, "Coordinator"), (_call, "Call")):
            self.enterContext(mock.patch.object(module, name, side_effect=refuse))

    def assert_named(self, kind: type[Exception], call: Callable[..., Any], name: str, value: Any) -> None:
        """The message begins with the argument and its value, and says what to give."""
        with self.subTest(argument=name, value=value):
            with self.assertRaises(kind) as caught:
                call(**{name: value})
            self.assertRegex(str(caught.exception), rf"\A{name} is ")
            self.assertIn(f"{name} is {value!r}", str(caught.exception))
            self.assertRegex(str(caught.exception), "give it|pass ")
            self.assertIsNone(caught.exception.__cause__)
            self.assertTrue(caught.exception.__suppress_context__ or caught.exception.__context__ is None)


class WrongArguments(Wrong):
    def calls(self) -> list[Callable[..., Any]]:
        def run(**options: Any) -> Any:
            return killproof.run(**{"f": sized, "n": 9, **options})

        def map_(**options: Any) -> Any:
            return killproof.map(**{"f": str, "items": [1, 2], **options})

        def imap(**options: Any) -> Any:
            # It is not begun.
            return killproof.imap_unordered(**{"f": str, "items": [1, 2], **options})

        return [run, map_, imap]

    def test_that_all_have_are_named(self) -> None:
        for call in self.calls():
            for value in NO_FUNCTIONS:
                self.assert_named(TypeError, call, "f", value)
            for value in NO_NUMBERS:
                if value is not None:
                    self.assert_named(TypeError, call, "workers", value)
                self.assert_named(TypeError, call, "retries", value)
            for value in (0, -1, False, 1_000_001, 1 << 70):
                self.assert_named(ValueError, call, "workers", int(value))
            for value in (-1, 1_000_001, 1 << 70):
                self.assert_named(ValueError, call, "retries", value)
            for value in WRONG_TIMES:
                self.assert_named(TypeError, call, "timeout", value)
            for value in WRONG_SECONDS:
                self.assert_named(ValueError, call, "timeout", value)

    def test_of_run_are_named(self) -> None:
        run = self.calls()[0]
        for value in NO_NUMBERS:
            for name in ("n", "cells", "chunk", "seed"):
                if value is not None or name != "seed":
                    self.assert_named(TypeError, run, name, value)
        limits: dict[str, list[Any]] = {
            "n": [-1, 1 << 63],
            "cells": [0, -1, (1 << 20) + 1],
            "chunk": [0, -1, 1 << 63],
            "seed": [-1, 1 << 64],
            "type": ["", "int", "I64", "i8", None, int, ["i64"], 64],
            "overflow": ["", "Wrap", "saturate", None, True, ["wrap"]],
        }
        for name, values in limits.items():
            for value in values:
                self.assert_named(ValueError, run, name, value)
        self.assert_named(TypeError, run, "chunk", "AUTO")

    def test_of_map_are_named(self) -> None:
        for call in self.calls()[1:]:
            for wrong in (None, 3, object(), list):
                self.assert_named(TypeError, call, "items", wrong)
            for value in NO_PATHS:
                self.assert_named(TypeError, call, "resume", value)
            for path in ("", b"", "a\0b"):
                with self.raises_and_says(ValueError, "resume is "):
                    call(resume=path)

    def test_are_also_named_if_there_is_nothing_to_compute(self) -> None:
        for call in self.calls()[1:]:
            with self.raises_and_says(ValueError, "workers is 0"):
                call(items=[], workers=0)
            with self.raises_and_says(TypeError, "resume is 3"):
                call(items=[], resume=3)

    def test_that_fail_by_themselves_say_how(self) -> None:
        def items() -> Any:
            yield 1
            raise TypeError("the items' own")

        class Unreadable:
            def __iter__(self) -> Any:
                raise LookupError("no items")

        for call in self.calls()[1:]:
            with self.raises_and_says(TypeError, "the items' own"):
                call(items=items())
            with self.raises_and_says(LookupError, "no items"):
                call(items=Unreadable())

    def test_of_a_function_that_takes_others_are_named(self) -> None:
        with self.raises_and_says(TypeError, "<lambda>", "start, end"):
            killproof.run(lambda item: item, 9)


class TheOptions(Case):
    def common(self, n: Any = 9, **changed: Any) -> list[str]:
        return common_options(n, **{"workers": 2, "retries": 3, "timeout": None, **changed})

    def test_have_whole_numbers_of_any_kind(self) -> None:
        for three in (3, Number()):
            self.assertEqual(self.common(three, workers=three, retries=three), ["-n=3", "--workers=3", "--restarts=3"])
        self.assertEqual(self.common(0, workers=True, retries=False), ["-n=0", "--workers=1", "--restarts=0"])
        self.assertEqual(self.common((1 << 63) - 1)[0], "-n=9223372036854775807")
        self.assertEqual(count("seed", (1 << 64) - 1, most=(1 << 64) - 1), (1 << 64) - 1)

    def test_have_a_worker_for_each_processor_but_not_more_than_there_is_to_do(self) -> None:
        with mock.patch("os.sched_getaffinity", lambda _: set(range(8))):
            for n, workers in ((0, 1), (1, 1), (7, 7), (8, 8), (9, 8), (1 << 40, 8)):
                self.assertEqual(self.common(n, workers=None)[1], f"--workers={workers}")
            self.assertEqual(self.common(3, workers=20)[1], "--workers=3")

    def test_have_the_time_in_milliseconds(self) -> None:
        for timeout, said in {
            1: "1000",
            0.25: "250",
            1e-9: "1",
            True: "1000",
            fractions.Fraction(1, 3): "334",
            decimal.Decimal("0.5"): "500",
            999_999_999: "999999999000",
        }.items():
            self.assertEqual(self.common(timeout=timeout)[3:], [f"--timeout={said}ms"])

    def test_have_no_time_if_it_is_longer_than_anybody_waits(self) -> None:
        for timeout in (None, float("inf"), 1e9, 10**400, decimal.Decimal("1e500")):
            self.assertEqual(self.common(timeout=timeout)[3:], [])

    def test_have_the_folder_as_text(self) -> None:
        for value in ("a/b", b"a/b", Path("a/b")):
            self.assertEqual(_options.folder("resume", value), "a/b")
        odd = os.fsdecode(b"a\xff")
        self.assertEqual(_options.folder("resume", b"a\xff"), odd)
        self.assertIsNone(_options.folder("resume", None))

    def test_are_those_that_the_folder_can_have(self) -> None:
        with tempfile.TemporaryDirectory(prefix="kp-test-") as folder:
            odd = os.path.join(folder, "\udcff")
            self.assertEqual(killproof.map(str, [], resume=odd), [])
            self.assertEqual(os.listdir(folder), [])
