"""The end of a process: it unlinks the names of segments that are still its own, and a worker ends its pools."""

import sys

from . import _native

# At its end a process of multiprocessing, the first one too, runs the finalizers of priority 0 and above. Then it
# terminates its daemonic children, joins the others, and runs the other finalizers by their priority
# (`multiprocessing.util`). A child may attach by name until it has ended, and so may whoever reads from a queue, whose
# last objects are pickled at -5. -100 removes multiprocessing's temporary folder. This one is to be the last.
_PRIORITY = -1000

# Seconds for what a kernel has left behind. What takes longer is killed.
_PATIENCE = 2.0


def unlink_at_exit() -> None:
    """Lets this process unlink its names when it ends. Called in each process that makes a segment, at its first one.

    Not by `atexit`, which the children of fork and forkserver skip (`os._exit`). A child begins without the finalizers
    of its parent, and one that `os.fork` made skips them by their process id, so each process needs its own.
    """
    # Imported here because a program that only attaches does not need multiprocessing.
    from multiprocessing.util import Finalize

    Finalize(None, _native.unlink_names, exitpriority=_PRIORITY)


def finish_worker() -> None:
    """Ends what a worker's kernels have left to multiprocessing, as an orderly end of the process would.

    These are pools, managers, temporary folders, and the names of segments that the process has made.

    The worker kills all of its children afterwards. A pool would start new ones, and complain.
    """
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return
    from threading import Thread

    # Finalizers may wait for processes that are stuck.
    thread = Thread(target=util._run_finalizers, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
