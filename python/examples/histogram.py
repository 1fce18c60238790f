"""Counts the first digits of a million squares, in four processes and one array: `python histogram.py`

It needs numpy, which sees the memory of an `Array` without copying it.
"""

from multiprocessing import Process

import numpy as np

from killproof import Array, transaction

PROCESSES = 4
SQUARES = 1_000_000


def worker(counts: Array[int], number: int) -> None:
    squares = np.arange(1 + number, SQUARES + 1, PROCESSES, dtype=np.int64) ** 2
    digits = squares // 10 ** np.floor(np.log10(squares)).astype(np.int64)
    found = np.bincount(digits, minlength=10)
    with transaction(counts) as cells:  # a process that is killed before the end of the block has added nothing
        for digit in range(1, 10):
            cells[digit] += int(found[digit])


if __name__ == "__main__":
    counts = Array("q", 10)
    processes = [Process(target=worker, args=(counts, number)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with counts.get_lock():
        shares = np.asarray(counts) / SQUARES
    for digit in range(1, 10):
        print(f"{digit} {counts[digit]:>7} {shares[digit]:6.1%}")
