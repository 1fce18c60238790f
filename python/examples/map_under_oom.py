"""A map whose worker is killed, as the OOM killer does it: `python map_under_oom.py killproof`, or `pool`, which hangs.

To have a real OOM killer, give the program little memory, and the worker an appetite of more, in MiB:

    systemd-run --user --scope -p MemoryMax=300M -p MemorySwapMax=0 python map_under_oom.py killproof 1000
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import sys

import killproof

HUNGRY = 5


def square(appetite: int, number: int) -> int:
    if number == HUNGRY:
        kept = [bytearray(1 << 20) for _ in range(appetite)]
        if not kept:
            os.kill(os.getpid(), signal.SIGKILL)
    return number * number


if __name__ == "__main__":
    how = sys.argv[1] if len(sys.argv) > 1 else "killproof"
    appetite = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    function = functools.partial(square, appetite)
    if how == "pool":
        with multiprocessing.Pool(2) as pool:
            # It waits for ever: nobody tells it that the worker with the item is gone.
            print(pool.map(function, range(10), chunksize=1))
    else:
        try:
            print(killproof.map(function, range(10), workers=2, progress=False))
        except killproof.Incomplete as incomplete:
            print(incomplete.results)
            for gap in incomplete.missing:
                print(f"item {gap['index']}: {gap['why']}, {gap['attempts']} attempts")
