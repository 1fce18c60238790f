"""The arguments of `run` and `map`, checked, as options of the coordinator."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from operator import index
from typing import Any

# The coordinator's limits.
_MOST_WORKERS = _MOST_RETRIES = 1_000_000
MOST_CELLS = 1 << 20


def common_options(n: int, *, workers: int | None, retries: int, timeout: float | None) -> list[str]:
    """The coordinator's options for what `run` and `map` have in common. Raises TypeError and ValueError."""
    milliseconds = None if timeout is None else _milliseconds(timeout)
    n = count("n", n)
    wanted = len(os.sched_getaffinity(0)) if workers is None else count("workers", workers, least=1, most=_MOST_WORKERS)
    # More than one for each iteration would have nothing to do.
    chosen = max(min(wanted, n), 1)
    options = [f"-n={n}", f"--workers={chosen}", f"--restarts={count('retries', retries, most=_MOST_RETRIES)}"]
    # A longer time than the coordinator takes is no limit.
    if milliseconds is not None and milliseconds < 1e12:
        options.append(f"--timeout={math.ceil(milliseconds)}ms")
    return options


def count(name: str, value: Any, *, least: int = 0, most: int = (1 << 63) - 1) -> int:
    """A whole number in these limits."""
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}: give it a whole number") from None
    if not least <= number <= most:
        raise ValueError(f"{name} is {number}: give it a whole number from {least} to {most}")
    return number


def listed(items: Iterable[Any]) -> list[Any]:
    """The items of a map."""
    try:
        iterator = iter(items)
    except TypeError:
        raise TypeError(f"items is {items!r}: give it a list, or what else gives one item after the other") from None
    return list(iterator)


def folder(name: str, value: Any) -> str | None:
    """A path, or none."""
    if value is None:
        return None
    try:
        path = os.fsdecode(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}: give it the path of a folder, or None") from None
    if not path or "\0" in path:
        raise ValueError(f"{name} is {value!r}: give it the path of a folder, or None")
    return path


def _milliseconds(timeout: Any) -> float:
    try:
        # A text can be made a number, too.
        seconds = float(timeout) if hasattr(timeout, "__float__") else None
    except TypeError:
        seconds = None
    except OverflowError:
        seconds = math.inf if timeout > 0 else -math.inf
    if seconds is None:
        raise TypeError(f"timeout is {timeout!r}: give it a number of seconds, or None")
    if not seconds > 0:
        raise ValueError(f"timeout is {timeout!r}: give it a number of seconds above 0, or None")
    return seconds * 1000


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}: give it one of {', '.join(map(repr, allowed))}")
    return value
