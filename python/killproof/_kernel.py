"""Kernels in Python: a script whose functions a coordinator's workers compute."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from operator import index
from typing import NamedTuple, NoReturn, TypeVar, overload

from . import _native
from ._explain import explain

_F = TypeVar("_F", bound=Callable[..., object])

# More than a run has.
_MOST_CELLS = 2**32 - 1


class Kernel(NamedTuple):
    """A function with what a worker must know of it."""

    name: str
    about: str
    cells: int | None
    function: Callable[..., object]

    def adapted(self) -> Callable[[int, int, int], object]:
        """The function as a worker calls it: with the start, the end and the seed of the run."""
        return with_seed(self.function, takes_seed=takes_seed(self.name, self.function))


def with_seed(function: Callable[..., object], *, takes_seed: bool) -> Callable[[int, int, int], object]:
    """A function that also gets the seed, for one that may not take it."""
    if takes_seed:
        return lambda start, end, seed: function(start, end, seed=seed)
    return lambda start, end, _seed: function(start, end)


_kernels: dict[str, Kernel] = {}


@overload
def kernel(function: _F, /, *, name: str | None = None, cells: int | None = 1) -> _F: ...
@overload
def kernel(function: None = None, /, *, name: str | None = None, cells: int | None = 1) -> Callable[[_F], _F]: ...
def kernel(
    function: _F | None = None, /, *, name: str | None = None, cells: int | None = 1
) -> _F | Callable[[_F], _F]:
    """Makes a function a kernel: what `coordinator --worker SCRIPT --kernel NAME` computes.

    `function(start, end)` returns the number for the iterations `start` to `end - 1`; for `cells` other than 1, a
    sequence or an array of that many numbers, and for `cells=None` of as many as the run has cells. If it has a
    parameter `seed`, it gets the seed of the run. The result must depend on nothing else. The function itself stays as
    it is.
    """

    def register(function: _F) -> _F:
        made = _made(function, name, cells)
        _kernels[made.name] = made
        return function

    return register if function is None else register(function)


def _made(function: Callable[..., object], name: str | None, cells: int | None) -> Kernel:
    """The checked kernel."""
    if not callable(function):
        raise TypeError(f"a kernel is a function, not {type(function).__name__}: write @kernel or @kernel(name=...)")
    if name is None:
        name = getattr(function, "__name__", "")
        if name in ("", "<lambda>"):
            raise TypeError(f"{function!r} has no name for --kernel: use kernel(name=...)")
    if not isinstance(name, str):
        raise TypeError(f"a kernel's name is a str, not {type(name).__name__}")
    if not name or not name.isprintable() or name.startswith("-"):
        raise ValueError(f"{name!r} is not a kernel's name: use letters, digits and such, and no - in front")
    if name in _native.built_in_kernels:
        raise ValueError(f"{name!r} is a built-in kernel: choose another name, by kernel(name=...)")
    if name in _kernels:
        raise ValueError(f"there is a kernel {name!r} already, {_kernels[name].function!r}: choose another name")
    if cells is not None:
        try:
            cells = index(cells)
        except TypeError:
            raise TypeError(f"cells is an int or None, not {type(cells).__name__}") from None
        if not 1 <= cells <= _MOST_CELLS:
            raise ValueError(f"cells is {cells}: use 1 or more, or None for as many as the run has")
    made = Kernel(name, _about(function), cells, function)
    made.adapted()
    return made


def _about(function: Callable[..., object]) -> str:
    """The first line of its docstring."""
    lines = (function.__doc__ or "").strip().split("\n")
    return lines[0].strip() or "a Python function"


def takes_seed(name: str, function: Callable[..., object]) -> bool:
    """Whether it wants the seed. Refuses a function that cannot be called as a kernel."""
    # It is slow to import, and many workers do not need it.
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        # One of C that does not say.
        return False
    parameter = signature.parameters.get("seed")
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    takes_seed = parameter is not None and parameter.kind in named
    try:
        signature.bind(0, 1, **({"seed": 0} if takes_seed else {}))
    except TypeError:
        raise TypeError(
            f"kernel {name!r} takes {signature}: a kernel takes (start, end), and may take (start, end, seed)"
        ) from None
    return takes_seed


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """A worker's whole main program: computes this script's kernels, as the command line says. Never returns.

    `argv` is like `sys.argv`, which it is by default: it begins with the program's name. What kernels print goes to
    stderr. At the end no `atexit` function runs, and no thread is waited for.
    """
    args = list(sys.argv if argv is None else argv)
    if not all(isinstance(arg, str) for arg in args):
        raise TypeError("argv is a sequence of str, with the program's name first")
    if not _kernels:
        raise RuntimeError("there is no kernel: decorate a function with @kernel before main() is called")
    _refuse_import()
    is_launched = any(arg.partition("=")[0] == "--ticket" for arg in args)
    out = print_to_stderr(is_launched=is_launched)
    code = 1
    try:
        code = run_worker(args, list(_kernels.values()))
    except BaseException:
        traceback.print_exc()
    finally:
        leave(code, out)


def print_to_stderr(*, is_launched: bool) -> object:
    """From now on what is printed goes to stderr; returns what stdout was.

    The coordinator of a launched worker prints the results. Also what C code prints is to be seen then.
    """
    out = sys.stdout
    _flush(out)
    try:
        # A whole line at once, so that those of several workers do not mix.
        sys.stdout = open(2, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace", closefd=False)
    except (AttributeError, OSError):
        sys.stdout = sys.stderr
    if is_launched:
        try:
            os.dup2(2, 1)
        except OSError:
            pass
    return out


def run_worker(args: list[str], kernels: list[Kernel]) -> int:
    """Runs a worker with these kernels, and returns its exit code."""
    rows = [(kernel.name, kernel.about, kernel.cells, kernel.adapted()) for kernel in kernels]
    return _native.run_worker(args, rows, explain)


def leave(code: int, *streams: object) -> NoReturn:
    """Ends the process.

    An orderly end would wait for the threads that a kernel has left, and would signal the children of multiprocessing,
    which the worker has ended and reaped.
    """
    for stream in (*streams, sys.stdout, sys.stderr):
        _flush(stream)
    os._exit(code)


def _flush(stream: object) -> None:
    try:
        stream.flush()  # type: ignore[attr-defined]
    except Exception:
        # It was closed, or nobody reads it.
        pass


def _refuse_import() -> None:
    """Refuses `main()` while a child of multiprocessing imports this script: the child has the worker's arguments."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and getattr(process.current_process(), "_inheriting", False):
        raise RuntimeError(
            "main() is called while a child process imports this script: write\n"
            '    if __name__ == "__main__":\n'
            "        main()"
        )
