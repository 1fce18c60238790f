"""How a run of the coordinator ended: its exit code, and the JSON that it printed."""

from __future__ import annotations

import json
import signal
from typing import Any

from ._reasons import PREPARING, Reason

_INCOMPLETE, _TIMEOUT, _OVERFLOW = 1, 5, 7

# That of a segment that cannot be had, and that of one that is damaged.
_UNAVAILABLE, _FOREIGN = 3, 4

# Of these many the message of an error names the first ones.
_MOST_NAMED = 3


class Report:
    """How a run ended."""

    def __init__(self, exit_code: int, stdout: bytes, stderr: bytes) -> None:
        """`stderr`: its last lines; empty if they went to this process's stderr directly."""
        self.exit_code = exit_code
        self.json: dict[str, Any] = json.loads(stdout) if stdout.endswith(b"\n") else {}
        self._stderr = stderr.decode(errors="replace")

    @property
    def is_told(self) -> bool:
        """Whether the coordinator has told what was computed."""
        return bool(self.json)

    @property
    def has_overflow(self) -> bool:
        return self.exit_code == _OVERFLOW

    @property
    def has_timed_out(self) -> bool:
        return self.exit_code == _TIMEOUT

    @property
    def is_over_by_itself(self) -> bool:
        """Whether neither a timeout nor a signal has ended it."""
        # 0 where the program ignores SIGCHLD, so that the system does not keep exit codes.
        return self.exit_code in (0, _INCOMPLETE)

    @property
    def iterations(self) -> int:
        return int(self.json["iterations"])

    @property
    def type(self) -> str:
        return str(self.json["type"])

    @property
    def value(self) -> Any:
        return self._numbers(self.json["value"])

    @property
    def exact_total(self) -> Any:
        return self._numbers(self.json["exact_total"])

    @property
    def workers(self) -> list[dict[str, Any]]:
        return [
            {**worker, "contribution": self._numbers(worker["contribution"]), "chunks": int(worker["chunks"] or 0)}
            for worker in self.json["workers"]
        ]

    def missing(self, reasons: list[Reason]) -> list[dict[str, Any]]:
        """What is not applied, and why: by the workers' reasons, where they had one."""
        lines = {reason.start: reason.line for reason in reasons}
        return [
            {
                "start": (start := int(gap["start"])),
                "end": int(gap["end"]),
                "attempts": gap["attempts"],
                "why": lines.get(start, gap["why"]) if gap["why"] == "failed" else gap["why"],
            }
            for gap in self.json["missing"]
        ]

    def summary(self, done: str, missing: list[str]) -> str:
        """The message of the error."""
        how = f"timeout: {done}" if self.has_timed_out else done
        more = f", and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        return f"{how}; missing: {', '.join(missing[:_MOST_NAMED])}{more}"

    def error(self) -> Exception:
        """The error of a run that has told nothing."""
        lines = [line for line in self._stderr.splitlines() if line.startswith(("error: ", "hint: "))]
        kind = OSError if self.exit_code in (_UNAVAILABLE, _FOREIGN) else RuntimeError
        if self.exit_code < 0:
            return kind(f"the coordinator was killed by {_name(-self.exit_code)}: run it again")
        return kind(f"the coordinator ended with exit code {self.exit_code}: {'; '.join(lines) or 'stderr says why'}")

    def _numbers(self, given: Any) -> Any:
        if isinstance(given, list):
            return [self._numbers(one) for one in given]
        if given is None:
            return None
        return float(given) if self.type == "f64" else int(given)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # Most of the real-time signals have none.
        return f"signal {number}"


def must_have_loaded(reasons: list[Reason]) -> None:
    """Raises the error of workers that could not even load the function."""
    failed = [reason for reason in reasons if reason.start == PREPARING]
    if failed:
        raise RuntimeError(f"a worker could not load the function: {failed[0].text}")
