"""Four processes each compute a sum and print it: `python program_a.py`

This is the tutorial's program as it stands. Its processes share nothing, so there is nothing to import from killproof.
"""

from multiprocessing import Process, current_process


def worker(n: int) -> None:
    result = sum(i * i for i in range(n))
    print(f"Process {current_process().name}, Result: {result}")


if __name__ == "__main__":
    processes = [Process(target=worker, args=(10_000_000,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
