"""Moments in which no signal handler of the program runs, so that none raises an exception there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any


class Deferral:
    """Within it handlers in Python wait for its end. Then they run, and may raise.

    Python runs handlers in the main thread alone, so in another thread there is nothing to do.
    """

    def __init__(self) -> None:
        self._earlier: dict[int, Callable[[int, Any], Any]] = {}
        self._came: list[tuple[int, Any]] = []
        self._is_over = False

    @property
    def count(self) -> int:
        """How many signals have come."""
        return len(self._came)

    def __enter__(self) -> Deferral:
        if threading.current_thread() is threading.main_thread():
            try:
                for number in signal.valid_signals():
                    handler = signal.getsignal(number)
                    if callable(handler):
                        self._earlier[number] = handler
                        signal.signal(number, self._handle)
            except BaseException:
                self._end()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        for number, frame in self._came:
            self._earlier[number](number, frame)

    def _end(self) -> None:
        # A handler that is still ours passes its signal on from here, if the next lines are interrupted.
        self._is_over = True
        for number, handler in self._earlier.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> None:
        if self._is_over:
            self._earlier[number](number, frame)
        else:
            self._came.append((number, frame))
