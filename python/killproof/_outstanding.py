"""Which items of a map have no result yet, and why."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

from ._explain import explain
from ._reasons import Reason
from ._report import Report


class Outstanding:
    """The items without a result."""

    def __init__(self, count: int) -> None:
        self.indices = set(range(count))
        # How often an item killed its worker, and how.
        self._deaths: dict[int, dict[str, Any]] = {}
        # Why the caller cannot unpickle a result.
        self._unreadable: dict[int, str] = {}

    @property
    def passed_over(self) -> list[int]:
        """What is not tried again in this map."""
        return sorted(self._deaths)

    def load(self, index: int, body: bytes) -> tuple[bool, Any]:
        """Takes a result: whether it can be unpickled, and what it is."""
        if index in self._unreadable:
            return False, None
        try:
            result = pickle.loads(body)
        except Exception as error:
            self._unreadable[index] = f"its result cannot be unpickled: {explain(error)}"
            return False, None
        self.indices.discard(index)
        return True, result

    def pass_over(self, report: Report) -> bool:
        """Notes what killed too many workers; returns whether the rest can be tried without it.

        The coordinator gives up when workers died on such items and finished nothing else, or when its list of them is
        full.
        """
        gaps = report.missing([])
        found = {
            index: gap
            for gap in gaps
            if gap["why"].startswith("killed")
            for index in range(gap["start"], gap["end"])
            if index not in self._deaths
        }
        self._deaths.update(found)
        has_left_out = any(not gap["why"].startswith(("killed", "failed")) for gap in gaps)
        return bool(found) and has_left_out and report.is_over_by_itself

    def missing(self, reasons: Iterable[Reason], *, was_short: bool) -> list[dict[str, Any]]:
        """What is missing, in order of the items."""
        failed = {reason.start: reason for reason in reasons}
        return [self._gap(index, failed.get(index), was_short) for index in sorted(self.indices)]

    def _gap(self, index: int, failed: Reason | None, was_short: bool) -> dict[str, Any]:
        if index in self._unreadable:
            return {"index": index, "attempts": 1, "why": self._unreadable[index]}
        if index in self._deaths:
            gap = self._deaths[index]
            why = gap["why"] + ("; memory was short meanwhile (the system's OOM killer)" if was_short else "")
            return {"index": index, "attempts": gap["attempts"], "why": why}
        if failed is not None:
            return {"index": index, "attempts": failed.attempts, "why": failed.last_lines}
        return {"index": index, "attempts": 0, "why": "not computed before the end"}
