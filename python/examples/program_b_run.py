"""The tutorial's four processes that add to one number, each exactly once, whoever is killed.

Run it: `python program_b_run.py`
"""

import random
import time

import killproof


def work(start: int, end: int) -> int:
    total = 0
    for _ in range(start, end):
        total += sum(i * i for i in range(1_000_000))
        time.sleep(random.uniform(0.1, 0.5))
    return total


if __name__ == "__main__":
    result = killproof.run(work, 4, workers=4, chunk=1, type="i32")
    print(f"Final shared value: {result.value}")
