"""What the workers of `map` compute: the function, of one item after the other."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ._explain import explain
from ._pickles import dumps
from ._reasons import Reasons
from ._results import Results
from ._table import Items

# An index on the pipe to the caller. One write of so few bytes is not mixed with others (pipe(7)).
INDEX_BYTES = 8


def of(function: Any, terms: dict[str, Any], reasons: Reasons) -> Callable[[int, int, int], object]:
    """A kernel that counts the items of its range whose results are there, and computes them before.

    An item that cannot be computed counts 0, and its caller is told why: the sum is how many results there are.
    """
    return _Worker(function, terms, reasons).compute


class _Worker:
    def __init__(self, function: Any, terms: dict[str, Any], reasons: Reasons) -> None:
        self._function = function
        self._attempts = terms["retries"] + 1
        # What killed workers often enough in this map already.
        self._passed_over = frozenset(terms["passed_over"])
        self._ear = terms["ear"]
        self._items = Items(terms["folder"])
        self._results = Results(terms["folder"], terms["ticket"])
        self._reasons = reasons
        self._by_value = terms["by_value"]
        self._process = os.getpid()
        # What the function starts must not hold the map's lock, or its pipe.
        for descriptor in (terms["lock"], terms["folder"], self._ear):
            os.set_inheritable(descriptor, False)

    def compute(self, start: int, end: int, seed: int) -> int:
        return sum(self._is_there(index) for index in range(start, end))

    def _is_there(self, index: int) -> bool:
        """Whether the result is there, now or already before."""
        if index in self._passed_over:
            return False
        if not self._attempt(index):
            return False
        try:
            os.write(self._ear, index.to_bytes(INDEX_BYTES, "little"))
        except BrokenPipeError:
            # The caller is dead. The result is for whoever takes the map up.
            pass
        return True

    def _attempt(self, index: int) -> bool:
        for _ in range(self._attempts):
            try:
                if self._results.read(index) is not None:
                    return True
                result = self._function(self._items.load(index))
                if os.getpid() != self._process:
                    # The function has forked, and this is the child: the result is its parent's to give.
                    return False
                self._results.write(index, dumps(result, by_value=self._by_value))
                return True
            except BaseException as error:
                if os.getpid() != self._process:
                    return False
                why = explain(error)
        self._reasons.add(index, index + 1, self._attempts, why)
        return False
