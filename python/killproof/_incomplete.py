"""What a call raises that has not computed everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._run import Result


class Incomplete(Exception):
    """Something is missing of a `run` or a `map`; all the rest is computed.

    `missing` is a list of dicts that say what is missing and why, in order. After `run`, `result` is what the computed
    ranges give. After `map`, `results` has None in place of what is missing, and `spool` is the folder to take it up
    from (`resume=`).
    """

    def __init__(
        self,
        message: str,
        *,
        missing: list[dict[str, Any]],
        result: Result | None = None,
        results: list[Any] | None = None,
        spool: str | None = None,
    ) -> None:
        super().__init__(message)
        self.missing = missing
        self.result = result
        self.results = results
        self.spool = spool

    def __reduce__(self) -> tuple[Any, ...]:
        # Its arguments are named ones, which exceptions do not pickle by themselves.
        return _restore, (str(self), self.missing, self.result, self.results, self.spool)


def _restore(message: str, missing: Any, result: Any, results: Any, spool: Any) -> Incomplete:
    return Incomplete(message, missing=missing, result=result, results=results, spool=spool)
