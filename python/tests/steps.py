"""Kills a process between any two instructions of some modules."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

from support import fork, wait_for


def killed_at(step: int, modules: list[ModuleType], body: Callable[[], Any]) -> bool:
    """Runs a function in a child that kills itself at the given step in these modules; whether it came so far.

    A step is an instruction of the interpreter, or the beginning or the end of a function.
    """

    def run() -> None:
        # CPython 3.12 looks at this only when tracing begins.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(_Trace(step, modules).enter)
        try:
            body()
        finally:
            sys.settrace(None)

    code = wait_for(fork(run))
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"the child failed at step {step}: {code}")
    return code != 0


class _Trace:
    def __init__(self, step: int, modules: list[ModuleType]) -> None:
        self._left = step
        self._files = {module.__file__ for module in modules}

    def enter(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in self._files:
            return None
        # CPython 3.13 needs it already now.
        frame.f_trace = self._step
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._step(frame, event, argument)

    def _step(self, frame: FrameType, event: str, argument: object) -> Any:
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._step
