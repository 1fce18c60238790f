"""The decorator `kernel`, and what `main` refuses."""

from __future__ import annotations

import functools
import pickle
from typing import Any
from unittest import mock

import killproof
from killproof import _kernel, _native, kernel
from support import Case


def squares(start: int, end: int) -> int:
    """the sum of i*i

    Over a range.
    """
    return sum(i * i for i in range(start, end))


class Callable:
    def __call__(self, start: int, end: int) -> int:
        return end - start


class TheDecorator(Case):
    def setUp(self) -> None:
        super().setUp()
        self.kernels: dict[str, _kernel.Kernel] = {}
        self.enterContext(mock.patch.object(_kernel, "_kernels", self.kernels))

    def test_returns_the_function_itself(self) -> None:
        self.assertIs(kernel(squares), squares)
        self.assertIs(kernel(name="other", cells=3)(squares), squares)
        self.assertIs(pickle.loads(pickle.dumps(squares)), squares)
        self.assertEqual(squares(0, 4), 14)

    def test_registers_what_a_worker_needs(self) -> None:
        kernel(squares)
        kernel(name="the other one", cells=None)(squares)
        kernel(cells=3)(lambda_named("histogram"))
        found = [(made.name, made.about, made.cells) for made in self.kernels.values()]
        expected = [("squares", "the sum of i*i", 1), ("the other one", "the sum of i*i", None)]
        self.assertEqual(found, [*expected, ("histogram", "a Python function", 3)])
        self.assertEqual(self.kernels["squares"].adapted()(0, 4, 99), 14)

    def test_takes_anything_that_can_be_called(self) -> None:
        kernel(name="object")(Callable())
        kernel(name="partial")(functools.partial(lambda by, start, end: (end - start) * by, 2))
        kernel(name="builtin")(max)
        adapted = {name: made.adapted() for name, made in self.kernels.items()}
        self.assertEqual([adapted[name](3, 5, 0) for name in ("object", "partial", "builtin")], [2, 4, 5])

    def test_gives_the_seed_to_who_has_a_parameter_for_it(self) -> None:
        functions: list[Any] = [
            lambda start, end, seed: [start, end, seed],
            lambda start, end, *, seed: [start, end, seed],
            lambda start, end, seed=0: [start, end, seed],
            lambda start, end, **others: [start, end, *others.values(), 7],
            lambda start, end, *others: [start, end, *others, 7],
            lambda start, end, other=7: [start, end, other],
        ]
        for number, function in enumerate(functions):
            kernel(name=f"f{number}")(function)
            self.assertEqual(self.kernels[f"f{number}"].adapted()(1, 2, 7), [1, 2, 7], number)

    def test_refuses_what_cannot_be_called_as_a_kernel(self) -> None:
        functions: list[Any] = [lambda: 0, lambda start: 0, lambda start, end, more: 0, lambda *, start, end: 0]
        functions += [lambda seed, end: 0, lambda start, end, seed, more: 0]
        for function in functions:
            with self.raises_and_says(TypeError, "'f'", "(start, end)", "(start, end, seed)"):
                kernel(name="f")(function)
        decorate: Any = kernel
        for nothing in (5, "squares", None):
            with self.raises_and_says(TypeError, "a kernel is a function, not", "@kernel(name=...)"):
                decorate()(nothing)
        with self.raises_and_says(TypeError, "not str"):
            decorate("squares")
        self.assertEqual(self.kernels, {})

    def test_refuses_names_that_cannot_be_chosen(self) -> None:
        for name in ("", "two\nlines", "nul\0", "\udcff", "-n"):
            with self.raises_and_says(ValueError, repr(name), "is not a kernel's name"):
                kernel(name=name)(squares)
        for unnamed in (lambda start, end: 0, functools.partial(squares)):
            with self.raises_and_says(TypeError, "has no name", "kernel(name=...)"):
                kernel(unnamed)
        odd: Any = b"squares"
        with self.raises_and_says(TypeError, "a str, not bytes"):
            kernel(name=odd)(squares)

    def test_refuses_a_name_that_is_taken(self) -> None:
        kernel(squares)
        with self.raises_and_says(ValueError, "'squares' already", "choose another name"):
            kernel(squares)
        self.assertIn("exec", _native.built_in_kernels)
        for name in _native.built_in_kernels:
            with self.raises_and_says(ValueError, repr(name), "built-in", "choose another name"):
                kernel(name=name)(squares)

    def test_refuses_cells_that_no_array_has(self) -> None:
        for cells in (0, -1, 2**32):
            with self.raises_and_says(ValueError, f"cells is {cells}", "1 or more, or None"):
                kernel(cells=cells)(squares)
        odd: Any = 1.5
        with self.raises_and_says(TypeError, "int or None, not float"):
            kernel(cells=odd)(squares)


def lambda_named(name: str) -> Any:
    def function(start: int, end: int) -> int:
        return 0

    function.__name__ = name
    return function


class Main(Case):
    def test_without_a_kernel_says_what_is_missing(self) -> None:
        with mock.patch.object(_kernel, "_kernels", {}), self.raises_and_says(RuntimeError, "no kernel", "@kernel"):
            killproof.main(["script.py", "--name", "x"])

    def test_takes_a_list_like_that_of_sys(self) -> None:
        odd: Any = ["script.py", 5]
        with self.raises_and_says(TypeError, "sequence of str"):
            killproof.main(odd)
