"""A process is killed while it holds a lock, and the others go on: `python killed_owner.py`

With multiprocessing's Lock and Value the second worker would wait for ever.
"""

import os
import signal
from multiprocessing import Process

from killproof import Lock, Value


def worker(balance: Value[int], lock: Lock, is_killed: bool) -> None:
    with lock:
        if lock.owner_died:
            print(f"an owner of the lock was killed; the balance is {balance.value}")
            lock.clear_owner_died()
        balance.add(100)  # done or not done, wherever a process is killed
        if is_killed:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    balance, lock = Value("i", 0), Lock()
    for is_killed in (True, False):
        process = Process(target=worker, args=(balance, lock, is_killed))
        process.start()
        process.join()
        print(f"exit code {process.exitcode}, balance {balance.value}")
