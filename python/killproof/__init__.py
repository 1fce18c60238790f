"""multiprocessing's `Value`, `Array` and `Lock`, for programs whose processes may be killed.

A process that is killed while it holds a lock blocks nobody: the next owner gets the lock and is told. What one call
changes is changed as a whole or not at all. `from killproof import Value, Lock` in place of multiprocessing's is enough
to begin with.

`kernel` and `main` make a script a worker of killproof's coordinator: its functions are computed in parallel, and each
iteration counts exactly once, whatever is killed.
"""

from ._kernel import kernel, main
from ._native import Array, Lock, OwnerDied, RLock, Value, attach, transaction
from ._native import __version__ as __version__

__all__ = ["Array", "Lock", "OwnerDied", "RLock", "Value", "attach", "kernel", "main", "transaction"]
