"""`map` and `imap_unordered`: each item's result exactly once, computed by workers that may be killed."""

from __future__ import annotations

import functools
import math
import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from types import ModuleType
from typing import Any, TypeVar

from . import _call, _oom
from ._coordinator import Coordinator
from ._descriptors import above_standard
from ._incomplete import Incomplete
from ._items import INDEX_BYTES
from ._options import common_options, count, folder, listed
from ._outstanding import Outstanding
from ._reasons import Reasons
from ._report import Report, must_have_loaded
from ._spool import Spool

_T = TypeVar("_T")
_R = TypeVar("_R")


def map(
    f: Callable[[_T], _R],
    items: Iterable[_T],
    *,
    workers: int | None = None,
    retries: int = 3,
    timeout: float | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> list[_R]:
    """`[f(item) for item in items]`, computed by worker processes. Any process may be killed, this one too.

    An item whose computation fails, or kills its worker, is tried again, `retries` times. Then it is set aside, and the
    others go on. Raises `Incomplete`, with `results`, `missing` and `spool`, if something is missing at the end or
    after `timeout` seconds. `workers=None` is one for each CPU.

    `resume` names a folder for the results: the same call takes up what is there. That the body of `f` has changed is
    not noticed.
    """
    everything = listed(items)
    results: list[Any] = [None] * len(everything)
    terms = {"workers": workers, "retries": retries, "timeout": timeout}
    try:
        # Whatever is raised, and whoever keeps its traceback, the workers are gone then.
        with closing(_computed("map", f, everything, terms, resume, progress)) as pairs:
            for index, result in pairs:
                results[index] = result
    except Incomplete as incomplete:
        incomplete.results = results
        raise
    return results


def imap_unordered(
    f: Callable[[_T], _R],
    items: Iterable[_T],
    *,
    workers: int | None = None,
    retries: int = 3,
    timeout: float | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Generator[tuple[int, _R], None, None]:
    """The same, one `(index, result)` after the other, as they come.

    If something is missing it raises `Incomplete` last. Closing it ends the computation.
    """
    terms = {"workers": workers, "retries": retries, "timeout": timeout}
    return _computed("imap_unordered", f, listed(items), terms, resume, progress)


def _computed(
    name: str, f: Any, items: list[Any], terms: dict[str, Any], resume: Any, progress: bool
) -> Generator[tuple[int, Any], None, None]:
    """Checks the arguments, and returns what computes."""
    _call.must_not_be_importing(name)
    if not callable(f):
        raise TypeError(f"f is {f!r}, which cannot be called: pass a function of an item")
    common_options(len(items), **terms)
    return _Map(f, items, terms, progress).results(folder("resume", resume))


class _Map:
    """A map that is computed."""

    def __init__(self, f: Any, items: list[Any], terms: dict[str, Any], progress: bool) -> None:
        self._f = f
        self._items = items
        self._terms = terms
        self._progress = progress
        self._deadline = math.inf
        self._outstanding = Outstanding(len(items))

    def results(self, resume: str | None) -> Generator[tuple[int, Any], None, None]:
        if not self._items:
            return
        if self._terms["timeout"] is not None:
            self._deadline = time.monotonic() + float(self._terms["timeout"])
        # Before anything is made.
        packed = _call.packed(self._f)
        with Spool(resume) as spool:
            bound, by_value = _bound(self._f), packed.by_value
            spool.fill(_name_of(self._f), self._items, bound=bound, by_value=by_value)
            spool.stays = True
            try:
                yield from self._results(spool, packed)
                spool.stays = False
            except BaseException:
                # It may be closed after its last result.
                spool.stays = bool(self._outstanding.indices)
                if spool.is_temporary and spool.stays:
                    _say_where(spool)
                raise

    def _results(self, spool: Spool, packed: _call.Packed) -> Iterator[tuple[int, Any]]:
        if not spool.results.are_none():
            yield from self._taken(spool, range(len(self._items)))
        oom_kills = _oom.kills()
        with Reasons() as reasons:
            has_more = bool(self._outstanding.indices)
            while has_more:
                report = yield from self._pass(spool, packed, reasons)
                # Of a worker that was killed before it told.
                yield from self._taken(spool, sorted(self._outstanding.indices))
                if not report.is_told:
                    raise report.error()
                has_more = self._outstanding.pass_over(report)
            if self._outstanding.indices:
                must_have_loaded(reasons.all())
                was_short = _oom.kills() != oom_kills
                missing = self._outstanding.missing(reasons.all(), was_short=was_short)
                done = f"{len(self._items) - len(missing)} of {len(self._items)} items are computed"
                named = [f"item {gap['index']} ({gap['why'].splitlines()[-1]})" for gap in missing]
                raise Incomplete(report.summary(done, named), missing=missing, spool=spool.path)

    def _pass(self, spool: Spool, packed: _call.Packed, reasons: Reasons) -> Generator[tuple[int, Any], None, Report]:
        """One run of the coordinator. What kills workers again and again can end it before all is computed."""
        ear, mouth = (above_standard(end) for end in os.pipe())
        try:
            inherited = {"ear": mouth, "folder": spool.folder, "lock": spool.lock}
            passed_over = self._outstanding.passed_over
            retries = count("retries", self._terms["retries"])
            terms = {"job": "map", "cells": 1, "retries": retries, "passed_over": passed_over, **inherited}
            left = max(self._deadline - time.monotonic(), 0.001)
            options = common_options(len(self._items), **{**self._terms, "timeout": left})
            with _call.Call(packed, terms) as call:
                coordinator = Coordinator(
                    [*options, "--chunk=1", "--type=i64"],
                    call,
                    reasons,
                    progress=self._progress,
                    inherited=tuple(inherited.values()),
                    ear=ear,
                )
                with coordinator:
                    heard = b""
                    for block in coordinator.listen():
                        heard += block
                        whole = len(heard) - len(heard) % INDEX_BYTES
                        indices = memoryview(heard[:whole]).cast("Q")
                        heard = heard[whole:]
                        yield from self._taken(spool, indices)
                    return coordinator.report()
        finally:
            os.close(ear)
            os.close(mouth)

    def _taken(self, spool: Spool, indices: Iterable[int]) -> Iterator[tuple[int, Any]]:
        """Those results of `indices` that are there and were not taken yet."""
        for index in indices:
            if index in self._outstanding.indices and (body := spool.results.read(index)) is not None:
                found, result = self._outstanding.load(index, body)
                if found:
                    yield index, result


def _name_of(f: Any) -> str:
    """What a folder says that it is of."""
    if isinstance(f, functools.partial):
        return f"partial({_name_of(f.func)})"
    named = f if hasattr(f, "__qualname__") and hasattr(f, "__module__") else type(f)
    return f"{named.__module__}.{named.__qualname__}"


def _bound(f: Any) -> Any:
    """What a function brings along, besides its name: arguments, or the object whose method it is."""
    if isinstance(f, functools.partial):
        return [f.args, f.keywords, _bound(f.func)]
    owner = getattr(f, "__self__", f if not hasattr(f, "__qualname__") else None)
    return None if isinstance(owner, ModuleType) else owner


def _say_where(spool: Spool) -> None:
    try:
        where = f"the results so far stay in {spool.path}: take them up with resume={spool.path!r}"
        print(f"killproof: {where}", file=sys.stderr, flush=True)
    except (AttributeError, OSError, ValueError):
        # Nobody listens.
        pass
