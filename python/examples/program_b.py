"""Four processes each add a sum to one number: `python program_b.py`

The tutorial's program, changed by one line: it imports Lock and Value from killproof.
"""

from __future__ import annotations

import random
import time
from multiprocessing import Process, current_process

from killproof import Lock, Value


def worker(shared_value: Value[int], lock: Lock) -> None:
    result = sum(i * i for i in range(1_000_000))
    time.sleep(random.uniform(0.1, 0.5))
    with lock:
        shared_value.value += result
        print(f"Process {current_process().name} updated shared value to {shared_value.value}")


if __name__ == "__main__":
    shared_value = Value("i", 0)
    lock = Lock()
    processes = [Process(target=worker, args=(shared_value, lock)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(f"Final shared value: {shared_value.value}")
