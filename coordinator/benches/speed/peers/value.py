"""A shared value: seconds of one operation. Arguments: package, operation, processes, operations per process."""
import importlib
import multiprocessing
import sys
import time
from itertools import repeat

# Operations between two looks at whether another process is ready. They loop as timeit does.
BLOCK = 1_000


def add(value, count):
    for _ in repeat(None, count):
        value.add(1)


def add_in_place(value, count):
    for _ in repeat(None, count):
        value += 1


def with_lock(value, count):
    for _ in repeat(None, count):
        with value.get_lock():
            value.value += 1


def measure(operation, value, barrier, stop, count, runs):
    barrier.wait()
    began = time.perf_counter()
    done = 0
    while done < count and not stop.value:
        operation(value, BLOCK)
        done += BLOCK
    # The first one stops the others, so that all contend during the whole time.
    stop.value = True
    runs.put((began, time.perf_counter(), done))


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    package, operation = importlib.import_module(sys.argv[1]), globals()[sys.argv[2]]
    processes, count = int(sys.argv[3]), int(sys.argv[4])
    value = package.Value("i", 0)
    barrier = multiprocessing.Barrier(processes)
    stop = multiprocessing.RawValue("b", False)
    runs = multiprocessing.SimpleQueue()
    arguments = (operation, value, barrier, stop, count, runs)
    children = [multiprocessing.Process(target=measure, args=arguments) for _ in range(processes)]
    for child in children:
        child.start()
    began, ended, done = zip(*(runs.get() for _ in children))
    for child in children:
        child.join()
    assert value.value == sum(done)
    print((max(ended) - min(began)) / sum(done))
