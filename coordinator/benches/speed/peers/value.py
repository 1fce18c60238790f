"""A shared value: seconds of one operation. Arguments: package, operation, processes, operations per process."""
import importlib
import multiprocessing
import sys
import time


def add(value, count):
    for _ in range(count):
        value.add(1)


def add_in_place(value, count):
    for _ in range(count):
        value += 1


def with_lock(value, count):
    for _ in range(count):
        with value.get_lock():
            value.value += 1


def measure(repeat, value, barrier, count, times):
    barrier.wait()
    began = time.perf_counter()
    repeat(value, count)
    times.put((began, time.perf_counter()))


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    package, repeat = importlib.import_module(sys.argv[1]), globals()[sys.argv[2]]
    processes, count = int(sys.argv[3]), int(sys.argv[4])
    value = package.Value("i", 0)
    barrier = multiprocessing.Barrier(processes)
    times = multiprocessing.SimpleQueue()
    arguments = (repeat, value, barrier, count, times)
    children = [multiprocessing.Process(target=measure, args=arguments) for _ in range(processes)]
    for child in children:
        child.start()
    spans = [times.get() for _ in children]
    for child in children:
        child.join()
    assert value.value == processes * count
    took = max(ended for _, ended in spans) - min(began for began, _ in spans)
    print(took / (processes * count))
