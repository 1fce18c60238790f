"""The worker executable of `run` and `map`, which `_start` loads and the coordinator launches."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from . import _call, _items, _kernel, _native
from ._explain import explain
from ._reasons import PREPARING, Reasons

# What a job makes of the function: a kernel's function of start, end and seed.
_JOBS: dict[str, Callable[[Any, dict[str, Any], Reasons], Callable[[int, int, int], object]]] = {
    "run": lambda function, terms, _: _kernel.with_seed(function, takes_seed=terms["takes_seed"]),
    "map": _items.of,
}

# The exit code of a worker that it is in vain to launch again.
_USAGE = 2


def main() -> NoReturn:
    # Not a traceback of each worker at Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    arguments = ["killproof", *sys.argv[1:]]
    out = _kernel.print_to_stderr(is_launched=True)
    reasons = Reasons(int(os.environ.pop(Reasons.DESCRIPTOR)))
    code = _USAGE
    try:
        function, terms = _call.receive()
        terms["ticket"] = int(arguments[arguments.index("--ticket") + 1])
        for descriptor in (terms[name] for name in ("lock", "folder", "ear") if name in terms):
            # Nor does a child that the function forks keep what is the map's.
            os.register_at_fork(after_in_child=partial(os.close, descriptor))
        compute = _JOBS[terms["job"]](function, terms, reasons)
        kernel = ("call", "the function of a call", terms["cells"], compute)
        code = _native.run_worker(arguments, [kernel], explain, _tell(reasons))
    except BaseException as error:
        reasons.add(PREPARING, PREPARING, 1, explain(error))
        _tell_coordinator(arguments, "it cannot load the function")
    finally:
        _kernel.leave(code, out)


def _tell(reasons: Reasons) -> Callable[[int, int, str], None]:
    """Tells the caller why an attempt on a range failed. A child that the function has forked has no part in it."""
    process = os.getpid()

    def tell(start: int, end: int, why: str) -> None:
        if os.getpid() == process:
            reasons.add(start, end, 1, why)

    return tell


def _tell_coordinator(arguments: list[str], reason: str) -> None:
    """Says why this worker fails, as `worker::report` does: the coordinator shows it once for all workers."""
    try:
        with open(arguments[arguments.index("--report-to") + 1], "a", encoding="utf-8") as reports:
            reports.write(f"\n{os.getpid()}\t{reason}\t\n")
    except (ValueError, OSError):
        # There is no such file. The exit code says something, too.
        pass
