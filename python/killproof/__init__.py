"""multiprocessing's `Value`, `Array` and `Lock`, for programs whose processes may be killed.

A process that is killed while it holds a lock blocks nobody: the next owner gets the lock and is told. What one call
changes is changed as a whole or not at all. `from killproof import Value, Lock` in place of multiprocessing's is enough
to begin with.

`kernel` and `main` make a script a worker of killproof's coordinator: its functions are computed in parallel, and each
iteration counts exactly once, whatever is killed. `run` does it for a function of this program, and `map` gives each
item's result exactly once.
"""

from typing import TYPE_CHECKING, Any

from ._native import Array, Lock, OwnerDied, RLock, Value, attach, transaction
from ._native import __version__ as __version__

if TYPE_CHECKING:
    from ._incomplete import Incomplete
    from ._kernel import kernel, main
    from ._map import imap_unordered, map
    from ._run import Result, run

__all__ = [
    "Array",
    "Incomplete",
    "Lock",
    "OwnerDied",
    "RLock",
    "Result",
    "Value",
    "attach",
    "imap_unordered",
    "kernel",
    "main",
    "map",
    "run",
    "transaction",
]

# Where the rest is: a program that only shares values does not wait for its import.
_ROOMS = {
    "Incomplete": "_incomplete",
    "Result": "_run",
    "imap_unordered": "_map",
    "kernel": "_kernel",
    "main": "_kernel",
    "map": "_map",
    "run": "_run",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f".{_ROOMS[name]}", __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
