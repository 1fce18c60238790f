"""`run`: the sum of a function over a range, computed by workers that may be killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import _call
from ._coordinator import Coordinator
from ._incomplete import Incomplete
from ._kernel import takes_seed
from ._options import MOST_CELLS, common_options, count, one_of
from ._reasons import Reason, Reasons
from ._report import Report, must_have_loaded


@dataclass(frozen=True)
class Result:
    """What a run has computed."""

    # The sum: a number, or a list with one for each cell. An integer wraps at its type's limits.
    value: Any
    # The sum without wrapping; None for floats.
    exact_total: Any
    # Whether all of 0..n is in it.
    complete: bool
    # What is not, and why: a list of dicts with `start`, `end`, `attempts`, `why`.
    missing: list[dict[str, Any]]
    # What each worker did: a list of dicts.
    workers: list[dict[str, Any]] = field(repr=False)
    # Seconds.
    elapsed: float


def run(
    f: Callable[..., Any],
    n: int,
    *,
    workers: int | None = None,
    type: str = "i64",
    cells: int = 1,
    chunk: int | str = "auto",
    retries: int = 3,
    seed: int | None = None,
    timeout: float | None = None,
    overflow: str = "wrap",
    progress: bool = True,
) -> Result:
    """Adds up `f(start, end)` over chunks of 0..n, each exactly once, in worker processes that may be killed.

    `f` returns a number, or a sequence of `cells` numbers. If it has a parameter `seed`, it gets the run's.

    A chunk that fails, or whose worker is killed, is tried again, `retries` times. Then it is set aside, and the run
    goes on. Raises `Incomplete`, with `result` and `missing`, if something is missing at the end or after `timeout`
    seconds.
    """
    _call.must_not_be_importing("run")
    if not callable(f):
        raise TypeError(f"f is {f!r}, which cannot be called: pass a function of start and end")
    options = common_options(n, workers=workers, retries=retries, timeout=timeout)
    options += [f"--type={one_of('type', type, ('i32', 'i64', 'u64', 'f64'))}"]
    options += [f"--cells={count('cells', cells, least=1, most=MOST_CELLS)}"]
    options += [f"--chunk={chunk if chunk == 'auto' else count('chunk', chunk, least=1)}"]
    options += [f"--overflow={one_of('overflow', overflow, ('wrap', 'error'))}"]
    options += [] if seed is None else [f"--seed={count('seed', seed, most=(1 << 64) - 1)}"]
    terms = {"job": "run", "cells": cells, "takes_seed": takes_seed(getattr(f, "__name__", repr(f)), f)}
    packed = _call.packed(f)
    with Reasons() as reasons, _call.Call(packed, terms) as call:
        with Coordinator(options, call, reasons, progress=progress) as coordinator:
            report = coordinator.wait()
        return _result(report, reasons.all())


def _result(report: Report, reasons: list[Reason]) -> Result:
    """The result of a run that has ended. Raises if it is not complete."""
    if not report.is_told:
        raise report.error()
    missing = report.missing(reasons)
    elapsed = float(report.json["elapsed_s"])
    result = Result(report.value, report.exact_total, not missing, missing, report.workers, elapsed)
    if report.has_overflow:
        raise OverflowError(f"the sum does not fit {report.type}: use a larger type, or overflow='wrap'")
    if missing:
        must_have_loaded(reasons)
        done = report.iterations - sum(gap["end"] - gap["start"] for gap in missing)
        what = f"{done} of {report.iterations} iterations are applied"
        named = [f"{gap['start']}..{gap['end']} ({gap['why']})" for gap in missing]
        raise Incomplete(report.summary(what, named), missing=missing, result=result)
    return result
